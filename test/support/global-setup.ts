import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { hasGit } from './real-git.ts'

/** Tests of the process test what is shipped, so it is built first; its types are the business of `npm run types`. */
export function setup(): void {
  const compiler = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  const project = fileURLToPath(new URL('../../tsconfig.build.json', import.meta.url))
  execFileSync(process.execPath, [compiler, '-p', project, '--noCheck'], { stdio: 'inherit' })
  if (!hasGit)
    process.stdout.write('There is no git program: tests that need one to judge what Signalbox writes are skipped.\n')
}
