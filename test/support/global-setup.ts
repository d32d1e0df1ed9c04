import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasBrowser } from './browser.ts'
import { hasGit } from './real-git.ts'

const pathOf = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Tests of the process test what is shipped, so it is built first; its types are the business of `npm run types`. */
export function setup(): void {
  const compiler = pathOf('node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', pathOf('tsconfig.build.json'), '--noCheck'], { stdio: 'inherit' })
  execFileSync(process.execPath, [pathOf('scripts/bundle-server.mjs')], { stdio: 'inherit' })
  removeLeftovers()
  if (!hasGit)
    process.stdout.write('There is no git program: tests that need one to judge what Signalbox writes are skipped.\n')
  if (!hasBrowser) {
    process.stdout.write(
      'There is no /usr/bin/chromium, and CHROMIUM_BIN names none: the tests of Swagger UI in a browser are skipped.\n',
    )
  }
}

/** What was built from files that have moved since would be found here, and in no clean clone. */
function removeLeftovers(): void {
  for (const file of readdirSync(pathOf('dist'), { recursive: true, encoding: 'utf8' })) {
    if (file.startsWith('server/')) continue
    const source = file.replace(/\.js(\.map)?$/, '.ts')
    if (source !== file && !existsSync(join(pathOf('src'), source))) rmSync(join(pathOf('dist'), file))
  }
}
