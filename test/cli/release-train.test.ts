import Long from 'long'
import { describe, expect, it } from 'vitest'
import { comparePrognoses } from '../../src/cli/compare-prognoses.ts'
import { messages } from '../../src/cli/messages.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import type { ApplicationPrognosisMessage, PrognosisMessage } from '../../src/protobuf/to-prognosis-message.ts'
import type { ReleaseTrainMessage } from '../../src/protobuf/to-release-train-message.ts'
import { runCli } from './run-cli.ts'
import type { Reaction } from './recording-server.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'

const none = { appLocks: [], teamLocks: [] }

function travels(from: number | undefined, to: number, manifestDiff?: string): ApplicationPrognosisMessage {
  const fromVersion = from === undefined ? undefined : Long.fromNumber(from, true)
  return { ...none, deployedVersion: { version: Long.fromNumber(to, true) }, fromVersion, manifestDiff }
}

function stays(at: number, reason: string): ApplicationPrognosisMessage {
  return { ...none, skipCause: 2, fromVersion: Long.fromNumber(at, true), reason }
}

function aPrognosis(
  fingerprint: string,
  environments: Readonly<Record<string, string | Record<string, ApplicationPrognosisMessage>>>,
): PrognosisMessage {
  const entries = Object.entries(environments).map(([name, of]) => [
    name,
    typeof of === 'string'
      ? { skipCause: 4, reason: of, envLocks: {}, upstream: 'development' }
      : { appsPrognoses: { prognoses: of }, envLocks: {}, upstream: 'development' },
  ])
  return { envsPrognoses: Object.fromEntries(entries), target: 'staging', fingerprint, warnings: [] }
}

const before = aPrognosis('f1', { staging: { cart: travels(4, 5), web: stays(3, 'the application is locked') } })
const after = aPrognosis('f2', { staging: { cart: travels(4, 6), web: travels(3, 4) } })

const prognosed = aMessage(messages.prognosis, before)
const ranMessage: ReleaseTrainMessage = {
  target: 'staging',
  commit: 'c1',
  fingerprint: 'f1',
  environments: before.envsPrognoses,
  warnings: [],
}
const ran = aMessage(messages.train, ranMessage)
const changed = aProblem(412, 'PROGNOSIS_CHANGED', 'the prognosis has changed', {
  fingerprint: 'f2',
  prognosis: JSON.parse(toJson(messages.prognosis, after)) as object,
})

const target = ['--target-environment', 'staging']

const board = `\
staging  from development                     fingerprint f1

  APPLICATION  TEAM  FROM  TO
  cart         -        4  5
  web          -        3  stays: the application is locked

1 travels, 1 stays
`

const trainBoard = `\
staging  from development                     commit c1

  APPLICATION  TEAM  FROM  TO
  cart         -        4  5
  web          -        3  stayed: the application is locked

1 deployed, 1 stayed
`

describe('release-train', () => {
  it('shows what the train did', async () => {
    const server = await startRecordingServer(ran)
    const result = await runCli(['--url', server.url, 'release-train', ...target])
    expect(result).toMatchObject({ code: 0, stdout: trainBoard, stderr: '' })
  })

  it('--if-prognosed shows the prognosis, and runs exactly it', async () => {
    const server = await startRecordingServer(prognosed, ran)
    const result = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed', '--team', 'sre'])
    expect(result).toMatchObject({ code: 0, stdout: `${board}\n${trainBoard}`, stderr: '' })
    expect(server.requests.map(({ method, url, headers }) => [method, url, headers['if-match']])).toEqual([
      ['GET', '/api/environments/staging/releasetrain/prognosis?team=sre', undefined],
      ['PUT', '/api/environments/staging/releasetrain?team=sre', '"f1"'],
    ])
  })

  it('--if-prognosed runs nothing when the prognosis has changed, and shows how', async () => {
    const server = await startRecordingServer(prognosed, changed)
    const result = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed'])
    expect(result).toMatchObject({ code: 1, stdout: `${board}\n`, pauses: [] })
    expect(result.stderr).toBe(`\
PUT ${server.url}/api/environments/staging/releasetrain failed: 412 Precondition Failed
  the prognosis has changed (PROGNOSIS_CHANGED)
  request request-1
  Try: look at the prognosis as it is now, and run it if it suits you.

What changed meanwhile:

ENVIRONMENT  APPLICATION  WAS                                    IS
staging      cart         4 to 5                                 4 to 6
staging      web          stays at 3: the application is locked  3 to 4
`)
  })

  const hangUp: Reaction = (_, response) => response.destroy()
  const isThere = aPrognosis('f3', { staging: { cart: stays(5, 'it has version 5 already'), web: travels(3, 9) } })

  it('--if-prognosed says that the train seems to have run when its answer was lost', async () => {
    const refused = aProblem(412, 'PROGNOSIS_CHANGED', 'the prognosis has changed', {
      prognosis: JSON.parse(toJson(messages.prognosis, isThere)) as object,
    })
    const server = await startRecordingServer(prognosed, hangUp, refused)
    const result = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed'])
    expect(result).toMatchObject({ code: 1, pauses: [1] })
    expect(result.stderr.split('\n').slice(1).join('\n')).toBe(`\
PUT ${server.url}/api/environments/staging/releasetrain failed: 412 Precondition Failed
  An earlier try got no answer, and every version that it was to deploy is there: the train seems to have run.
`)
  })

  it('--if-prognosed compares as ever when its answer was lost and something else is there', async () => {
    const server = await startRecordingServer(prognosed, hangUp, changed)
    const { code, stderr } = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed'])
    expect(code).toBe(1)
    expect(stderr).toContain('An earlier try got no answer: what it asked for may have been done.')
    expect(stderr).toContain('What changed meanwhile:')
  })

  it('--if-prognosed in JSON keeps standard output for the one document', async () => {
    const server = await startRecordingServer(prognosed, ran)
    const result = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed', '--output', 'json'])
    expect(JSON.parse(result.stdout)).toMatchObject({ commit: 'c1', environments: { staging: {} } })
    expect(result.stderr).toBe(board)
  })

  it('--if-match shows the prognosis that is now when it is another', async () => {
    const server = await startRecordingServer(changed)
    const { code, stdout, stderr } = await runCli(['--url', server.url, 'release-train', ...target, '--if-match', 'f1'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(
      '\nThe prognosis is now:\n\nstaging  from development                     fingerprint f2\n',
    )
  })

  it.each([
    ['a server without fingerprints', aMessage(messages.prognosis, { ...before, fingerprint: undefined })],
    ["Kuberpult's own server", { body: '{"staging":{"Outcome":{"SkipCause":0}}}' }],
    ['bytes that are no message', { ...prognosed, body: '\u0001\u0002' }],
  ])('--if-prognosed runs nothing with %s', async (_what, answer) => {
    const server = await startRecordingServer(answer, ran)
    const result = await runCli(['--url', server.url, 'release-train', ...target, '--if-prognosed'])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(server.requests).toHaveLength(1)
  })
})

describe('prognosis', () => {
  it('shows a diff for each manifest that changes', async () => {
    const message = aPrognosis('f1', { staging: { cart: travels(4, 5, '-a\n+b\n'), web: travels(undefined, 1) } })
    const server = await startRecordingServer(aMessage(messages.prognosis, message))
    const { stdout } = await runCli(['--url', server.url, 'prognosis', ...target, '--diff'])
    expect(stdout).toContain('\n\n-a\n+b\n\n2 travel\n')
  })

  it('is the message as JSON', async () => {
    const server = await startRecordingServer(prognosed)
    const { stdout } = await runCli(['--url', server.url, '--output=json', 'prognosis', ...target])
    expect(stdout).toBe(`${toJson(messages.prognosis, before)}\n`)
  })
})

describe('what differs between two prognoses', () => {
  it.each<[what: string, was: PrognosisMessage, is: PrognosisMessage, rows: string[]]>([
    ['nothing', before, { ...before, commit: 'other' }, []],
    [
      'an environment that is locked now',
      before,
      aPrognosis('f', { staging: 'the environment is locked' }),
      ['staging - takes applications skipped: the environment is locked'],
    ],
    [
      'an environment that came, and an application that went',
      before,
      aPrognosis('f', { other: {}, prod: { cart: travels(undefined, 1) }, staging: { cart: travels(4, 5) } }),
      [
        'other - not part of it takes applications',
        'prod - not part of it takes applications',
        'staging web stays at 3: the application is locked not part of it',
      ],
    ],
    [
      'names that every object of JavaScript has',
      aPrognosis('f', { staging: {} }),
      aPrognosis('f', { constructor: {}, staging: { constructor: travels(1, 2) } }),
      ['constructor - not part of it takes applications', 'staging constructor not part of it 1 to 2'],
    ],
    [
      'a version that waits now',
      before,
      aPrognosis('f', {
        staging: {
          cart: { ...stays(4, 'a\u001b[1m\nb'), queuedVersion: Long.fromNumber(5, true) },
          web: stays(3, 'the application is locked'),
        },
      }),
      ['staging cart 4 to 5 stays at 4: a[1m b; version 5 waits'],
    ],
    [
      'a reason that nobody gives',
      aPrognosis('f', { a: '', b: { c: { ...none, skipCause: 77 } } }),
      aPrognosis('f', { b: {} }),
      ['a - skipped: cause 4 not part of it', 'b c stays at nothing: cause 77 not part of it'],
    ],
  ])('%s', (_what, was, is, rows) => {
    const lines = comparePrognoses(was, is).split('\n').slice(1)
    expect(lines.map((line) => line.replaceAll(/ +/gu, ' '))).toEqual(rows)
  })
})
