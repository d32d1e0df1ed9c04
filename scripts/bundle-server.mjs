// Writes dist/server: the server and what it needs of other packages, in few files. Half of the time until it served went into finding
// and reading a thousand small ones. Everything else in dist stays as the compiler made it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const project = fileURLToPath(new URL('..', import.meta.url))
const folder = join(project, 'dist/server')

const bundle = await rolldown({
  cwd: project,
  input: { main: 'src/server-main.ts' },
  platform: 'node',
  external: [
    // Has files beside it that it serves.
    '@fastify/swagger-ui',
    // Need not be installed. Of the API beside them there is one more copy, which finds the one that is in use.
    /^@opentelemetry\/(?!api$)/,
    // For terminals and for the demo alone.
    'pino-pretty',
    'isomorphic-git',
    // Never loaded: see src/http/without-schemas.ts.
    '@fastify/ajv-compiler',
    '@fastify/fast-json-stringify-compiler',
  ],
  plugins: [
    {
      name: 'what stands beside a module is where the compiler put it',
      transform: {
        filter: { id: /\/src\/.*\.ts$/, code: 'import.meta.url' },
        handler: (code, id) => {
          const compiled = relative(join(project, 'src'), id).replace(/\.ts$/, '.js')
          return code.replaceAll('import.meta.url', `new URL('../${compiled}', import.meta.url).href`)
        },
      },
    },
    {
      // V8 keeps such text at half the size, and compiles it faster.
      name: 'nothing but ASCII',
      renderChunk: (code) =>
        code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    },
  ],
})
const { output } = await bundle.write({ dir: folder, cleanDir: true, chunkFileNames: '[name].js', comments: false })
await bundle.close()

const packages = new Set(output.flatMap(({ moduleIds = [] }) => moduleIds.flatMap((id) => packageOf(id) ?? [])))
writeFileSync(
  join(folder, 'LICENSES.txt'),
  [...packages]
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map(licenceOf)
    .join('\n\n'),
)

/** The folder of the package that a module is from; undefined for our own. */
function packageOf(id) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0]
}

/** What must stay with a copy of a package. */
function licenceOf(packageFolder) {
  const { name, version, license } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  const file = readdirSync(packageFolder).find((entry) => /^licen[cs]e/i.test(entry))
  const text = file === undefined ? '' : `\n\n${readFileSync(join(packageFolder, file), 'utf8').trim()}`
  return `${name} ${version} (${license})${text}\n`
}
