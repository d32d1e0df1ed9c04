import type { FastifyInstance } from 'fastify'

/** All paths that are registered, such as `/api/environments/:environment`, read from the tree that Fastify prints. */
export function registeredPaths({ app }: { readonly app: FastifyInstance }): readonly string[] {
  const paths: string[] = []
  const parents: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indentation = '', part = '', methods] = /^([│ ]*)[├└]── (\S*)( \(.*\))?$/.exec(line) ?? []
    const depth = indentation.length / 4
    parents.splice(depth, Infinity, part)
    if (methods !== undefined) paths.push(parents.join(''))
  }
  return paths
}
