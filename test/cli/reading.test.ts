import Long from 'long'
import { describe, expect, it } from 'vitest'
import { messages } from '../../src/cli/messages.ts'
import type { DeploymentEventMessage, HistoryMessage } from '../../src/protobuf/to-history-message.ts'
import { runCli } from './run-cli.ts'
import type { Reaction, RecordedRequest } from './recording-server.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'

const uint = (value: number) => Long.fromNumber(value, true)
const at = { seconds: Long.fromNumber(1_777_887_000) }

const freeze = { lockId: 'freeze', message: 'until\nMonday', createdAt: at, createdBy: { name: 'Keeper' } }

describe('status', () => {
  const staging = {
    name: 'staging',
    environmentGroup: 'test',
    upstream: { environment: 'development' },
    locks: { freeze },
    teamLocks: { sre: { locks: { audit: {} } } },
    applications: [
      { name: 'cart', team: 'shop', version: uint(4), queuedVersion: uint(5), locks: { l: {} }, unreadable: [] },
      { name: 'ledger', team: 'sre', version: uint(2), locks: {}, unreadable: [] },
      { name: 'web', locks: {}, unreadable: ['broken'] },
    ],
    warnings: ['odd\u001b[2J'],
  }
  const development = {
    name: 'development',
    environmentGroup: 'development',
    upstream: { latest: true },
    locks: {},
    teamLocks: {},
    applications: [{ name: 'cart', team: 'shop', version: uint(6), locks: {}, unreadable: [] }],
    warnings: [],
  }
  const groups = {
    environmentGroups: [development, staging].map((environment) => ({
      name: environment.environmentGroup,
      environments: [environment],
    })),
    warnings: ['one is missing'],
  }

  const answer: Reaction = (request: RecordedRequest, response) => {
    const answers = new Map([
      ['/api/environment-groups', aMessage(messages.environmentGroups, groups)],
      ['/api/environments/staging', aMessage(messages.environment, staging)],
      ['/api/environments/development', aMessage(messages.environment, development)],
      ['/api/applications/cart', aMessage(messages.application, { releases: [], deployments: [], unreadable: [] })],
    ])
    const { status, headers, body } = answers.get(request.url) ?? aProblem(404, 'UNKNOWN_APPLICATION', 'there is none')
    response.writeHead(status ?? 200, headers).end(body)
  }

  const places = `\
GROUP        ENVIRONMENT  FROM         LOCKS
development  development  latest       -
test         staging      development  freeze (until Monday)

warning: staging: odd[2J
warning: one is missing
`
  const legend = '! locked   (+7) version 7 waits behind a lock   ? cannot be read\n'

  it.each<[args: string, stdout: string]>([
    [
      '',
      `${places}
APPLICATION  TEAM  development  staging
cart         shop  6            4! (+5)
ledger       sre   -            2!
web          -     -            ?

${legend}`,
    ],
    [
      '--team sre',
      `${places}
APPLICATION  TEAM  development  staging
ledger       sre   -            2!

${legend}`,
    ],
    ['--team nobody', `${places}\nno applications\n`],
    [
      '--environment development',
      `\
GROUP        ENVIRONMENT  FROM    LOCKS
development  development  latest  -

APPLICATION  TEAM  development
cart         shop  6

${legend}`,
    ],
    [
      '--application cart --environment staging',
      `\
GROUP  ENVIRONMENT  FROM         LOCKS
test   staging      development  freeze (until Monday)

warning: staging: odd[2J

APPLICATION  TEAM  staging
cart         shop  4! (+5)

${legend}`,
    ],
  ])('%s', async (args, stdout) => {
    const server = await startRecordingServer(answer)
    const result = await runCli(['--url', server.url, 'status', ...args.split(' ').filter((arg) => arg !== '')])
    expect(result.stderr).toBe(
      args === '--team nobody' ? 'none of the applications that were looked at belongs to team nobody\n' : '',
    )
    expect(result.stdout).toBe(stdout)
  })

  it('is one document in JSON', async () => {
    const server = await startRecordingServer(answer)
    const all = await runCli(['--url', server.url, 'status', '--output', 'json'])
    expect(JSON.parse(all.stdout)).toMatchObject({
      environmentGroups: { warnings: ['one is missing'] },
      environments: [
        { name: 'development' },
        { name: 'staging', applications: [{ name: 'cart', version: '4' }, {}, {}] },
      ],
    })
    const one = await runCli(['--url', server.url, 'status', '--environment', 'staging', '--output', 'json'])
    expect(JSON.parse(one.stdout)).toMatchObject({ name: 'staging' })
  })

  it.each([
    ['--team sre', [[], ['ledger']]],
    ['--application cart', [['cart'], ['cart']]],
    ['--application cart --team sre', [[], []]],
    ['--team sre --environment staging', [['ledger']]],
  ])('is filtered in JSON as it is in text: %s', async (args, expected) => {
    const server = await startRecordingServer(answer)
    const { stdout } = await runCli(['--url', server.url, 'status', '--output=json', ...args.split(' ')])
    type Listed = { applications?: { name: string }[] }
    const document = JSON.parse(stdout) as { environments?: Listed[] } & Listed
    const names = (document.environments ?? [document]).map(({ applications = [] }) =>
      applications.map(({ name }) => name),
    )
    expect(names).toEqual(expected)
  })

  it('of an application that nobody knows is a failure', async () => {
    const server = await startRecordingServer(answer)
    const result = await runCli(['--url', server.url, 'status', '--application', 'nope'])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain('there is none (UNKNOWN_APPLICATION)')
  })
})

describe('locks', () => {
  it('says what is locked, since when, by whom, until when and why', async () => {
    const message = {
      locks: [
        { kind: 'environment', environment: 'staging', lock: freeze },
        { kind: 'application', environment: 'staging', application: 'cart', lock: { ...freeze, expiresAt: at } },
        { kind: 'team', environment: 'staging', team: 'sre', lock: { lockId: 'x' }, ended: true },
        { kind: 'team', environment: 'staging', team: 'sre', lock: { createdAt: { seconds: Long.MAX_VALUE } } },
      ],
      warnings: ['one cannot be read'],
    }
    const server = await startRecordingServer(aMessage(messages.locks, message))
    expect((await runCli(['--url', server.url, 'locks'])).stdout).toBe(`\
ENVIRONMENT  LOCKED            ID      SINCE                 BY      UNTIL                 WHY
staging      all of it         freeze  2026-05-04T09:30:00Z  Keeper  -                     until Monday
staging      application cart  freeze  2026-05-04T09:30:00Z  Keeper  2026-05-04T09:30:00Z  until Monday
staging      team sre          x       -                     -       ended                 -
staging      team sre          -       -                     -       -                     -
warning: one cannot be read
`)
  })

  it('says so when there are none', async () => {
    const server = await startRecordingServer(aMessage(messages.locks, { locks: [], warnings: [] }))
    expect((await runCli(['--url', server.url, 'locks'])).stdout).toBe('no locks\n')
  })

  it('are named when they are made and removed', async () => {
    const server = await startRecordingServer({ status: 201, body: '{"Result":null}' })
    const place = ['--environment', 'staging', '--application', 'cart', '--lockID', 'l1']
    const create = await runCli(['--url', server.url, 'create-app-lock', ...place, '--message', 'why'])
    expect(create.stdout).toBe('created lock l1 of application cart in environment staging\n')
    const remove = await runCli(['--url', server.url, 'delete-group-lock', '--environment-group=g', '--lockID=l1'])
    expect(remove.stdout).toBe('there is no lock l1 on environment group g any more\n')
    const json = await runCli(['--url', server.url, '--output=json', 'create-app-lock', ...place, '--message', 'why'])
    expect(json.stdout).toBe('{"Result":null}\n')
  })
})

describe('deploy', () => {
  const args = ['deploy', '--environment', 'staging', '--application', 'cart', '--version', '7']
  const message = { environment: 'staging', application: 'cart', version: uint(7), locks: [], removedVersions: [] }
  const locks = [{ kind: 'environment', environment: 'staging', lock: freeze }]

  it.each([
    [
      { ...message, outcome: 'deployed', fromVersion: uint(6), commit: 'c1', removedVersions: [uint(1)] },
      'deployed cart version 7 in staging, after version 6, commit c1\nremoved old versions: 1\n',
    ],
    [
      { ...message, outcome: 'queued', locks, commit: 'c1' },
      'cart version 7 waits for staging, which stays at nothing, commit c1\nenvironment lock freeze: until Monday\n',
    ],
    [
      { ...message, outcome: 'deployed', fromVersion: uint(7), commit: 'c1' },
      'cart version 7 was in staging already, and no other version waits there any more, commit c1\n',
    ],
    [{ ...message, outcome: 'unchanged' }, 'cart version 7 is in staging already: nothing was done\n'],
    [{ ...message, outcome: 'constructor' }, 'cart version 7 in staging: constructor\n'],
    [{ ...message, outcome: 'new\u001b\nword' }, 'cart version 7 in staging: new word\n'],
  ])('%j', async (answer, stdout) => {
    const server = await startRecordingServer(aMessage(messages.deployment, answer))
    expect(await runCli(['--url', server.url, ...args])).toMatchObject({ code: 0, stdout, stderr: '' })
  })

  it('names the locks that it refused to pass', async () => {
    const lock = { message: 'until Monday', lockId: 'freeze' }
    const problem = aProblem(409, 'LOCKED', 'locked', {
      locks: [{ kind: 'environment', environment: 'staging', lock }],
    })
    const server = await startRecordingServer(problem)
    const { code, stderr } = await runCli(['--url', server.url, ...args, '--lock-behavior', 'fail'])
    expect(code).toBe(1)
    expect(stderr).toContain('  locked (LOCKED)\n  environment lock freeze: until Monday\n')
    expect(stderr).toContain('  Try: --lock-behavior record')
    expect(server.requests).toHaveLength(1)
  })
})

describe('history', () => {
  const args = ['history', '--environment', 'staging', '--application', 'cart']
  const train: DeploymentEventMessage = {
    version: uint(5),
    fromVersion: uint(4),
    at,
    by: { name: 'release-bot' },
    commit: '0123456789abcdef',
    command: 'release-train',
    trainTarget: 'group production',
    trainTeam: 'sre',
    sourceGitTag: 'v1',
    gitTag: 'v2',
  }
  const byHand: DeploymentEventMessage = { fromVersion: uint(3), by: { email: 'a@b' }, subject: 'Remove\tcart' }

  function aPage(count: number, nextPageToken?: string): HistoryMessage {
    return { events: Array.from({ length: count }, () => train), nextPageToken }
  }

  it('says what, by whom and why', async () => {
    const server = await startRecordingServer(aMessage(messages.history, { events: [train, byHand] }))
    expect((await runCli(['--url', server.url, ...args])).stdout).toBe(`\
AT                    FROM  TO  BY           COMMIT        WHAT
2026-05-04T09:30:00Z     4   5  release-bot  0123456789ab  release-train to group production for team sre as of tag v1 tagged v2
-                        3   -  a@b          -             Remove cart
`)
  })

  it('asks for page after page, and for no more than wanted', async () => {
    const pages = [aPage(100, 'p2'), aPage(0, 'p3'), aPage(60, 'p4')].map((page) => aMessage(messages.history, page))
    const server = await startRecordingServer(...pages)
    const result = await runCli(['--url', server.url, ...args, '--limit', '150', '--output', 'json'])
    const json = JSON.parse(result.stdout) as { events: unknown[] }
    expect(json.events).toHaveLength(150)
    expect(json).toMatchObject({ environment: 'staging', application: 'cart', nextPageToken: 'p4' })
    const path = '/api/environments/staging/applications/cart/history'
    expect(server.requests.map(({ url }) => url)).toEqual([
      `${path}?pageSize=100`,
      `${path}?pageSize=50&pageToken=p2`,
      `${path}?pageSize=50&pageToken=p3`,
    ])
  })

  it('does not turn in circles with a server that does', async () => {
    const server = await startRecordingServer(aMessage(messages.history, aPage(0, 'same')))
    const result = await runCli(['--url', server.url, ...args])
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: 'the server gives the same page again\n' })
    expect(server.requests).toHaveLength(2)
  })

  it('says where the repository ends', async () => {
    const warning = 'warning: the repository goes no further back, so there may have been more\n'
    const some = await startRecordingServer(aMessage(messages.history, { ...aPage(1), truncated: true }))
    expect((await runCli(['--url', some.url, ...args])).stdout.split('\n').slice(2).join('\n')).toBe(warning)
    const none = await startRecordingServer(aMessage(messages.history, { ...aPage(0), truncated: true }))
    expect((await runCli(['--url', none.url, ...args])).stdout).toBe(warning)
  })

  it('says so when there is none', async () => {
    const server = await startRecordingServer(aMessage(messages.history, aPage(0)))
    expect((await runCli(['--url', server.url, ...args])).stdout).toBe('cart was never deployed in staging\n')
  })

  it('is a failure with a server that has none', async () => {
    const server = await startRecordingServer({ body: 'hello' })
    const result = await runCli(['--url', server.url, ...args])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain('not with what was asked for (signalbox.v1.GetDeploymentHistoryResponse)')
  })
})

describe('delete-environment', () => {
  it.each([
    [
      { dryrun: true, warnings: ['prod has no upstream then'] },
      'could delete environment dev\nwarning: prod has no upstream then\n',
    ],
    [{ warnings: [], commit: 'c1' }, 'deleted environment dev, commit c1\n'],
  ])('%j', async (message, stdout) => {
    const server = await startRecordingServer(aMessage(messages.environmentChange, message))
    const result = await runCli(['--url', server.url, 'delete-environment', '--environment', 'dev'])
    expect(result).toMatchObject({ code: 0, stdout })
  })
})
