import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Long from 'long'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedReleaseMessage } from '../../src/cli/messages.ts'
import { messages } from '../../src/cli/messages.ts'
import { runCli } from './run-cli.ts'
import type { CannedAnswer, RecordedRequest } from './recording-server.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
let folder: string
let dev: string
let staging: string
let signature: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
  dev = write('dev.yaml', 'a: 1\r\n--x\n')
  staging = write('staging.yaml', Buffer.from([0, 255, 10]))
  signature = write('dev.asc', 'signed')
})
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

/** The form without its boundary, which is different each time. */
function formOf({ headers, body }: RecordedRequest): string {
  const [, boundary = 'none'] = /^multipart\/form-data; boundary=(.+)$/u.exec(headers['content-type'] ?? '') ?? []
  expect(headers['content-length']).toBe(String(body.length))
  return body.toString('latin1').replaceAll(`--${boundary}`, '=====')
}

function aFile(name: string, fileName: string, content: string): string {
  return (
    `=====\r\nContent-Disposition: form-data; name="${name}"; filename="${fileName}"\r\n` +
    `Content-Type: application/octet-stream\r\n\r\n${content}\r\n`
  )
}

function aValue(name: string, value: string): string {
  return `=====\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
}

describe('release', () => {
  it('sends a form with the parts that Kuberpult takes, byte for byte', async () => {
    const server = await startRecordingServer({ status: 201, body: '{"Success":{}}\n' })
    const args = ['--application', 'cart', '--environment', 'dev', '--manifest', dev, '--signature', signature]
    const more = [
      '--environment',
      'staging',
      '--manifest',
      staging,
      '--team',
      'sre',
      '--version',
      '18446744073709551615',
    ]
    const source = ['--source_commit_id', commit, '--previous_commit_id', commit, '--source_author', 'a <a@b>']
    const texts = [
      '--source_message',
      'two\nlines',
      '--display_version',
      'v1',
      '--ci_link',
      'https://ci/1',
      '--revision=2',
    ]
    const ours = [
      '--prepublish',
      '--deploy-to-downstream',
      'staging',
      '--deploy-to-downstream',
      'prod',
      '--use_dex_auth',
    ]
    const globals = ['--url', server.url, '--client_uuid', 'c1']
    const result = await runCli([...globals, 'release', ...args, ...more, ...source, ...texts, ...ours])
    expect(result).toMatchObject({ code: 0, stdout: '{"Success":{}}\n', stderr: '' })
    const [request] = server.requests
    expect(request).toMatchObject({
      method: 'POST',
      url: '/api/release',
      headers: { accept: 'application/x-protobuf', 'client-uuid': 'c1' },
    })
    expect(formOf(request as RecordedRequest)).toBe(
      [
        aValue('application', 'cart'),
        aFile('manifests[dev]', 'dev-manifest', 'a: 1\r\n--x\n'),
        aFile('signatures[dev]', 'dev-signature', 'signed'),
        aFile('manifests[staging]', 'staging-manifest', '\0ÿ\n'),
        aValue('team', 'sre'),
        aValue('source_commit_id', commit),
        aValue('previous_commit_id', commit),
        aValue('source_author', 'a <a@b>'),
        aValue('source_message', 'two\nlines'),
        aValue('version', '18446744073709551615'),
        aValue('revision', '2'),
        aValue('display_version', 'v1'),
        aValue('ci_link', 'https://ci/1'),
        aValue('is_prepublish', 'true'),
        aValue('deploy_to_downstream_environments', 'staging'),
        aValue('deploy_to_downstream_environments', 'prod'),
        '=====--\r\n',
      ].join(''),
    )
  })

  it('sends nothing that was not given, and no signatures when told so', async () => {
    const server = await startRecordingServer({ status: 503 }, { status: 201 })
    const args = ['release', '--application', 'cart', '--environment=dev', `--manifest=${dev}`, '--signature', 'none']
    expect(await runCli(['--url', server.url, ...args, '--skip_signatures'])).toMatchObject({ code: 0, pauses: [1] })
    const [first, second] = server.requests.map(formOf)
    expect(first).toBe(
      `${aValue('application', 'cart')}${aFile('manifests[dev]', 'dev-manifest', 'a: 1\r\n--x\n')}=====--\r\n`,
    )
    expect(second).toBe(first)
  })

  it('finds everything wrong with files and flags before it asks anybody', async () => {
    const server = await startRecordingServer({})
    mkdirSync(join(folder, 'folder'), { recursive: true })
    const empty = write('empty.yaml', '')
    const files = ['--environment', 'a', '--manifest', join(folder, 'missing')]
    const others = [
      '--environment',
      'b',
      '--manifest',
      empty,
      '--environment',
      'c',
      '--manifest',
      join(folder, 'folder'),
    ]
    const result = await runCli(['--url', server.url, 'release', '--application', 'cart', ...files, ...others])
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(
      `signalbox release: there is no file ${folder}/missing\nsignalbox release: the file ${empty} is empty\n` +
        `signalbox release: ${folder}/folder is a folder, not a file\nUsage: signalbox --url <address> release `,
    )
    expect(server.requests).toEqual([])
  })

  it.each<[args: string, problems: string[]]>([
    ['--application cart', ['--environment is missing', '--manifest is missing']],
    ['--application cart --environment dev', ['--manifest is missing', '--environment dev has no --manifest after it']],
    [
      '--application cart --manifest m --environment dev',
      ['--manifest m has no --environment before it', '--environment dev has no --manifest after it'],
    ],
    [
      '--application cart --environment dev --manifest m --manifest n --environment dev --manifest o',
      ['--environment dev has two manifests', '--environment dev is given twice'],
    ],
    [
      '--application cart --environment dev --signature s --manifest m --signature s --signature s',
      ['--signature s has no --manifest before it', '--manifest m has two signatures'],
    ],
    [
      `--environment dev --manifest m --previous_commit_id ${commit} --version 0`,
      [
        '--application is missing',
        "--version must be a whole number from 1 to 18446744073709551615, and is '0'",
        '--previous_commit_id needs --source_commit_id',
      ],
    ],
  ])('%s is bad usage', async (args, problems) => {
    const result = await runCli(['--url', 'http://127.0.0.1:1', 'release', ...args.split(' ')])
    expect(result.code).toBe(2)
    const told = [...result.stderr.matchAll(/^signalbox release: (.*)$/gmu)].map(([, problem]) => problem)
    expect(told).toEqual(problems)
  })
})

describe('what came of a release', () => {
  const version = Long.fromNumber(7, true)

  async function answered(message: Partial<CreatedReleaseMessage>, status: number, ...more: string[]) {
    const full = { application: 'cart', version, deployments: [], removedVersions: [], ...message }
    const server = await startRecordingServer(aMessage(messages.createdRelease, full, status))
    const args = ['release', '--application', 'cart', '--environment', 'dev', '--manifest', dev, ...more]
    const { code, stdout, stderr } = await runCli(['--url', server.url, ...args])
    expect(server.requests).toHaveLength(1)
    return { code, text: code === 0 ? stdout : stderr.replace(/^POST .* failed: /u, ''), isSilent: stdout === '' }
  }

  const created = {
    success: {},
    commit,
    deployments: [
      { environment: 'dev', locks: [], fromVersion: Long.fromNumber(6, true) },
      { environment: 'test', queued: true, locks: [{ lockId: 'freeze', message: 'until\nMonday' }] },
      { environment: 'odd', locks: [], reason: 'unreadable:\u001b broken' },
    ],
    removedVersions: [Long.fromNumber(1, true), Long.fromNumber(2, true)],
  }

  it('says where it went', async () => {
    expect((await answered(created, 201)).text).toBe(`\
created cart version 7, commit ${commit}

ENVIRONMENT  FROM  TO
dev             6  7
test            -  waits for freeze (until Monday)
odd             -  stays: unreadable: broken

removed old versions: 1, 2
`)
  })

  it('as JSON', async () => {
    const { text } = await answered(created, 201, '--output', 'json')
    expect(JSON.parse(text)).toMatchObject({ success: {}, version: '7', removedVersions: ['1', '2'] })
  })

  it.each<[status: number, message: Partial<CreatedReleaseMessage>, code: number, text: string]>([
    [200, { alreadyExistsSame: {} }, 0, 'cart version 7 exists already, with the same content: nothing was done\n'],
    [
      409,
      { alreadyExistsDifferent: { firstDifferingField: 6, diff: '-a\n+b\u001b[2J\n' } },
      1,
      '409 Conflict\n  this version exists already, and differs in manifests\n  -a\n  +b[2J\n' +
        '  Try: another --version, or none to take the next number.\n',
    ],
    [
      409,
      { alreadyExistsDifferent: {} },
      1,
      '409 Conflict\n  this version exists already, and differs in source_commit_id\n' +
        '  Try: another --version, or none to take the next number.\n',
    ],
    [
      400,
      { tooOld: {} },
      1,
      '400 Bad Request\n  the version is older than all that are kept\n' +
        '  Try: a higher --version, or none to take the next number.\n',
    ],
    [
      400,
      { tooLong: { appName: 'A_b', regExp: '[a-z]+', maxLen: 39 } },
      1,
      "400 Bad Request\n  'A_b' cannot be a name: it must match [a-z]+ and have at most 39 characters\n",
    ],
    [400, { missingManifest: { missingManifest: ['a', 'b'] } }, 1, '400 Bad Request\n  it has no manifest for a, b\n'],
    [
      400,
      { isNoDownstream: { noDownstream: ['a'] } },
      1,
      '400 Bad Request\n  not downstream, because they take the newest release by themselves or do not exist: a\n',
    ],
    [400, { generalFailure: { message: 'no' } }, 1, '400 Bad Request\n  no\n'],
  ])('%d %j', async (status, message, code, text) => {
    expect(await answered(message, status)).toEqual({ code, text, isSilent: code !== 0 })
  })
})

describe('release --dry-run', () => {
  const args = ['release', '--application', 'a/b', '--environment', 'dev', '--manifest', '', '--dry-run']

  async function dryRun(answer: CannedAnswer, ...more: string[]) {
    const server = await startRecordingServer(answer)
    const result = await runCli([
      '--url',
      server.url,
      ...args.map((arg) => arg || write('new.yaml', 'a: 2\n')),
      ...more,
    ])
    return { ...result, server }
  }

  const latest = {
    release: { version: 3 },
    manifests: {
      dev: { environment: 'dev', content: 'a: 1\n' },
      old: { environment: 'old', content: 'b: 1\n' },
    },
  }
  const changed = '--- dev (latest)\n+++ dev (this one)\n@@ -1,1 +1,1 @@\n-a: 1\n+a: 2\n'

  it('shows what differs from the latest release, and asks once', async () => {
    const { server, ...result } = await dryRun({ body: JSON.stringify(latest) })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    expect(result.stdout).toBe(
      `dev: changed\n${changed}old: gone\n--- old (latest)\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-b: 1\n`,
    )
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({
      method: 'POST',
      url: '/api/application/a%2Fb/release/manifests/latest',
    })
    expect(formOf(server.requests[0] as RecordedRequest)).toBe('\r\n=====--\r\n')
  })

  it('shows it as JSON', async () => {
    const { stdout } = await dryRun(
      { body: JSON.stringify({ manifests: { dev: latest.manifests.dev } }) },
      '--output=json',
    )
    expect(JSON.parse(stdout)).toEqual({
      application: 'a/b',
      manifests: [{ environment: 'dev', outcome: 'changed', diff: changed }],
    })
  })

  it.each([
    ['of Kuberpult', { status: 404, body: 'no releases found for application a/b\n' }],
    ['of Signalbox', aProblem(404, 'UNKNOWN_APPLICATION', 'there is no application a/b')],
  ])('shows everything as new for an application that is, in the words %s', async (_words, answer) => {
    const { code, stdout } = await dryRun(answer)
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'dev: new\n--- /dev/null\n+++ dev (this one)\n@@ -0,0 +1,1 @@\n+a: 2\n',
    })
  })

  it.each([
    ['a path that leads nowhere', { status: 404, body: 'not here' }, ' failed: 404 Not Found\n  not here\n'],
    ['a failure', { status: 500 }, ' failed: 500 Internal Server Error\n'],
    ['a page', { body: '<html>hello' }, 'the server answered 200, but not with the manifests of a release\n'],
    ['other JSON', { body: '{"manifests":7}' }, 'the server answered 200, but not with the manifests of a release\n'],
    ['JSON of nothing', { body: 'null' }, 'the server answered 200, but not with the manifests of a release\n'],
  ])('fails on %s', async (_what, answer, words) => {
    const { code, stdout, stderr, server } = await dryRun(answer)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(words)
    expect(server.requests).toHaveLength(1)
  })

  it('takes odd manifests as they come', async () => {
    const odd = { manifests: { __proto__: null, dev: null, 'x\u009b': { content: 7 } } }
    const { code, stdout } = await dryRun({ body: JSON.stringify(odd) })
    expect(code).toBe(0)
    expect(stdout).toContain('dev: changed\n')
    expect(stdout).toContain('x: gone\n')
  })
})
