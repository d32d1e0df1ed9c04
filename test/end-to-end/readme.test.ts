import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFolder, hasGit, removeFolder } from '../support/real-git.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** The commands of the README that call the server, in order. */
const commands = [...readme.matchAll(/^curl .*$/gm)].map(([command]) => command)

describe('the commands that the README shows', () => {
  let folder: string
  let server: ServerProcess

  beforeAll(async () => {
    folder = createFolder()
    server = await startServer({ folder })
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  it('are a prognosis, a train that runs exactly it, a train of a group, and an environment to be', () => {
    expect(commands).toHaveLength(4)
  })

  it('answer with the board at its top', async () => {
    const { status, body } = await runCurl(commands[0] ?? '', server.url)
    expect(status).toBe(200)
    expect(readme).toContain(`\`\`\`text\n${body}\`\`\``)
  })

  it('run what was previewed, once', async () => {
    const train = commands[1] ?? ''
    const first = await runCurl(train, server.url)
    expect(first.status).toBe(200)
    expect(first.body).toMatch(/^staging {2}from development +commit [0-9a-f]{40}$/m)
    expect(first.body).toContain('3 deployed, 5 stayed')

    const again = await runCurl(train, server.url)
    expect(again.status).toBe(412)
    expect(JSON.parse(again.body)).toMatchObject({ code: 'PROGNOSIS_CHANGED', prognosis: { target: 'staging' } })
  })

  it('run a train for one team in a group of environments', async () => {
    const { status, body } = await runCurl(commands[2] ?? '', server.url)
    expect(status).toBe(200)
    expect(body).toContain('production-jp  from staging  skipped: the environment is locked')
    expect(body).not.toContain('storefront')
  })

  it('tries out an environment', async () => {
    const { status, body } = await runCurl(commands[3] ?? '', server.url)
    expect(status).toBe(200)
    expect(JSON.parse(body)).toEqual({ environment: 'qa', dryrun: true })
  })

  it('are those that the server prints, and its data outlives it', async () => {
    const { stderr } = server.output()
    expect(stderr).toContain(`${server.url}/docs`)
    expect(stderr).toContain((commands[0] ?? '').replace('http://127.0.0.1:8080', server.url))
    expect((await fetch(`${server.url}/docs`)).status).toBe(200)

    const head = await headOf(server)
    expect(await server.stop('SIGINT')).toBe(0)
    server = await startServer({ folder })
    expect(await headOf(server)).toBe(head)
  })

  it('has no variable that means nothing, nor has the page for people from Kuberpult', async () => {
    const { variableNames } = await import('../../src/config.ts')
    const page = readFileSync(new URL('../../docs/coming-from-kuberpult.md', import.meta.url), 'utf8')
    // Those of the client are in docs/client.md.
    const known = new Set([...variableNames, 'SIGNALBOX_URL'])
    const named = [...`${readme}${page}`.matchAll(/\bSIGNALBOX_[A-Z_]+\b/g)].map(([name]) => name)
    expect(named.filter((name) => !known.has(name))).toEqual([])
  })

  it('shows every variable of the configuration', async () => {
    const { variableNames } = await import('../../src/config.ts')
    for (const name of variableNames) expect(readme).toContain(`\`${name}\``)
  })
})

describe('the tour of the README', () => {
  let folder: string
  let server: ServerProcess

  beforeAll(async () => {
    folder = createFolder()
    server = await startServer({ folder })
    // The tour is walked where the server was started, in a checkout.
    await symlink(fileURLToPath(new URL('../../manifests-fixture', import.meta.url)), join(folder, 'manifests-fixture'))
  })
  afterAll(async () => {
    await server.stop()
    removeFolder(folder)
  })

  it('goes through release, lock, prognosis, train and history', () => {
    const walked = tour.map(({ command }) => /^(?:npx signalbox|git -C \S+) (\S+)/.exec(command)?.[1])
    expect(walked).toEqual(['release', 'create-app-lock', 'prognosis', 'release-train', 'history', 'log'])
  })

  it('prints what it says, but for times and ids', async () => {
    for (const { command, output } of tour) {
      if (command.startsWith('git ') && !hasGit) {
        process.stdout.write(`skipped without a git program: ${command}\n`)
        continue
      }
      const printed = await runInShell(command, folder, server.url)
      expect({ command, output: withoutIds(printed) }).toEqual({ command, output: withoutIds(output) })
    }
  })
})

/** Every command that the README shows with its output, in order. */
const tour = [...readme.matchAll(/^```console\n\$ ((?:.*\\\n)*.*)\n([^]*?)^```$/gm)].map(
  ([, command = '', output = '']) => ({ command: command.replaceAll(/\\\n\s*/g, ''), output }),
)

/** Ids and times are others each time; everything else is said exactly. */
function withoutIds(text: string): string {
  return text
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<request>')
    .replaceAll(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replaceAll(/(?<=commit )[0-9a-f]{40}\b/g, '<commit>')
    .replaceAll(/\b[0-9a-f]{12}\b/g, '<commit>')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/g, '<time>')
    .trim()
}

/** Runs a command line as a person would, with the client that is shipped in the place of `npx signalbox`. */
async function runInShell(command: string, folder: string, url: string): Promise<string> {
  const client = fileURLToPath(new URL('../../dist/cli-main.js', import.meta.url))
  const line = command.replace(/^npx signalbox/, `"${process.execPath}" "${client}"`)
  const { stdout } = await promisify(execFile)('sh', ['-c', line], {
    cwd: folder,
    env: { ...process.env, SIGNALBOX_URL: url },
  })
  return stdout
}

async function headOf(server: ServerProcess): Promise<unknown> {
  const response = await fetch(`${server.url}/readyz`)
  return ((await response.json()) as { commit: string }).commit
}

/** Runs a curl command of the README against the server: the few options it uses, since not every machine has curl. */
async function runCurl(command: string, url: string): Promise<{ status: number; body: string }> {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '')
  const headers = new Headers()
  let method = 'GET'
  let address = ''
  let data: string | undefined
  for (let index = 1; index < words.length; index += 1) {
    const word = words[index] ?? ''
    if (word === '-X') method = words[++index] ?? ''
    else if (word === '-d') data = words[++index] ?? ''
    else if (word === '-H') {
      const [name = '', ...value] = (words[++index] ?? '').split(':')
      headers.set(name, value.join(':').trim())
    } else if (word.startsWith('http://127.0.0.1:8080/')) address = word.replace('http://127.0.0.1:8080', url)
    else throw new Error(`this test does not know curl's '${word}'`)
  }
  const response = await fetch(address, { method, headers, ...(data !== undefined && { body: data }) })
  return { status: response.status, body: await response.text() }
}
