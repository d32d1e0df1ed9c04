import { describe, expect, it } from 'vitest'
import { messages } from '../../src/cli/messages.ts'
import { aMessage, aProblem, startRecordingServer } from './recording-server.ts'
import { runCli } from './run-cli.ts'

const question = { action: 'DeployRelease', environment: 'staging', application: 'cart' }
const yes = aMessage(messages.permission, { ...question, allowed: true, reason: 'the policy\nallows it\u001b[2J' })
const no = aMessage(messages.permission, { ...question, allowed: false, reason: 'PermissionDenied The user is not' })

describe('can-i', () => {
  it.each([
    ['yes', yes, 0, 'yes: the policy allows it[2J\n'],
    ['no', no, 1, 'no: PermissionDenied The user is not\n'],
  ])('answers %s in a line and by its exit code', async (_name, answer, code, stdout) => {
    const { url, requests } = await startRecordingServer(answer)
    expect(await runCli(['--url', url, 'can-i', 'DeployRelease', 'staging', 'cart'])).toMatchObject({
      code,
      stdout,
      stderr: '',
    })
    expect(requests.map((request) => `${request.method} ${request.url}`)).toEqual([
      'GET /api/whoami/permissions/DeployRelease/staging?application=cart',
    ])
  })

  it('takes flags anywhere, and no application', async () => {
    const { url, requests } = await startRecordingServer(no)
    const args = ['can-i', '--output', 'json', 'CreateLock', '--timeout=9', 'a b/c', '--url', url]
    const { code, stdout } = await runCli(args)
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      { ...question, allowed: false, reason: 'PermissionDenied The user is not' },
    ])
    expect(requests.map((request) => request.url)).toEqual(['/api/whoami/permissions/CreateLock/a%20b%2Fc'])
    await runCli(['--url', url, 'can-i', 'CreateLock', 'staging', ''])
    expect(requests[1]?.url).toBe('/api/whoami/permissions/CreateLock/staging')
  })

  it('asks for a team', async () => {
    const { url, requests } = await startRecordingServer(yes)
    await runCli(['--url', url, 'can-i', 'CreateRelease', 'staging', 'new', '--team', 'storefront'])
    expect(requests[0]?.url).toBe('/api/whoami/permissions/CreateRelease/staging?application=new&team=storefront')
  })

  it.each([
    ['an environment that is none', aProblem(404, 'UNKNOWN_ENVIRONMENT', "there is no environment 'nowhere'")],
    ['somebody who is not known', aProblem(401, 'UNAUTHENTICATED', 'nobody is known')],
    ['a server that fails', { status: 500 }],
    ['another server', { body: '{}' }],
  ])('says neither yes nor no of %s', async (_name, answer) => {
    const { url } = await startRecordingServer(answer)
    const { code, stdout, stderr } = await runCli(['--url', url, 'can-i', 'DeployRelease', 'nowhere'])
    expect([code, stdout, stderr]).toEqual([3, '', expect.stringMatching(/./)])
  })

  it.each([
    [[], '<action> is missing'],
    [['DeployRelease'], '<environment> is missing'],
    [['DeployRelease', ''], '<environment> is missing'],
    [['DeployRelease', '..'], "<environment> must be a name, and is '..'"],
    [['DeployRelease', 'staging', 'cart', 'x', 'y'], "nothing is known to do with 'x y'"],
    [['DeployRelease', 'staging', '--nope'], 'there is no flag --nope here'],
  ])('is bad usage with %j', async (args, problem) => {
    const { code, stderr } = await runCli(['--url', 'http://127.0.0.1:1', 'can-i', ...args])
    expect([code, stderr]).toEqual([2, expect.stringContaining(problem)])
  })
})
