import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { PolicyFilesOptions } from '../../src/auth/policy-files.ts'
import { PolicyFiles } from '../../src/auth/policy-files.ts'
import { PolicyFilesError } from '../../src/auth/policy-files-error.ts'
import { createTemporaryFolder } from '../support/real-git.ts'

const good = 'p, role:Developer, CreateLock, *:*, *, allow\ng, team, role:Developer\n'
const better = `${good}p, role:Releaser, DeployReleaseTrain, *:*, *, allow\n`
const trust = `issuers:
  - issuer: https://ci.example.com
    audience: signalbox
    rules:
      - claims: { repository: example/shop }
        roles: [Developer]
`

interface OpenOptions {
  readonly interval?: number
  /** Happens between two looks; `wait` counts from 1. */
  readonly whileWaiting?: (wait: number, path: (name: string) => string, opened?: PolicyFiles) => unknown
}

async function openFiles(
  files: Readonly<Record<'policy' | 'teams' | 'trust', string | undefined>>,
  { interval = 3_600_000, whileWaiting = () => undefined }: OpenOptions = {},
) {
  const folder = createTemporaryFolder()
  const path = (name: string) => join(folder, name)
  const logged: string[] = []
  const write = (level: string) => (details: object, message: string) =>
    void logged.push(`${level}: ${message} ${JSON.stringify(details)}`)
  for (const [name, text] of Object.entries(files)) if (text !== undefined) await writeFile(path(name), text)
  let waits = 0
  let current: PolicyFiles | undefined
  const optional = (name: 'teams' | 'trust') => (files[name] === undefined ? undefined : path(name))
  const options: PolicyFilesOptions = {
    policy: path('policy'),
    teams: optional('teams'),
    trust: optional('trust'),
    primaryIssuer: 'https://dex.example.com',
    allowsHttp: false,
    log: { info: write('info'), warn: write('warn'), error: write('error') },
    interval,
    wait: async () => void (await whileWaiting((waits += 1), path, current)),
  }
  const opened = await PolicyFiles.open(options)
  current = opened
  onTestFinished(() => opened.close())
  return { opened, folder, path, logged }
}

describe('the policy files', () => {
  it('say who may do what, and whom to trust', async () => {
    const { opened, logged } = await openFiles({ policy: good, teams: 'shop,a@example.com', trust })
    const { policy, teams, primaryIssuer, ci, ciIssuers } = opened.access
    expect(policy.roles.get('team')).toEqual(['Developer'])
    expect([...(teams?.get('a@example.com') ?? [])]).toEqual(['shop'])
    expect([primaryIssuer, [...ci.keys()], ciIssuers.map(({ audiences }) => audiences)]).toEqual([
      'https://dex.example.com',
      ['https://ci.example.com'],
      [['signalbox']],
    ])
    expect(logged).toEqual([])
  })

  it('are refused at the start with all problems and their places', async () => {
    const error: unknown = await openFiles({
      policy: `${good}p, role:x\n`,
      teams: 'shop, a@example.com\n',
      trust: trust.replace('signalbox', "''"),
    }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PolicyFilesError)
    expect((error as PolicyFilesError).problems).toEqual([
      expect.stringMatching(/policy:3: it has 2 fields and needs 6/),
      expect.stringMatching(/teams:1: it needs e-mail addresses/),
      expect.stringMatching(/trust:3: issuers\[0\].audience/),
    ])
  })

  it('are refused with the name of their variable where they cannot be read', async () => {
    const folder = createTemporaryFolder()
    await writeFile(join(folder, 'teams'), Buffer.from([0xff, 0xfe]))
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const attempt = PolicyFiles.open({
      policy: join(folder, 'nowhere'),
      teams: join(folder, 'teams'),
      trust: folder,
      primaryIssuer: 'https://dex.example.com',
      allowsHttp: false,
      log,
    })
    await expect(attempt).rejects.toMatchObject({
      problems: [
        expect.stringMatching(/^SIGNALBOX_RBAC_POLICY is .*nowhere: it cannot be read: ENOENT/),
        expect.stringMatching(/^SIGNALBOX_RBAC_TEAMS is .*teams: it is not UTF-8$/),
        expect.stringMatching(/^SIGNALBOX_OIDC_TRUST is .*: it cannot be read: EISDIR/),
      ],
    })
  })

  it('warn of what is allowed to nobody', async () => {
    const { logged } = await openFiles({
      policy: `${good}p, role:b, CreateLock, *:*, *, deny`,
      teams: undefined,
      trust: trust.replace('[Developer]', '[Typo]'),
    })
    expect(logged).toEqual([
      expect.stringMatching(/^warn: .*policy:3: it allows nothing/),
      expect.stringMatching(/^warn: .*trust: the policy allows the role "Typo" nothing/),
    ])
  })
})

describe('a changed policy file', () => {
  it('is taken over', async () => {
    const { opened, path, logged } = await openFiles({ policy: good, teams: undefined, trust: undefined })
    const before = opened.access
    await opened.lookAgain()
    expect(opened.access).toBe(before)
    await writeFile(path('policy'), better)
    await opened.lookAgain()
    expect(opened.access).not.toBe(before)
    expect([...opened.access.policy.permissions.keys()]).toEqual(['Developer', 'Releaser'])
    expect(logged).toEqual([expect.stringMatching(/^info: took over/)])
  })

  it('is looked for by itself', async () => {
    const { opened, path } = await openFiles({ policy: good, teams: undefined, trust: undefined }, { interval: 10 })
    await writeFile(path('policy'), better)
    await expect.poll(() => [...opened.access.policy.permissions.keys()]).toEqual(['Developer', 'Releaser'])
  })

  it('that is bad, or gone, changes nothing but is reported until it is good', async () => {
    const { opened, path, logged } = await openFiles({ policy: good, teams: undefined, trust })
    const before = opened.access
    await writeFile(path('policy'), `${better}p, nonsense`)
    await opened.lookAgain()
    await opened.lookAgain()
    expect(opened.access).toBe(before)
    expect(opened.problems()).toEqual([expect.stringMatching(/policy:4: it has 2 fields/)])
    expect(logged).toHaveLength(1)
    expect(logged[0]).toMatch(/^error: .*policy:4/)

    await rm(path('trust'))
    await opened.lookAgain()
    expect(opened.problems()).toHaveLength(2)
    expect(opened.access).toBe(before)

    await writeFile(path('trust'), trust)
    await writeFile(path('policy'), better)
    await opened.lookAgain()
    expect(opened.problems()).toEqual([])
    expect([...opened.access.policy.permissions.keys()]).toEqual(['Developer', 'Releaser'])
  })

  it('that is what it was before is no problem any more', async () => {
    const { opened, path } = await openFiles({ policy: good, teams: undefined, trust: undefined })
    await writeFile(path('policy'), '')
    await opened.lookAgain()
    expect(opened.problems()).toEqual([expect.stringMatching(/policy: it allows nobody anything/)])
    await writeFile(path('policy'), good)
    await opened.lookAgain()
    expect(opened.problems()).toEqual([])
  })

  it('may be behind links that move, as in Kubernetes', async () => {
    const folder = createTemporaryFolder()
    const path = (name: string) => join(folder, name)
    for (const [version, text] of [
      ['v1', good],
      ['v2', better],
    ] as const) {
      await mkdir(path(version))
      await writeFile(join(path(version), 'policy'), text)
    }
    await symlink('v1', path('data'))
    await symlink('data/policy', path('policy'))
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    const files = { policy: path('policy'), teams: undefined, trust: undefined }
    const opened = await PolicyFiles.open({ ...files, primaryIssuer: 'https://x.example.com', allowsHttp: false, log })
    onTestFinished(() => opened.close())
    await symlink('v2', path('next'))
    await rename(path('next'), path('data'))
    await opened.lookAgain()
    expect([...opened.access.policy.permissions.keys()]).toEqual(['Developer', 'Releaser'])
  })
})

describe('a policy file that is being written', () => {
  // Cut off in the middle, the last line gives another role.
  const whole = `${good}p, role:Dev, DeployRelease, *:*, *, allow\ng, guests, role:Developer\n`
  const cut = whole.slice(0, whole.lastIndexOf('eloper'))
  const guestRoles = (opened: PolicyFiles) => opened.access.policy.roles.get('guests')

  it('is waited for at the start', async () => {
    const { opened } = await openFiles(
      { policy: cut, teams: undefined, trust: undefined },
      { whileWaiting: (wait, path) => wait === 1 && writeFile(path('policy'), whole) },
    )
    expect(guestRoles(opened)).toEqual(['Developer'])
  })

  it('is not taken over before it is whole', async () => {
    const seen: unknown[] = []
    const { opened, path, logged } = await openFiles(
      { policy: good, teams: undefined, trust: undefined },
      {
        whileWaiting: async (wait, inFolder, current) => {
          if (current === undefined) return
          seen.push(guestRoles(current))
          if (wait === 2) await writeFile(inFolder('policy'), whole)
        },
      },
    )
    await writeFile(path('policy'), cut)
    await opened.lookAgain()
    expect(seen).toEqual([undefined, undefined])
    expect(guestRoles(opened)).toEqual(['Developer'])
    expect(logged).toEqual([expect.stringMatching(/^info: took over/)])
  })

  it('is taken over together with the other that changes at the same time', async () => {
    const seen: unknown[] = []
    const { opened, path, logged } = await openFiles(
      { policy: good, teams: 'shop,a@example.com', trust: undefined },
      {
        whileWaiting: async (wait, inFolder, current) => {
          if (current === undefined) return
          seen.push([current.access.policy.permissions.size, current.access.teams?.size])
          if (wait === 2) await writeFile(inFolder('teams'), 'shop,a@example.com b@example.com')
        },
      },
    )
    await writeFile(path('policy'), better)
    await opened.lookAgain()
    expect(seen).toEqual([
      [1, 1],
      [1, 1],
    ])
    expect([opened.access.policy.permissions.size, opened.access.teams?.size]).toEqual([2, 2])
    expect(logged).toHaveLength(1)
  })

  it('counts as another one when it was replaced, whatever stands in it', async () => {
    let waits = 0
    await openFiles(
      { policy: good, teams: undefined, trust: undefined },
      {
        whileWaiting: async (wait, path) => {
          waits = wait
          if (wait > 1) return
          await writeFile(path('next'), good)
          await rename(path('next'), path('policy'))
        },
      },
    )
    expect(waits).toBe(2)
  })

  it('is refused at the start when it never comes to rest, and reported later', async () => {
    const restless = (wait: number, path: (name: string) => string) =>
      writeFile(path('policy'), `${good}${'#'.repeat(wait)}`)
    await expect(
      openFiles({ policy: good, teams: undefined, trust: undefined }, { whileWaiting: restless }),
    ).rejects.toMatchObject({ problems: [expect.stringMatching(/keep changing/)] })

    let isRestless = true
    const { opened, path, logged } = await openFiles(
      { policy: good, teams: undefined, trust: undefined },
      { whileWaiting: (wait, inFolder, current) => current && isRestless && restless(wait, inFolder) },
    )
    const before = opened.access
    await writeFile(path('policy'), better)
    await opened.lookAgain()
    await opened.lookAgain()
    expect(opened.access).toBe(before)
    expect(opened.problems()).toEqual([expect.stringMatching(/keep changing/)])
    expect(logged).toEqual([expect.stringMatching(/^error: .*keep changing/)])
    isRestless = false
    await opened.lookAgain()
    expect(opened.problems()).toEqual([])
  })
})
