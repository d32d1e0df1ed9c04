import fc from 'fast-check'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createOutput, toJsonDocument } from '../../src/cli/output.ts'
import { paintBoard, paintDiff, paintStatus, paintTable } from '../../src/cli/painters.ts'
import { toTable } from '../../src/cli/table.ts'
import { runCli } from './run-cli.ts'
import { startRecordingServer } from './recording-server.ts'

const read = ['get-deployment-commit', '--environment', 'staging', '--application', 'cart']
const token = 'a-secret-token-of-some-length'

/** Everything that a terminal could act on. */
const acting = /[^\P{Cc}\n\t]|\p{Bidi_Control}/u

describe('text that a server sends', () => {
  it.each([200, 400])('does nothing to a terminal, whatever it is (%d)', async (status) => {
    const anything = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('\u001B', '[', '\n', '\r', '\u2028', '\u202E', '\u009B', '\u0007', '"', '{', 'x'),
      }),
    )
    let body = ''
    const server = await startRecordingServer((_, response) => response.writeHead(status).end(body))
    await fc.assert(
      fc.asyncProperty(anything, fc.boolean(), async (text, isJson) => {
        for (const sent of [text, JSON.stringify({ [text]: text })]) {
          body = sent
          const result = await runCli(['--url', server.url, ...(isJson ? ['--output=json'] : []), ...read])
          expect(result.stdout + result.stderr).not.toMatch(acting)
          expect(result.code).toBe(status === 200 ? 0 : 1)
          if (isJson && status === 200) expect(() => JSON.parse(result.stdout) as unknown).not.toThrow()
        }
      }),
      { numRuns: 60 },
    )
  })

  it('stays JSON of the same meaning', async () => {
    const body = '{"a":"\u009b31m\u2028\u202e ","n":18446744073709551615}'
    const server = await startRecordingServer({ body })
    const { stdout } = await runCli(['--url', server.url, '--output', 'json', ...read])
    expect(stdout).toBe(String.raw`{"a":"\u009b31m\u2028\u202e ","n":18446744073709551615}` + '\n')
  })

  it.each([
    ['', '{}'],
    [' \n', '{}'],
    ['{"a":1}', '{"a":1}'],
    ['null', 'null'],
    ['say "hi"', String.raw`"say \"hi\""`],
  ])('%j is the JSON document %s', (body, document) => {
    expect(toJsonDocument(body)).toBe(document)
  })

  it('costs no more than its length, whatever it is', async () => {
    for (const filler of ['\n', ' ', '<script ', '  stays']) {
      const server = await startRecordingServer({ body: `${filler.repeat(300_000)}x` })
      const begin = Date.now()
      expect((await runCli(['--url', server.url, ...read], { isTerminal: true })).code).toBe(0)
      expect(
        (await runCli(['--url', server.url, 'release-train', '--target-environment', 'x'], { isTerminal: true })).code,
      ).toBe(0)
      // Squared, it would be minutes.
      expect(Date.now() - begin).toBeLessThan(10_000)
    }
  })

  it('never shows the token, not even when the server sends it back', async () => {
    for (const status of [200, 400]) {
      const server = await startRecordingServer({ status, body: `{"authorization":"Bearer ${token}"}` })
      for (const output of ['text', 'json']) {
        const result = await runCli(['--url', server.url, '--output', output, ...read], {
          environment: { SIGNALBOX_TOKEN: token },
        })
        expect(result.stdout + result.stderr).toContain('Bearer ***')
        expect(result.stdout + result.stderr).not.toContain(token)
      }
    }
  })

  it('never shows a short token, nor a part of a longer one', async () => {
    const server = await startRecordingServer({ body: 'abcd abcdef' })
    const result = await runCli(['--url', server.url, ...read], {
      environment: { SIGNALBOX_TOKEN: 'abcd', KUBERPULT_IAP_TOKEN: 'abcdef' },
    })
    expect(result).toMatchObject({ code: 0, stdout: '*** ***\n' })
  })

  it('never shows a token that cannot be sent', async () => {
    const result = await runCli(['--url', 'http://127.0.0.1:1', ...read], {
      environment: { KUBERPULT_IAP_TOKEN: `${token}\n` },
    })
    expect(result.code).toBe(2)
    expect(result.stderr).toContain('a token has a character that no header can have')
    expect(result.stderr).not.toContain(token)
  })
})

describe('colours', () => {
  const colour = '\u001B['

  it.each<[environment: Record<string, string>, isTerminal: boolean, hasColours: boolean]>([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, false],
  ])('%j, terminal %s: %s', async (environment, isTerminal, hasColours) => {
    const diff = { manifests: { dev: { content: 'x' } } }
    const server = await startRecordingServer({ body: JSON.stringify(diff) })
    const args = ['release', '--dry-run', '--application', 'a', '--environment', 'dev', '--manifest', 'package.json']
    const { stdout } = await runCli(['--url', server.url, ...args], { environment, isTerminal })
    expect(stdout.includes(colour)).toBe(hasColours)
  })

  const mark = (style: string, text: string) => `<${style} ${text}>`

  it.each<[painter: typeof paintBoard, line: string, painted: string]>([
    [paintBoard, 'staging  from x    fingerprint f1', '<bold staging  from x><dim     fingerprint f1>'],
    [
      paintBoard,
      'staging  from x    no commit: nothing changed',
      '<bold staging  from x><dim     no commit: nothing changed>',
    ],
    [paintBoard, '  APPLICATION  TEAM  FROM  TO', '<dim   APPLICATION  TEAM  FROM  TO>'],
    [paintBoard, '  cart         -        4  5', '  cart         -        4  <green 5>'],
    [paintBoard, '  web          -        3  stays: why 4', '  web          -        3  <yellow stays: why 4>'],
    [paintBoard, '  skipped: locked', '  <yellow skipped: locked>'],
    [paintBoard, 'prod  from x  skipped: locked', 'prod  from x  <yellow skipped: locked>'],
    [paintBoard, '-a', '<red -a>'],
    [paintBoard, '@@ -1 +1 @@', '<cyan @@ -1 +1 @@>'],
    [paintBoard, '  a: 3', '  a: 3'],
    [paintBoard, '\\ No newline at end of file', '\\ No newline at end of file'],
    [paintBoard, 'warning: x', '<yellow warning: x>'],
    [paintBoard, '1 travels, 1 stays', '<bold 1 travels, 1 stays>'],
    [paintBoard, '', ''],
    [paintDiff, '--- a', '<bold --- a>'],
    [paintDiff, '@@ -1 +1 @@', '<cyan @@ -1 +1 @@>'],
    [paintDiff, '-a', '<red -a>'],
    [paintDiff, '+a', '<green +a>'],
    [paintDiff, ' a', ' a'],
    [paintTable, 'ENVIRONMENT  LOCKED', '<dim ENVIRONMENT  LOCKED>'],
    [paintTable, 'staging      all', 'staging      all'],
    [paintStatus, 'cart  shop  4! (+5)  6', 'cart  shop  <yellow 4!> <yellow (+5)>  6'],
    [paintStatus, 'warning: x', '<yellow warning: x>'],
  ])('%o of %j', (painter, line, painted) => {
    expect(painter(line, (style, text) => (text === '' ? '' : mark(style, text)))).toBe(painted)
  })

  it('change nothing but the colour', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(' ', 'a', '4', '-', '+', '!', ':', 'stays: ', 'skipped: ') }),
        (line) => {
          for (const painter of [paintBoard, paintDiff, paintStatus, paintTable]) {
            expect(painter(line, (_style, text) => text)).toBe(line)
          }
        },
      ),
    )
  })
})

describe('a table', () => {
  it('is aligned by what is seen, with a dash for nothing', () => {
    const rows = [
      ['🚆 train', '', 'x'],
      ['b', '10', ''],
    ]
    expect(toTable([{ heading: 'NAME' }, { heading: 'N', isRight: true }, { heading: 'WHY' }], rows)).toBe(
      'NAME      N  WHY\n🚆 train   -  x\nb        10  -',
    )
  })
})

describe('the line of what is waited for', () => {
  it('is cleared when somebody interrupts, and does not come back', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    let stderr = ''
    const sink = { isTTY: true, write: (text: string) => (stderr += text) }
    const output = createOutput({ stdout: sink, stderr: sink, isJson: false, environment: {}, secrets: [] })
    output.wait('x')
    vi.advanceTimersByTime(1000)
    expect(stderr).toBe('\r\u001B[Kx ... 1 s')
    output.stopWaiting()
    vi.advanceTimersByTime(5000)
    expect(stderr).toBe('\r\u001B[Kx ... 1 s\r\u001B[K')
  })
})

describe('bad usage', () => {
  it.each<[args: string, told: string]>([
    ['', 'signalbox: name a command\nUsage: signalbox [global flags] <command> [flags]\n'],
    ['nope', 'signalbox: there is no command nope\n'],
    ['relase', 'signalbox: there is no command relase; did you mean release?\n'],
    ['help lokcs', 'signalbox help: there is no command lokcs; did you mean locks?\n'],
    ['x'.repeat(100_000), 'signalbox: there is no command xxx'],
    ['--url http://%ff@h locks', 'signalbox locks: --url must be the address of the server'],
    ['--url http://h release --application= --environment e --manifest=', "--application must be a name, and is ''\n"],
    ['--url http://h release --application= --environment e --manifest=', '--manifest must not be empty'],
    ['--url http://h create-team-lock --environment e --team t --lockID l --message=', '--message must not be empty'],
    ['--url= locks', '--url is missing, and SIGNALBOX_URL is not set\n'],
    ['--nope locks', 'signalbox: there is no flag --nope here\n'],
    [
      'locks',
      'signalbox locks: --url is missing, and SIGNALBOX_URL is not set\nUsage: signalbox --url <address> locks',
    ],
    ['--url ftp://h locks', 'signalbox locks: --url must be the address of the server'],
    ['--url http://me:pass@h?x locks', 'such as https://signalbox.example.com\nUsage: '],
    ['--url http://h --url http://h locks', 'signalbox locks: --url must be given only once\n'],
    ['--url http://h --retries 0 locks', 'signalbox locks: --retries must be a whole number above 0'],
    ['--url http://h --timeout x locks', 'signalbox locks: --timeout must be a whole number above 0'],
    ['--url http://h --output xml locks', "signalbox locks: --output must be one of text, json, and is 'xml'\n"],
    ['--url http://h locks more', "signalbox locks: nothing is known to do with 'more'\n"],
    ['--url http://h --client_uuid ä locks', "--client_uuid must be printable ASCII, and is 'ä'\n"],
    ['--url http://h release-train', 'signalbox release-train: --target-environment is missing\n'],
    ['--url http://h release-train --target-environment ..', "--target-environment must be a name, and is '..'\n"],
    [
      '--url http://h release-train --target-environment x --if-prognosed --if-match f',
      '--if-prognosed and --if-match exclude each other\n',
    ],
    [
      '--url http://h create-env-lock --environment e --lockID l --lifetime 2d --expires-at x',
      '--lifetime and --expires-at exclude each other\n',
    ],
    ['--url http://h create-team-lock --environment e --team t --lockID l', '--message is missing\n'],
    ['--url http://h get-commit-deployments --commit abc', '--commit must be a commit id of 40 hex digits'],
    ['completion fish', 'signalbox completion: name a shell: completion bash, or completion zsh\n'],
    ['help nope', 'signalbox help: there is no command nope\n'],
    ['-h', 'Usage: signalbox [global flags] <command> [flags]\n'],
    ['release-train -h', 'Usage: signalbox --url <address> release-train --target-environment <name> [flags]\n'],
    ['--url http://h release-train --help', 'Flags:\n  --target-environment <name>  where the train goes'],
  ])('%s', async (args, told) => {
    const { code, stdout, stderr } = await runCli(args.split(' ').filter((arg) => arg !== ''))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(told)
  })

  it('of a proxy, whose address may hold a password', async () => {
    for (const variable of ['HTTPS_PROXY', 'https_proxy']) {
      for (const proxy of ['http://me:secret@', 'socks5://secret:1', 'http://%ff:secret@h']) {
        const result = await runCli(['--url', 'https://h', 'release-train', '--target-environment', 'x'], {
          environment: { [variable]: proxy },
        })
        expect(result).toMatchObject({ code: 2, stdout: '', pauses: [] })
        expect(result.stderr).toContain(`signalbox release-train: ${variable} must be the address of an HTTP proxy`)
        expect(result.stderr).not.toContain('secret')
      }
    }
  })

  it('of SIGNALBOX_URL', async () => {
    const { code, stderr } = await runCli(['locks'], { environment: { SIGNALBOX_URL: 'here' } })
    expect(code).toBe(2)
    expect(stderr).toContain('SIGNALBOX_URL must be the address of the server')
  })
})

describe('help', () => {
  it.each([
    ['help', 'Usage: signalbox [global flags] <command> [flags]\n'],
    ['help', '130 interrupted'],
    ['help', 'NO_PROXY'],
    ['help create-env-lock', 'why; servers refuse the lock without it'],
    ['help release', '--manifest <file>'],
    ['--url http://h help', 'release-train           run a release train\n'],
    ['help completion', '<shell> is one of bash, zsh.\n'],
  ])('%s', async (args, told) => {
    const { code, stdout, stderr } = await runCli(args.split(' '))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(told)
  })
})
