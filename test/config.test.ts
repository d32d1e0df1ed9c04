import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ServerConfig } from '../src/config.ts'
import { ConfigError, readConfig, unknownVariables, unreadVariables, variableNames } from '../src/config.ts'
import { git, hasGit } from './support/real-git.ts'

const defaults: ServerConfig = {
  allowedHosts: [],
  host: '127.0.0.1',
  port: 8080,
  repository: undefined,
  remote: undefined,
  clonePath: 'data/clone',
  fetchInterval: 30_000,
  hookSecret: undefined,
  retryAfter: 5,
  branch: undefined,
  logLevel: 'info',
  json: 'proto',
  allowedDomains: undefined,
  releaseVersionsLimit: 20,
  writesCommitData: false,
  allowsLongApplicationNames: false,
  argoCd: { generateFiles: true, repositoryUrl: undefined, server: undefined, isInsecure: false },
  gitWebUrl: undefined,
  releases: {
    maximumBytes: 33_554_432,
    maximumManifestBytes: 10_485_760,
    maximumValueBytes: 65_536,
    maximumParts: 1000,
  },
  manifestCheck: { maximumMemory: 768, maximumSeconds: 30 },
  committer: { name: 'Signalbox', email: 'signalbox@localhost' },
  author: { name: 'Signalbox', email: 'signalbox@localhost' },
  allowsAnonymous: false,
  publicUrl: undefined,
  requestsPerMinute: 600,
  trustedProxies: [],
  auth: { mode: 'none' },
  maximumQueueSize: 1000,
  shutdownSeconds: 20,
  metrics: undefined,
}

describe('the configuration', () => {
  it('needs no variables', () => {
    expect(readConfig({})).toEqual(defaults)
  })

  it('takes an empty variable for one that is not set', () => {
    expect(readConfig(Object.fromEntries(variableNames.map((name) => [name, ''])))).toEqual(defaults)
  })

  it('is not changed by variables without our prefix', () => {
    expect(readConfig({ PORT: '1', HOST: '0.0.0.0', signalbox_port: '2', SIGNALBOXPORT: '3' })).toEqual(defaults)
  })

  it('can be set in full', () => {
    expect(
      readConfig({
        SIGNALBOX_HOST: '0.0.0.0',
        SIGNALBOX_PORT: '0',
        SIGNALBOX_REPOSITORY: '/srv/my manifests.git',
        SIGNALBOX_CLONE_PATH: '/var/lib/clone',
        SIGNALBOX_FETCH_INTERVAL: '2m',
        SIGNALBOX_RETRY_AFTER_SECONDS: '30',
        SIGNALBOX_BRANCH: 'release/1.x',
        SIGNALBOX_LOG_LEVEL: 'silent',
        SIGNALBOX_JSON: 'kuberpult',
        SIGNALBOX_ALLOWED_DOMAINS: 'ci.example.com, GITHUB.com ,localhost',
        SIGNALBOX_ARGO_CD_GENERATE_FILES: 'false',
        SIGNALBOX_ARGO_CD_REPOSITORY_URL: 'git@example.com:shop/manifests.git',
        SIGNALBOX_ARGO_CD_SERVER: 'https://argocd.example.com/argo/',
        SIGNALBOX_ARGO_CD_INSECURE: 'true',
        SIGNALBOX_GIT_WEB_URL: 'https://git.example.com/shop/manifests',
        SIGNALBOX_MAXIMUM_RELEASE_BYTES: '1',
        SIGNALBOX_MAXIMUM_MANIFEST_BYTES: '2',
        SIGNALBOX_MAXIMUM_RELEASE_VALUE_BYTES: '3',
        SIGNALBOX_MAXIMUM_RELEASE_PARTS: '4',
        SIGNALBOX_MANIFEST_CHECK_MEMORY_MB: '64',
        SIGNALBOX_MANIFEST_CHECK_SECONDS: '5',
        SIGNALBOX_GIT_COMMITTER_NAME: 'Committer',
        SIGNALBOX_GIT_COMMITTER_EMAIL: 'committer@example.com',
        SIGNALBOX_GIT_AUTHOR_NAME: 'Äuthor',
        SIGNALBOX_GIT_AUTHOR_EMAIL: 'author@example.com',
        SIGNALBOX_ALLOW_ANONYMOUS: 'true',
        SIGNALBOX_ALLOWED_HOSTS: 'signalbox.internal, Other.example.com',
        SIGNALBOX_RELEASE_VERSIONS_LIMIT: '5',
        SIGNALBOX_WRITE_COMMIT_DATA: 'true',
        SIGNALBOX_ALLOW_LONG_APP_NAMES: 'true',
        SIGNALBOX_PUBLIC_URL: 'HTTPS://Signalbox.example.com:443/',
        SIGNALBOX_RATE_LIMIT: '60',
        SIGNALBOX_TRUSTED_PROXIES: '10.0.0.0/8, ::1,192.0.2.1,fc00::/7',
        SIGNALBOX_MAXIMUM_QUEUE_SIZE: '5',
        SIGNALBOX_SHUTDOWN_SECONDS: '60',
        SIGNALBOX_METRICS_HOST: '10.0.0.1',
        SIGNALBOX_METRICS_PORT: '9090',
      }),
    ).toEqual({
      host: '0.0.0.0',
      port: 0,
      repository: '/srv/my manifests.git',
      remote: undefined,
      clonePath: '/var/lib/clone',
      fetchInterval: 120_000,
      retryAfter: 30,
      branch: 'release/1.x',
      logLevel: 'silent',
      json: 'kuberpult',
      allowedDomains: ['ci.example.com', 'github.com', 'localhost'],
      releaseVersionsLimit: 5,
      writesCommitData: true,
      allowsLongApplicationNames: true,
      argoCd: {
        generateFiles: false,
        repositoryUrl: 'git@example.com:shop/manifests.git',
        server: 'https://argocd.example.com/argo/',
        isInsecure: true,
      },
      gitWebUrl: 'https://git.example.com/shop/manifests',
      releases: { maximumBytes: 1, maximumManifestBytes: 2, maximumValueBytes: 3, maximumParts: 4 },
      manifestCheck: { maximumMemory: 64, maximumSeconds: 5 },
      committer: { name: 'Committer', email: 'committer@example.com' },
      author: { name: 'Äuthor', email: 'author@example.com' },
      allowsAnonymous: true,
      allowedHosts: ['signalbox.internal', 'other.example.com'],
      publicUrl: 'https://signalbox.example.com',
      requestsPerMinute: 60,
      trustedProxies: ['10.0.0.0/8', '::1', '192.0.2.1', 'fc00::/7'],
      auth: { mode: 'none' },
      maximumQueueSize: 5,
      shutdownSeconds: 60,
      metrics: { host: '10.0.0.1', port: 9090 },
    })
  })

  it('serves metrics where everything else is, unless told otherwise', () => {
    const metrics = { SIGNALBOX_METRICS_PORT: '9090' }
    expect(readConfig(metrics).metrics).toEqual({ host: '127.0.0.1', port: 9090 })
    expect(() => readConfig({ SIGNALBOX_METRICS_HOST: '10.0.0.1' })).toThrow(
      'SIGNALBOX_METRICS_HOST means nothing without SIGNALBOX_METRICS_PORT',
    )
  })
})

const oidc = {
  SIGNALBOX_AUTH: 'oidc',
  SIGNALBOX_OIDC_ISSUER: 'https://dex.example.com/dex',
  SIGNALBOX_OIDC_AUDIENCE: 'signalbox',
  SIGNALBOX_RBAC_POLICY: '/etc/signalbox/policy.csv',
}

describe('the configuration with tokens', () => {
  it('needs an issuer, an audience and a policy, and may listen anywhere', () => {
    expect(readConfig({ ...oidc, SIGNALBOX_HOST: '0.0.0.0' })).toEqual({
      ...defaults,
      host: '0.0.0.0',
      auth: {
        mode: 'oidc',
        issuer: 'https://dex.example.com/dex',
        audiences: ['signalbox'],
        leeway: 30,
        allowsHttp: false,
        files: { policy: '/etc/signalbox/policy.csv', teams: undefined, trust: undefined },
        scopes: ['openid', 'email', 'profile', 'groups'],
        browserClientId: undefined,
        cliClientId: undefined,
        exchange: undefined,
      },
    })
  })

  it('can be set in full', () => {
    const { auth } = readConfig({
      ...oidc,
      SIGNALBOX_OIDC_ISSUER: 'http://dex:5556/dex',
      SIGNALBOX_OIDC_ALLOW_HTTP: 'true',
      SIGNALBOX_OIDC_AUDIENCE: 'signalbox, cli',
      SIGNALBOX_OIDC_LEEWAY_SECONDS: '0',
      SIGNALBOX_OIDC_TRUST: 'trust.yaml',
      SIGNALBOX_OIDC_SCOPES: 'openid,groups',
      SIGNALBOX_OIDC_BROWSER_CLIENT_ID: 'signalbox-browser',
      SIGNALBOX_OIDC_CLI_CLIENT_ID: 'signalbox-cli',
      SIGNALBOX_OIDC_CLIENT_ID: 'signalbox',
      SIGNALBOX_OIDC_CLIENT_SECRET_FILE: '/run/secrets/dex',
      SIGNALBOX_OIDC_EXCHANGE_CONNECTOR: 'ci',
      SIGNALBOX_RBAC_TEAMS: 'teams.csv',
    })
    expect(auth).toEqual({
      mode: 'oidc',
      issuer: 'http://dex:5556/dex',
      audiences: ['signalbox', 'cli'],
      leeway: 0,
      allowsHttp: true,
      files: { policy: '/etc/signalbox/policy.csv', teams: 'teams.csv', trust: 'trust.yaml' },
      scopes: ['openid', 'groups'],
      browserClientId: 'signalbox-browser',
      cliClientId: 'signalbox-cli',
      exchange: { clientId: 'signalbox', clientSecret: { file: '/run/secrets/dex' }, connector: 'ci' },
    })
  })

  it.each<[Record<string, string>, readonly RegExp[]]>([
    [
      { SIGNALBOX_AUTH: 'oidc' },
      [
        /^SIGNALBOX_OIDC_ISSUER must be set, because SIGNALBOX_AUTH is oidc$/,
        /^SIGNALBOX_OIDC_AUDIENCE must be set/,
        /^SIGNALBOX_RBAC_POLICY must be set/,
      ],
    ],
    [{ ...oidc, SIGNALBOX_OIDC_ISSUER: 'dex' }, [/^SIGNALBOX_OIDC_ISSUER is no address such as/]],
    [{ ...oidc, SIGNALBOX_OIDC_ISSUER: 'https://a:b@dex.example.com' }, [/^SIGNALBOX_OIDC_ISSUER must not hold cred/]],
    [{ ...oidc, SIGNALBOX_OIDC_ISSUER: 'https://dex.example.com?x' }, [/must not have a query/]],
    [
      { ...oidc, SIGNALBOX_OIDC_ISSUER: 'http://dex:5556/dex' },
      [/is http: only https is safe, except on this machine, or with SIGNALBOX_OIDC_ALLOW_HTTP=true$/],
    ],
    [
      { ...oidc, SIGNALBOX_OIDC_CLIENT_ID: 'a' },
      [/^SIGNALBOX_OIDC_CLIENT_SECRET or SIGNALBOX_OIDC_CLIENT_SECRET_FILE/],
    ],
    [{ ...oidc, SIGNALBOX_OIDC_CLIENT_SECRET: 'hidden' }, [/^SIGNALBOX_OIDC_CLIENT_ID must be set, because/]],
    [
      {
        ...oidc,
        SIGNALBOX_OIDC_CLIENT_ID: 'a',
        SIGNALBOX_OIDC_CLIENT_SECRET: 'hidden',
        SIGNALBOX_OIDC_CLIENT_SECRET_FILE: 'b',
      },
      [/are both set: one will do/],
    ],
    [{ SIGNALBOX_OIDC_CLI_CLIENT_ID: 'a' }, [/^SIGNALBOX_AUTH must be oidc for SIGNALBOX_OIDC_CLI_CLIENT_ID /]],
    [{ SIGNALBOX_OIDC_BROWSER_CLIENT_ID: 'a' }, [/^SIGNALBOX_AUTH must be oidc for SIGNALBOX_OIDC_BROWSER_CLIENT_ID /]],
    [{ SIGNALBOX_AUTH: 'tcp://10.0.0.1:1' }, [/^SIGNALBOX_AUTH must be/]],
    [
      { SIGNALBOX_RBAC_POLICY: 'a', SIGNALBOX_OIDC_ISSUER: 'https://dex.example.com' },
      [/^SIGNALBOX_AUTH must be oidc for SIGNALBOX_OIDC_ISSUER, SIGNALBOX_RBAC_POLICY to mean anything/],
    ],
    [{ SIGNALBOX_HOST: '0.0.0.0' }, [/^SIGNALBOX_HOST is '0.0.0.0'.*Set SIGNALBOX_AUTH=oidc to ask them/]],
  ])('is refused: %j', (environment, expected) => {
    const problems = problemsOf(environment)
    expect(problems).toEqual(expected.map((sentence) => expect.stringMatching(sentence) as string))
    expect(problems.join()).not.toContain('hidden')
  })

  it.each(['http://localhost:5556/dex', 'http://127.0.0.1', 'http://[::1]:1'])('may use %s without TLS', (issuer) => {
    expect(readConfig({ ...oidc, SIGNALBOX_OIDC_ISSUER: issuer }).auth).toMatchObject({ issuer })
  })
})

describe('a problem with the configuration', () => {
  it.each([
    ['SIGNALBOX_HOST', '127.0.0.1\n', /must be one line of text/],
    ['SIGNALBOX_PORT', 'http', /must be a number, not 'http'/],
    ['SIGNALBOX_PORT', '80.5', /must be a whole number, not '80.5'/],
    ['SIGNALBOX_PORT', '-1', /must be at least 0 \(0 takes any free port\), not '-1'/],
    ['SIGNALBOX_PORT', '65536', /must be at most 65535, not '65536'/],
    ['SIGNALBOX_PORT', 'Infinity', /must be/],
    ['SIGNALBOX_REPOSITORY', 'a\0b', /must be one line of text/],
    ['SIGNALBOX_REPOSITORY', 'git://git.example.com/manifests.git', /must be an address such as ssh:.*, not 'git:/],
    ['SIGNALBOX_REPOSITORY', 'https://me:secret@git.example.com/x', /must not have credentials.*'https:\/\/...@git/],
    ['SIGNALBOX_REPOSITORY', 'ext::sh -c whoami', /must be an address without spaces/],
    ['SIGNALBOX_CLONE_FILTER', 'tree:0', /must be none, blob:none, or a limit such as blob:limit=2k/],
    ['SIGNALBOX_CLONE_DEPTH', '0', /must be at least 1/],
    ['SIGNALBOX_GIT_NETWORK_TIMEOUT', '1 minute', /must be a time such as 90s, 1m or 1m30s/],
    ['SIGNALBOX_GIT_NETWORK_TIMEOUT', 'm', /must be a time/],
    ['SIGNALBOX_GIT_NETWORK_TIMEOUT', '0', /must be from 1s to 1h/],
    ['SIGNALBOX_GIT_NETWORK_TIMEOUT', '1h1s', /must be from 1s to 1h/],
    ['SIGNALBOX_GIT_USERNAME', 'a:b', /must not have a colon/],
    ['SIGNALBOX_GIT_SSH_KEY', 'a\nb', /must be one line of text/],
    ['SIGNALBOX_BRANCH', 'refs/heads/main', /must be a branch name such as main, not 'refs\/heads\/main'/],
    ['SIGNALBOX_ARGO_CD_SERVER', 'argocd.example.com', /must be an address such as https:\/\/argocd.example.com/],
    ['SIGNALBOX_ARGO_CD_SERVER', 'ftp://argocd.example.com', /must be an address/],
    ['SIGNALBOX_ARGO_CD_SERVER', 'https://user:secret@argocd.example.com', /must be an address.*'https:\/\/...@argocd/],
    ['SIGNALBOX_ARGO_CD_SERVER', 'https://argocd.example.com?x=1', /must be an address/],
    ['SIGNALBOX_ARGO_CD_INSECURE', 'yes', /must be true or false/],
    ['SIGNALBOX_GIT_WEB_URL', 'git@example.com:shop/manifests.git', /must be an address/],
    ['SIGNALBOX_BRANCH', '-main', /must be a branch name such as main/],
    ['SIGNALBOX_BRANCH', 'a b', /must be a branch name such as main/],
    ['SIGNALBOX_BRANCH', 'a..b', /is no branch name that git would accept, not 'a..b'/],
    ['SIGNALBOX_LOG_LEVEL', 'INFO', /must be one of trace, debug, info, warn, error, fatal, silent, not 'INFO'/],
    ['SIGNALBOX_JSON', 'yaml', /must be proto or kuberpult, not 'yaml'/],
    ['SIGNALBOX_ALLOWED_DOMAINS', 'https://ci.example.com', /must be host names separated by commas/],
    ['SIGNALBOX_ALLOWED_DOMAINS', 'a,,b', /must be host names separated by commas, not 'a,,b'/],
    ['SIGNALBOX_ARGO_CD_GENERATE_FILES', '1', /must be true or false, not '1'/],
    ['SIGNALBOX_ARGO_CD_REPOSITORY_URL', 'a\nb', /must be one line of text/],
    ['SIGNALBOX_MAXIMUM_RELEASE_BYTES', '32MB', /must be a number, not '32MB'/],
    ['SIGNALBOX_MAXIMUM_MANIFEST_BYTES', '0', /must be at least 1, not '0'/],
    ['SIGNALBOX_MAXIMUM_RELEASE_VALUE_BYTES', '1.5', /must be a whole number, not '1.5'/],
    ['SIGNALBOX_MAXIMUM_RELEASE_PARTS', '100001', /must be at most 100000, not '100001'/],
    ['SIGNALBOX_MANIFEST_CHECK_MEMORY_MB', '8', /must be at least 32, not '8'/],
    ['SIGNALBOX_MANIFEST_CHECK_SECONDS', '0', /must be at least 1, not '0'/],
    ['SIGNALBOX_GIT_COMMITTER_NAME', 'a\nb', /must be one line of text/],
    ['SIGNALBOX_GIT_AUTHOR_EMAIL', '\u001b', /must be one line of text/],
    ['SIGNALBOX_PUBLIC_URL', 'signalbox.example.com', /must be an address/],
    ['SIGNALBOX_PUBLIC_URL', 'https://example.com/signalbox', /must be an address such as https:\/\/signalbox/],
    ['SIGNALBOX_RATE_LIMIT', '59', /must be at least 60, not '59'/],
    ['SIGNALBOX_TRUSTED_PROXIES', 'proxy.example.com', /must be addresses or networks separated by commas/],
    ['SIGNALBOX_TRUSTED_PROXIES', '10.0.0.0/33', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '10.0.0.1,,', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '0.0.0.0/0', /must be addresses or networks/],
    // Half of everybody, and the other half with it.
    ['SIGNALBOX_TRUSTED_PROXIES', '0.0.0.0/1,128.0.0.0/1', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '8.0.0.0/7', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '2000::/3', /must be addresses or networks/],
    // All IPv4 addresses, in other words.
    ['SIGNALBOX_TRUSTED_PROXIES', '::ffff:0:0/96', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '::ffff:128.0.0.0/97', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '::1234/80', /must be addresses or networks/],
    ['SIGNALBOX_TRUSTED_PROXIES', '::/8', /must be addresses or networks/],
    ['SIGNALBOX_AUTH', 'OIDC', /must be none or oidc, not 'OIDC'/],
    ['SIGNALBOX_OIDC_AUDIENCE', 'a,,b', /must be audiences separated by commas/],
    ['SIGNALBOX_OIDC_LEEWAY_SECONDS', '301', /must be at most 300, not '301'/],
    ['SIGNALBOX_OIDC_SCOPES', 'email', /must be scopes separated by spaces, openid among them, not 'email'/],
    ['SIGNALBOX_OIDC_CLIENT_SECRET', 'hid\nden', /must be one line of text$/],
    ['SIGNALBOX_ALLOW_ANONYMOUS', 'yes', /must be true or false, not 'yes'/],
  ])('names %s: %j', (name, value, sentence) => {
    const problems = problemsOf({ [name]: value })
    const own = problems.filter((problem) => problem.startsWith(`${name} must`) || problem.startsWith(`${name} is no`))
    expect(own).toEqual([expect.stringMatching(sentence) as string])
  })

  it('does not hide the others: all are told at once', () => {
    const problems = problemsOf({
      SIGNALBOX_HOST: '0.0.0.0',
      SIGNALBOX_PORT: 'x',
      SIGNALBOX_BRANCH: 'a b',
      SIGNALBOX_LOG_LEVEL: 'x',
      SIGNALBOX_JSON: 'x',
      SIGNALBOX_ALLOW_ANONYMOUS: 'x',
    })
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'SIGNALBOX_PORT',
      'SIGNALBOX_BRANCH',
      'SIGNALBOX_LOG_LEVEL',
      'SIGNALBOX_JSON',
      'SIGNALBOX_ALLOW_ANONYMOUS',
      'SIGNALBOX_HOST',
    ])
  })

  it('is an error whose message has one line for each', () => {
    const error = new ConfigError(['a', 'b'])
    expect([error.name, error.message, error.problems]).toEqual(['ConfigError', 'a\nb', ['a', 'b']])
  })
})

describe('listening where others can reach it', () => {
  it.each([
    '0.0.0.0',
    '::',
    '192.168.0.1',
    'example.com',
    'localhost.example.com',
    '127.0.0.1.example.com',
    '1127.0.0.1',
  ])('on %s is refused while nobody is asked who they are, unless that is wanted', (host) => {
    expect(problemsOf({ SIGNALBOX_HOST: host })).toEqual([
      `SIGNALBOX_HOST is '${host}': everyone who reaches it could run trains, because nobody is asked who they are. ` +
        'Set SIGNALBOX_AUTH=oidc to ask them, listen on 127.0.0.1, or set SIGNALBOX_ALLOW_ANONYMOUS=true if something else keeps strangers out',
    ])
    expect(problemsOf({ SIGNALBOX_HOST: host, SIGNALBOX_ALLOW_ANONYMOUS: 'false' })).toHaveLength(1)
    expect(readConfig({ SIGNALBOX_HOST: host, SIGNALBOX_ALLOW_ANONYMOUS: 'true' }).host).toBe(host)
  })

  it('takes an IPv6 address with brackets, too', () => {
    expect(readConfig({ SIGNALBOX_HOST: '[::1]' }).host).toBe('::1')
    const metrics = { SIGNALBOX_METRICS_HOST: '[::]', SIGNALBOX_METRICS_PORT: '9090' }
    expect(readConfig(metrics).metrics).toEqual({ host: '::', port: 9090 })
  })

  it.each(['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1'])('is not what happens on %s', (host) => {
    expect(readConfig({ SIGNALBOX_HOST: host }).host).toBe(host)
  })
})

describe('a branch name', () => {
  const name = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '-', '_', '.lock', '..', '@', '~', ' ') }),
    fc.array(fc.constantFrom('a', '.', 'lock', 'refs', 'heads', '')).map((parts) => parts.join('/')),
  )

  it.runIf(hasGit)('that is accepted is one that git accepts', () => {
    const accepted = new Set(['main', 'a.lock/b', 'a.', 'a.b/c.', 'a/b.lock'])
    for (const branch of fc.sample(name, 2000)) accepted.add(branch)
    for (const branch of accepted) {
      if (branch === '' || problemsOf({ SIGNALBOX_BRANCH: branch }).length > 0) accepted.delete(branch)
    }
    expect(accepted).toContain('main')
    for (const branch of [...accepted].slice(0, 100)) {
      expect(() => git(['check-ref-format', `refs/heads/${branch}`])).not.toThrow()
    }
  })

  it.each(['main', 'release/2.44.x', 'feature/A-b_c', '1'])('may be %s', (branch) => {
    expect(readConfig({ SIGNALBOX_BRANCH: branch }).branch).toBe(branch)
  })
})

describe('a variable with our prefix that means nothing', () => {
  it('is told, because it is probably misspelt', () => {
    expect(
      unknownVariables({
        SIGNALBOX_REPOSTIORY: '/srv',
        SIGNALBOX_port: '1',
        SIGNALBOX_toString: '',
        SIGNALBOX_: '',
        SIGNALBOX_PORT: '1',
        KUBERPULT_GIT_URL: 'x',
      }),
    ).toEqual(['SIGNALBOX_', 'SIGNALBOX_REPOSTIORY', 'SIGNALBOX_port', 'SIGNALBOX_toString'])
  })

  it('is not one that Kubernetes sets for a Service called signalbox', () => {
    const links = {
      SIGNALBOX_PORT: 'tcp://10.0.0.1:8080',
      SIGNALBOX_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
      SIGNALBOX_METRICS_PORT: 'tcp://10.0.0.2:9090',
      SIGNALBOX_METRICS_PORT_9090_TCP_ADDR: '10.0.0.2',
      SIGNALBOX_METRICS_SERVICE_HOST: '10.0.0.2',
      SIGNALBOX_PORT_8080_TCP_PROTO: 'tcp',
      SIGNALBOX_SERVICE_HOST: '10.0.0.1',
      SIGNALBOX_SERVICE_PORT: '8080',
    }
    expect(unknownVariables(links)).toEqual([])
    expect(readConfig(links)).toEqual(defaults)
  })

  it("is not one of the client's", () => {
    expect(unknownVariables({ SIGNALBOX_URL: 'http://127.0.0.1:8080', SIGNALBOX_TOKEN: 'x' })).toEqual([])
  })
})

describe("a variable of Kuberpult's", () => {
  it('is told when ours in its place is not set, and only then', () => {
    expect(
      unreadVariables({
        KUBERPULT_GIT_URL: './repository',
        KUBERPULT_RELEASE_VERSIONS_LIMIT: '5',
        KUBERPULT_GIT_BRANCH: 'main',
        SIGNALBOX_BRANCH: 'main',
        KUBERPULT_DB_OPTION: 'NO_DB',
        GIT_URL: 'x',
      }),
    ).toEqual([
      { name: 'KUBERPULT_GIT_URL', instead: 'SIGNALBOX_REPOSITORY' },
      { name: 'KUBERPULT_RELEASE_VERSIONS_LIMIT', instead: 'SIGNALBOX_RELEASE_VERSIONS_LIMIT' },
    ])
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
