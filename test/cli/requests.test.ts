import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from './run-cli.ts'
import type { CannedAnswer, Reaction } from './recording-server.ts'
import { startRecordingServer } from './recording-server.ts'

const commit = '0123456789abcdef0123456789abcdef01234567'
const json = 'application/json'
const protobuf = 'application/x-protobuf'

/** What is answered to each command: one of ours insists on its message, and an empty one is enough. */
const anyMessage: Reaction = ({ headers: { accept } }, response) =>
  response.writeHead(200, accept === protobuf ? { 'Content-Type': protobuf } : {}).end()

describe('a token on a line without TLS', () => {
  const environment = { SIGNALBOX_TOKEN: 'the-token' }
  /** Nobody answers there: what matters is said before. */
  const warningOf = async (url: string, variables: Record<string, string> = environment) => {
    const { stderr } = await runCli(['--url', url, '--timeout', '1', 'status'], {
      environment: { http_proxy: 'http://127.0.0.1:1', ...variables },
    })
    return stderr.split('\n').filter((line) => line.startsWith('warning:'))
  }

  it.each<[string, Record<string, string>]>([
    ['http://signalbox.invalid', environment],
    ['http://signalbox.invalid', { KUBERPULT_DEX_ACCESS_TOKEN: 'the-token' }],
    ['http://keeper:the-token@signalbox.invalid', {}],
  ])('is warned of, and sent: %s with %j', async (url, variables) => {
    expect(await warningOf(url, variables)).toEqual([
      'warning: signalbox.invalid is asked without https, so others on the way can read the token that is sent',
    ])
  })

  it.each<[string, Record<string, string>]>([
    ['http://127.0.0.1:1', environment],
    ['http://localhost:1', environment],
    ['http://[::1]:1', environment],
    ['https://127.0.0.1:1', environment],
    ['http://signalbox.invalid', {}],
  ])('is none with %s and %j', async (url, variables) => {
    expect(await warningOf(url, variables)).toEqual([])
  })
})

describe('what commands send', () => {
  it.each<[args: string, request: string, headers: Record<string, string | undefined>, body: string]>([
    [
      'release-train --target-environment staging',
      'PUT /api/environments/staging/releasetrain',
      { 'content-length': '0', 'content-type': undefined, accept: protobuf, 'if-match': undefined },
      '',
    ],
    [
      'release-train --target-environment staging --team sre --use_dex_auth --ci_link https://ci.example.com/1',
      'PUT /api/environments/staging/releasetrain?team=sre',
      { 'content-length': '37', 'content-type': json },
      '{"ciLink":"https://ci.example.com/1"}',
    ],
    [
      'release-train -target-environment=production -use_env_group_target -if-match abc',
      'PUT /api/environment-groups/production/releasetrain',
      { 'if-match': '"abc"' },
      '',
    ],
    [
      'release-train --target-environment staging --if-match W/"abc.def"',
      'PUT /api/environments/staging/releasetrain',
      { 'if-match': 'W/"abc.def"' },
      '',
    ],
    [
      'prognosis --target-environment staging --team sre --diff',
      'GET /api/environments/staging/releasetrain/prognosis?team=sre&diff=true',
      { accept: protobuf, 'content-length': undefined },
      '',
    ],
    [
      'create-env-lock --environment staging --lockID l1 --message why',
      'PUT /environments/staging/locks/l1',
      { 'content-type': json, accept: undefined },
      '{"message":"why"}',
    ],
    [
      'create-env-lock --environment staging --lockID l1',
      'PUT /environments/staging/locks/l1',
      { 'content-type': json },
      '{"message":""}',
    ],
    [
      // As a pipeline writes it, whose variables are not set.
      'create-env-lock --environment staging --lockID l1 --message= --ci_link= --suggested_lifetime= --use_dex_auth',
      'PUT /environments/staging/locks/l1',
      { 'content-type': json },
      '{"message":""}',
    ],
    [
      'release-train --target-environment staging --team= --ci_link= --if-match= --client_uuid= --retries= --output=',
      'PUT /api/environments/staging/releasetrain',
      { 'content-length': '0', 'if-match': undefined, 'client-uuid': undefined },
      '',
    ],
    [
      'release-train --target-environment staging --git_tag v2 --source_git_tag releases/v1 --idempotency-key k1',
      'PUT /api/environments/staging/releasetrain?gitTag=v2&sourceGitTag=releases%2Fv1',
      { 'idempotency-key': '"k1"' },
      '',
    ],
    [
      'create-app-lock --environment staging --application cart --lockID l1 --message why --ci_link https://ci --suggested_lifetime 2d',
      'PUT /environments/staging/applications/cart/locks/l1',
      { 'content-type': json },
      '{"message":"why","ciLink":"https://ci","suggestedLifeTime":"2d"}',
    ],
    [
      'create-team-lock --environment staging --team sre --lockID l1 --message why --lifetime 3h',
      'PUT /api/environments/staging/lock/team/sre/l1',
      { 'content-type': json },
      '{"message":"why","lifetime":"3h"}',
    ],
    [
      'create-group-lock --environment-group production --lockID l1 --message why --expires-at 2026-05-04T09:30:00Z',
      'PUT /environment-groups/production/locks/l1',
      { 'content-type': json },
      '{"message":"why","expiresAt":"2026-05-04T09:30:00Z"}',
    ],
    [
      'delete-env-lock --environment staging --lockID l1',
      'DELETE /environments/staging/locks/l1',
      { 'content-type': json },
      '',
    ],
    [
      'delete-app-lock --environment staging --application cart --lockID l1 --use_dex_auth',
      'DELETE /environments/staging/applications/cart/locks/l1',
      { 'content-type': json },
      '',
    ],
    [
      'delete-team-lock --environment staging --team sre --lockID l1',
      'DELETE /api/environments/staging/lock/team/sre/l1',
      { 'content-type': json },
      '',
    ],
    [
      'delete-group-lock --environment-group production --lockID l1',
      'DELETE /environment-groups/production/locks/l1',
      { 'content-type': json },
      '',
    ],
    [`get-commit-deployments --commit ${commit}`, `GET /api/commit-deployments/${commit}`, {}, ''],
    [
      'get-deployment-commit --environment staging --application cart',
      'GET /api/environments/staging/applications/cart/commit',
      {},
      '',
    ],
    ['delete-environment --environment staging', 'DELETE /api/environments/staging', { 'content-type': undefined }, ''],
    ['delete-environment --environment staging --dry-run', 'DELETE /api/environments/staging?dryrun=true', {}, ''],
    [
      'deploy --environment staging --application cart --version 18446744073709551615 --lock-behavior FAIL',
      'PUT /api/environments/staging/applications/cart/deployment',
      { 'content-type': json, accept: protobuf },
      '{"version":"18446744073709551615","lockBehavior":"FAIL"}',
    ],
    [
      'deploy --environment staging --application cart --version 7',
      'PUT /api/environments/staging/applications/cart/deployment',
      { 'content-type': json },
      '{"version":"7"}',
    ],
    [
      'locks --kind team --environment staging --team sre --author a&b --older-than 2w',
      'GET /api/locks?kind=team&environment=staging&team=sre&author=a%26b&olderThan=2w',
      { accept: protobuf },
      '',
    ],
    // Names are what they are, wherever they stand in a path.
    [
      'delete-env-lock --environment a/b?c --lockID ä#%2f',
      'DELETE /environments/a%2Fb%3Fc/locks/%C3%A4%23%252f',
      {},
      '',
    ],
  ])('%s', async (args, request, headers, body) => {
    const server = await startRecordingServer(anyMessage)
    const result = await runCli(['--url', `${server.url}/base/`, ...args.split(' ')])
    expect(result.stderr).toBe('')
    expect(result.code).toBe(0)
    const [sent, ...others] = server.requests
    expect(others).toEqual([])
    expect(`${sent?.method} ${sent?.url}`).toBe(request.replace(' /', ' /base/'))
    expect(sent?.body.toString()).toBe(body)
    const names = Object.keys(headers)
    expect(Object.fromEntries(names.map((name) => [name, sent?.headers[name]]))).toEqual(headers)
    expect(sent?.headers['transfer-encoding']).toBeUndefined()
  })

  it.each([
    ['release-train --target-environment staging', true, true],
    ['create-env-lock --environment staging --lockID l1 --message why', true, false],
    ['deploy --environment staging --application cart --version 7', true, false],
    ['delete-environment --environment staging', false, false],
    ['get-deployment-commit --environment staging --application cart', false, false],
    ['locks', false, false],
  ])('%s says who asks: author %s, client %s', async (args, namesAuthor, namesClient) => {
    const server = await startRecordingServer(anyMessage)
    const globals = ['--author_name', 'Jörg', '--author_email', 'j@example.com', '--client_uuid', 'c1']
    await runCli([...globals, '--url', server.url, ...args.split(' ')])
    const { headers } = server.requests[0] ?? {}
    expect(headers?.['author-name']).toBe(namesAuthor ? 'SsO2cmc=' : undefined)
    expect(headers?.['author-email']).toBe(namesAuthor ? 'akBleGFtcGxlLmNvbQ==' : undefined)
    expect(headers?.['client-uuid']).toBe(namesClient ? 'c1' : undefined)
  })

  it.each<[environment: Record<string, string>, authorization: string | undefined, proxy: string | undefined]>([
    [{}, undefined, undefined],
    [{ KUBERPULT_DEX_ACCESS_TOKEN: 'dex', KUBERPULT_IAP_TOKEN: 'iap' }, 'Bearer dex', 'Bearer iap'],
    [{ KUBERPULT_DEX_ACCESS_TOKEN: '' }, 'Bearer', undefined],
    [{ KUBERPULT_DEX_ACCESS_TOKEN: 'dex', SIGNALBOX_TOKEN: 'ours' }, 'Bearer ours', undefined],
    [{ KUBERPULT_DEX_ACCESS_TOKEN: 'dex', SIGNALBOX_TOKEN: '' }, 'Bearer dex', undefined],
  ])('%j are the tokens of every request', async (environment, authorization, proxy) => {
    for (const args of ['locks', 'delete-environment --environment staging']) {
      const server = await startRecordingServer(anyMessage)
      await runCli(args.split(' '), { environment: { ...environment, SIGNALBOX_URL: server.url } })
      expect(server.requests[0]?.headers.authorization).toBe(authorization)
      expect(server.requests[0]?.headers['proxy-authorization']).toBe(proxy)
    }
  })

  it('a name and password in the address, which are not shown, not even when the server sends them back', async () => {
    const server = await startRecordingServer(({ headers: { authorization = '' } }, response) => {
      const sent = Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
      response.writeHead(500).end(`${authorization} ${sent} pass@word pass%40word`)
    })
    const result = await runCli(['--url', server.url.replace('//', '//me:pass%40word@'), 'locks'])
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:pass@word').toString('base64')}`)
    expect(result.stderr).toContain(`GET ${server.url}/api/locks failed: 500`)
    expect(result.stderr).toContain('  Basic *** *** *** ***\n')
    expect(result.stderr).not.toContain('pass')
  })
})

describe('a success that is none', () => {
  const page: CannedAnswer = { headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: '<h1>Log in</h1>' }
  const noMessage: CannedAnswer = { headers: { 'Content-Type': protobuf }, body: '\u0001\u0002' }
  const someJson = { body: '{"some":"JSON"}' }
  const place = '--environment staging --application cart'
  const ours = [
    `deploy ${place} --version 7`,
    'prognosis --target-environment staging',
    'locks',
    'status',
    'status --environment staging',
    'status --application cart',
    `history ${place}`,
  ]
  const theirs = [
    'release-train --target-environment staging',
    'release --application cart --environment dev --manifest package.json',
    'create-env-lock --environment staging --lockID l1 --message why',
    'delete-env-lock --environment staging --lockID l1',
    `get-commit-deployments --commit ${commit}`,
    `get-commit-deployments --commit ${commit} --out package.json/none`,
    `get-deployment-commit ${place}`,
    'delete-environment --environment staging',
  ]

  it.each([...ours, ...theirs])('%s: a page, or bytes that are no message', async (args) => {
    for (const answer of [page, { body: '<!DOCTYPE html><p>Log in' }, noMessage]) {
      const server = await startRecordingServer(answer)
      const result = await runCli(['--url', server.url, ...args.split(' ')])
      expect(result).toMatchObject({ code: 1, stdout: '', pauses: [] })
      expect(result.stderr).toContain('the server answered 200, but not with what was asked for')
      expect(server.requests).toHaveLength(1)
    }
  })

  it.each(ours)('%s: JSON of somebody else', async (args) => {
    const server = await startRecordingServer(someJson)
    const result = await runCli(['--url', server.url, ...args.split(' ')])
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain('the server answered 200, but not with what was asked for')
  })
})

describe('get-commit-deployments', () => {
  it('writes the answer to a file as it came', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const out = join(folder, 'answer.json')
    const server = await startRecordingServer({ body: '{"deploymentStatus":{} }\n' })
    const result = await runCli(['--url', server.url, 'get-commit-deployments', '--commit', commit, '--out', out])
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(out, 'utf8')).toBe('{"deploymentStatus":{} }\n')

    writeFileSync(join(folder, 'file'), '')
    const lost = await runCli(['--url', server.url, 'get-commit-deployments', '--commit', commit, '--out', `${out}/x`])
    expect(lost).toMatchObject({ code: 1, stdout: '' })
    expect(lost.stderr).toContain(`the answer cannot be written to ${out}/x: `)
  })
})
