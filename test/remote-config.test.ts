import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'

const ssh = 'git@git.example.com:manifests.git'
const https = 'https://git.example.com/manifests.git'

describe('how a remote repository is reached', () => {
  it('is said by its address alone', () => {
    const { remote, repository, clonePath } = readConfig({ SIGNALBOX_REPOSITORY: ssh })
    expect(repository).toBe(ssh)
    expect(clonePath).toBe('data/clone')
    expect(remote).toEqual({
      address: { kind: 'ssh', url: ssh, user: 'git', host: 'git.example.com', port: undefined, path: 'manifests.git' },
      cloneFilter: 'blob:limit=2k',
      cloneDepth: 1000,
      ssh: { keyFile: undefined, knownHostsFile: undefined },
      credentials: { username: undefined, token: undefined },
      certificateAuthorityFile: undefined,
      networkTimeout: 60_000,
    })
  })

  it('can be set in full for ssh', () => {
    const { remote, clonePath } = readConfig({
      SIGNALBOX_REPOSITORY: ssh,
      SIGNALBOX_CLONE_PATH: '/var/lib/clone.git',
      SIGNALBOX_CLONE_FILTER: 'none',
      SIGNALBOX_CLONE_DEPTH: '50',
      SIGNALBOX_GIT_SSH_KEY: '/etc/ssh/identity',
      SIGNALBOX_GIT_SSH_KNOWN_HOSTS: '/etc/ssh/ssh_known_hosts',
      SIGNALBOX_GIT_NETWORK_TIMEOUT: '1m30s',
    })
    expect(clonePath).toBe('/var/lib/clone.git')
    expect(remote).toMatchObject({
      cloneFilter: undefined,
      cloneDepth: 50,
      ssh: { keyFile: '/etc/ssh/identity', knownHostsFile: '/etc/ssh/ssh_known_hosts' },
      networkTimeout: 90_000,
    })
  })

  it('can be set in full for https', () => {
    const { remote } = readConfig({
      SIGNALBOX_REPOSITORY: https,
      SIGNALBOX_CLONE_FILTER: 'blob:none',
      SIGNALBOX_GIT_USERNAME: 'deploy',
      SIGNALBOX_GIT_TOKEN_FILE: '/etc/git/token',
      SIGNALBOX_GIT_CA_FILE: '/etc/git/ca.pem',
      SIGNALBOX_GIT_NETWORK_TIMEOUT: '5',
    })
    expect(remote).toMatchObject({
      cloneFilter: 'blob:none',
      credentials: { username: 'deploy', token: { file: '/etc/git/token' } },
      certificateAuthorityFile: '/etc/git/ca.pem',
      networkTimeout: 5000,
    })
    expect(readConfig({ SIGNALBOX_REPOSITORY: https, SIGNALBOX_GIT_TOKEN: 'abc' }).remote?.credentials.token).toEqual({
      value: 'abc',
    })
  })

  it('is nothing for a path', () => {
    expect(readConfig({ SIGNALBOX_REPOSITORY: '/srv/a@b:c.git' })).toMatchObject({ repository: '/srv/a@b:c.git' })
    expect(readConfig({ SIGNALBOX_REPOSITORY: '/srv/a@b:c.git' }).remote).toBeUndefined()
    expect(readConfig({ SIGNALBOX_REPOSITORY: './a@b:c.git' }).remote).toBeUndefined()
  })

  it.each([
    ['SIGNALBOX_GIT_SSH_KEY', https, /means nothing unless SIGNALBOX_REPOSITORY is an address of ssh$/],
    ['SIGNALBOX_GIT_SSH_KNOWN_HOSTS', '/srv/x.git', /means nothing unless SIGNALBOX_REPOSITORY is an address of ssh$/],
    ['SIGNALBOX_GIT_TOKEN', ssh, /means nothing unless SIGNALBOX_REPOSITORY is an address of https or http$/],
    ['SIGNALBOX_GIT_TOKEN_FILE', 'file:///srv/x.git', /means nothing unless/],
    ['SIGNALBOX_GIT_USERNAME', ssh, /means nothing unless/],
    ['SIGNALBOX_GIT_CA_FILE', ssh, /means nothing unless/],
  ])('may not be half said: %s for %s', (name, address, sentence) => {
    expect(problemsOf({ [name]: 'x', SIGNALBOX_REPOSITORY: address })).toEqual([
      expect.stringMatching(new RegExp(`^${name} `)) as string,
    ])
    expect(problemsOf({ [name]: 'x', SIGNALBOX_REPOSITORY: address })[0]).toMatch(sentence)
  })

  it('may not be said twice', () => {
    expect(
      problemsOf({ SIGNALBOX_REPOSITORY: https, SIGNALBOX_GIT_TOKEN: 'hidden', SIGNALBOX_GIT_TOKEN_FILE: '/x' }),
    ).toEqual(['SIGNALBOX_GIT_TOKEN and SIGNALBOX_GIT_TOKEN_FILE are both set: one will do'])
  })

  it.each([
    { SIGNALBOX_REPOSITORY: https, SIGNALBOX_GIT_TOKEN: 'hidden secret' },
    { SIGNALBOX_REPOSITORY: https, SIGNALBOX_GIT_TOKEN: 'hidden\nsecret' },
    { SIGNALBOX_REPOSITORY: 'https://me:hidden@git.example.com/x' },
    { SIGNALBOX_REPOSITORY: 'https://me:hid@hidden@git.example.com/x' },
    { SIGNALBOX_REPOSITORY: 'https://me:a/hidden@git.example.com/x' },
    { SIGNALBOX_REPOSITORY: 'https://hidden@git.example.com/x' },
    { SIGNALBOX_REPOSITORY: 'ssh://me:hidden@git.example.com/x' },
    { SIGNALBOX_REPOSITORY: 'me:hidden@git.example.com:x' },
    { SIGNALBOX_REPOSITORY: 'git://me:hidden@git.example.com/x' },
  ])('is not repeated where it is secret: %j', (environment) => {
    const problems = problemsOf(environment)
    expect(problems).toHaveLength(1)
    expect(problems[0]).not.toContain('hidden')
  })
})

/** The sentences of the error; none when the configuration is accepted. */
function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
