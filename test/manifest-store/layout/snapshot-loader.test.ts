import { describe, expect, it } from 'vitest'
import type { Application } from '../../../src/core/application.ts'
import { latestRelease } from '../../../src/core/application.ts'
import type { Environment, EnvironmentApplication } from '../../../src/core/environment.ts'
import type { ApplicationName, EnvironmentName } from '../../../src/core/names.ts'
import type { Readable } from '../../../src/core/readable.ts'
import type { Snapshot } from '../../../src/core/snapshot.ts'
import { deployedVersion } from '../../../src/core/snapshot.ts'
import { decodeName } from '../../../src/manifest-store/git/tree-name.ts'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { SnapshotLoader } from '../../../src/manifest-store/layout/snapshot-loader.ts'
import type { Files, OddEntry } from '../../support/object-shelf.ts'
import { emptyDirectory, executable, link, ObjectShelf, submodule } from '../../support/object-shelf.ts'

const commit = '1'.repeat(40)
const missing = (mode: string): OddEntry => ({ mode, content: 'd'.repeat(40) })
const notUtf8 = decodeName(Buffer.from([0x61, 0xff]))

/** Two environments and an application that is deployed in both. */
const shop: Files = {
  'environments/dev/config.json': '{"upstream":{"latest":true}}',
  'environments/staging/config.json': '{"upstream":{"environment":"dev"},"environmentGroup":"test"}',
  'environments/dev/applications/cart/version': link('../../../../applications/cart/releases/2'),
  'environments/staging/applications/cart/version': link('../../../../applications/cart/releases/1'),
  'applications/cart/team': 'payments',
  'applications/cart/releases/1/environments/dev/manifests.yaml': 'cart 1 for dev',
  'applications/cart/releases/1/environments/staging/manifests.yaml': 'cart 1 for staging',
  'applications/cart/releases/2/environments/dev/manifests.yaml': 'cart 2 for dev',
  'applications/cart/releases/2/environments/staging/manifests.yaml': 'cart 2 for staging',
}

describe('a repository', () => {
  it('may have none of the directories', async () => {
    expect(await load({})).toEqual(emptySnapshot)
    expect(await load({ 'README.md': 'hello', 'argocd/v1alpha1/dev.yaml': '' })).toEqual(emptySnapshot)
  })

  it('may have them empty', async () => {
    expect(await load({ environments: emptyDirectory, applications: emptyDirectory })).toEqual(emptySnapshot)
    expect(await load({ 'environments/.gitkeep': '', 'applications/.gitkeep': '' })).toEqual(emptySnapshot)
  })

  it.each(['environments', 'applications'])('is without %s when a file stands there, and says so', async (name) => {
    const snapshot = await load({ ...without(shop, name), [name]: 'a file' })
    expect(snapshot.problems).toEqual([`${name} must be a directory`])
    expect([snapshot.environments.size, snapshot.applications.size]).toEqual(name === 'environments' ? [0, 1] : [2, 0])
  })

  it.each(['environments', 'applications'])('is without %s when the tree is missing, and says so', async (name) => {
    const snapshot = await load({ ...without(shop, name), [name]: missing('40000') })
    expect(snapshot.problems).toEqual([`${name}: object ${'d'.repeat(40)} is missing`])
  })

  it('is not loaded at all without its root', async () => {
    await expect(createLoader(new ObjectShelf()).load(commit, 'e'.repeat(40))).rejects.toThrow('is missing')
  })

  it('is read whatever the names in it are', async () => {
    for (const name of [
      '__proto__',
      'constructor',
      'toString',
      '__defineGetter__',
      'hasOwnProperty',
      'a\nb',
      'ä \u{1f682}',
    ]) {
      const snapshot = await load({
        [`environments/${name}/config.json`]: '{"upstream":{"latest":true}}',
        [`environments/${name}/${name}`]: 'ignored',
        [`environments/${name}/locks/${name}/message`]: 'a lock',
        [`environments/${name}/locks/${name}/${name}`]: 'ignored',
        [`environments/${name}/teams/${name}/locks/${name}/message`]: 'a team lock',
        [`environments/${name}/applications/${name}/version`]: link(`../../../../applications/${name}/releases/1`),
        [`environments/${name}/applications/${name}/${name}`]: 'ignored',
        [`applications/${name}/${name}`]: 'ignored',
        [`applications/${name}/releases/${name}`]: 'ignored',
        [`applications/${name}/releases/1/${name}`]: 'ignored',
        [`applications/${name}/releases/1/environments/${name}/manifests.yaml`]: 'a: 1',
        [`${name}/x`]: 'ignored',
      })
      const environment = environmentOf(snapshot, name)
      expect([...snapshot.environments.keys()]).toEqual([name])
      expect(Object.keys(environment).toSorted()).toEqual(['applications', 'config', 'locks', 'name', 'teamLocks'])
      expect([...valueOf(environment.locks).keys()]).toEqual([name])
      expect([...valueOf(environment.teamLocks).keys()]).toEqual([name])
      const application = applicationOf(snapshot, name)
      expect(deployedVersion(environment, application)).toEqual({ ok: true, value: 1n })
      expect([...valueOf(application.releases.get(1n)).manifests.keys()]).toEqual([name])
      expect(snapshot.problems).toEqual([])
    }
  })
})

describe('a name that is not UTF-8', () => {
  it('is kept apart from all others, and nothing is decided about it', async () => {
    const names = [notUtf8, decodeName(Buffer.from([0x61, 0xfe])), 'a\ufffd']
    const files = names.flatMap((name) => [
      [`environments/${name}/locks/${name}/message`, ''],
      [`applications/${name}/releases/1/environments/${name}/manifests.yaml`, ''],
    ])
    const snapshot = await load(Object.fromEntries(files) as Files)
    expect(new Set(snapshot.environments.keys())).toEqual(new Set(names))
    expect(new Set(snapshot.applications.keys())).toEqual(new Set(names))
    for (const name of names) {
      const isText = name === 'a\ufffd'
      expect(environmentOf(snapshot, name).locks.ok).toBe(isText)
      expect(snapshot.applications.get(name as ApplicationName)?.ok).toBe(isText)
    }
  })
})

describe('an environment', () => {
  it('may consist of nothing but its name', async () => {
    const snapshot = await load({ 'environments/dev': emptyDirectory, 'environments/staging/.gitkeep': '' })
    for (const name of ['dev', 'staging']) {
      expect(environmentOf(snapshot, name)).toEqual({
        name,
        config: readable({ upstream: undefined, environmentGroup: undefined, argoCd: undefined }),
        locks: readable(new Map()),
        teamLocks: readable(new Map()),
        applications: readable(new Map()),
      })
    }
  })

  it('may have every directory empty', async () => {
    const snapshot = await load({
      'environments/dev/locks': emptyDirectory,
      'environments/dev/teams/payments': emptyDirectory,
      'environments/dev/applications/cart': emptyDirectory,
      'environments/dev/applications/web/locks/.gitkeep': '',
      'environments/dev/applications/web/manifests': emptyDirectory,
    })
    const { locks, teamLocks, applications } = environmentOf(snapshot, 'dev')
    expect(valueOf(locks).size).toBe(0)
    expect(valueOf(teamLocks)).toEqual(new Map([['payments', readable(new Map())]]))
    expect([...valueOf(applications)]).toEqual([
      ['cart', readable(emptyEntry)],
      ['web', readable(emptyEntry)],
    ])
  })

  it.each([
    ['a file', 'hello'],
    ['an executable file', executable('hello')],
    ['a link', link('staging')],
    ['a submodule', submodule],
  ])('is not what %s in its place would be: that is ignored, and told once', async (_, entry) => {
    const shelf = new ObjectShelf()
    const ignored: string[] = []
    const loader = createLoader(shelf, (path) => ignored.push(path))
    const files = { ...shop, 'environments/README.md': entry, 'environments/.gitkeep': '' }
    const first = await loadWith(loader, shelf, files)
    expect([...first.environments.keys()]).toEqual(['dev', 'staging'])
    await loadWith(loader, shelf, { ...files, 'environments/dev/locks/a/message': '' })
    await loadWith(loader, shelf, { ...files, 'environments/other.md': '' })
    expect(ignored).toEqual(['environments/README.md', 'environments/other.md'])
  })

  it.each(['locks', 'teams', 'applications'])(
    'has unreadable %s when a file stands there, and nothing else',
    async (name) => {
      const files = {
        ...shop,
        'environments/dev/locks/a/message': '',
        'environments/dev/teams/payments': emptyDirectory,
      }
      const snapshot = await load({
        ...without(files, `environments/dev/${name}`),
        [`environments/dev/${name}`]: 'file',
      })
      const part = name === 'teams' ? 'teamLocks' : name
      const { name: _, ...parts } = environmentOf(snapshot, 'dev')
      expect(Object.entries(parts).filter(([, value]) => !value.ok)).toEqual([
        [part, unreadable(`environments/dev/${name} must be a directory`)],
      ])
      expect(snapshot.problems).toEqual([])
    },
  )

  it.each([
    ['a directory', { 'environments/dev/config.json/x': '' }, 'environments/dev/config.json must be a file'],
    [
      'a link',
      { 'environments/dev/config.json': link('../config.json') },
      'environments/dev/config.json must be a file',
    ],
    ['a submodule', { 'environments/dev/config.json': submodule }, 'environments/dev/config.json must be a file'],
    [
      'missing',
      { 'environments/dev/config.json': missing('100644') },
      `environments/dev/config.json: object ${'d'.repeat(40)} is missing`,
    ],
    ['no JSON', { 'environments/dev/config.json': '{' }, /^environments\/dev\/config\.json is not JSON: /],
    ['empty', { 'environments/dev/config.json': '' }, /^environments\/dev\/config\.json is not JSON: /],
    [
      'not what it must be',
      { 'environments/dev/config.json': '{"upstream":[]}' },
      /^environments\/dev\/config\.json does not fit: upstream: /,
    ],
  ])('has an unreadable config when config.json is %s, and nothing else', async (_, files, reason) => {
    const snapshot = await load({ ...without(shop, 'environments/dev/config.json'), ...files })
    const { config, applications, locks, teamLocks } = environmentOf(snapshot, 'dev')
    expect(config).toMatchObject({ ok: false, reason: expect.stringMatching(reason) as string })
    expect([applications.ok, locks.ok, teamLocks.ok]).toEqual([true, true, true])
    expect(environmentOf(snapshot, 'staging').config.ok).toBe(true)
  })

  it('is unreadable in every part when its tree is missing, and leaves the others alone', async () => {
    const snapshot = await load({ ...without(shop, 'environments/dev'), 'environments/dev': missing('40000') })
    const reason = `environments/dev: object ${'d'.repeat(40)} is missing`
    const { name: _, ...parts } = environmentOf(snapshot, 'dev')
    expect(Object.values(parts)).toEqual([
      unreadable(reason),
      unreadable(reason),
      unreadable(reason),
      unreadable(reason),
    ])
    expect(environmentOf(snapshot, 'staging').config.ok).toBe(true)
  })

  it('may have an executable config.json', async () => {
    const snapshot = await load({ 'environments/dev/config.json': executable('{"environmentGroup":"a"}') })
    expect(valueOf(environmentOf(snapshot, 'dev').config).environmentGroup).toBe('a')
  })
})

describe('the version of an application in an environment', () => {
  it.each([
    ['the form that Kuberpult writes', '../../../../applications/cart/releases/2', 2n],
    ['a slash at its end', '../../../../applications/cart/releases/2/', 2n],
    ['superfluous segments', '.././../..//../applications/cart/releases/./2', 2n],
    ['the highest number', '../../../../applications/cart/releases/18446744073709551615', 18446744073709551615n],
  ])('is named by a link of %s', async (_, target, version) => {
    const snapshot = await load({ ...shop, 'environments/dev/applications/cart/version': link(target) })
    expect(entryOf(snapshot, 'dev', 'cart').version).toEqual(readable(version))
  })

  it.each([
    '',
    '../../../../applications/web/releases/2',
    '../../../applications/cart/releases/2',
    '/applications/cart/releases/2',
    '../../../../applications/cart/releases/two',
    '../../../../applications/cart/releases/02',
    '../../../../applications/cart/releases/18446744073709551616',
    '../../../../applications/cart/releases/-1',
    '../../../../applications/cart/releases',
    '../../../../applications/cart/releases/2/x',
    '../../../../applications/cart/releases/2\n',
  ])('cannot be read from a link to %j', async (target) => {
    const snapshot = await load({ ...shop, 'environments/dev/applications/cart/version': link(target) })
    expect(entryOf(snapshot, 'dev', 'cart')).toMatchObject({
      version: unreadable(
        `environments/dev/applications/cart/version must link to a release of that application, not to '${target}'`,
      ),
      queuedVersion: readable(undefined),
    })
    expect(entryOf(snapshot, 'staging', 'cart').version).toEqual(readable(1n))
  })

  it.each([
    ['a file', { 'environments/dev/applications/cart/version': '../../../../applications/cart/releases/2' }],
    ['a directory', { 'environments/dev/applications/cart/version/x': '' }],
    ['a submodule', { 'environments/dev/applications/cart/version': submodule }],
  ])('cannot be read from %s', async (_, files) => {
    const snapshot = await load({ ...without(shop, 'environments/dev/applications/cart/version'), ...files })
    expect(entryOf(snapshot, 'dev', 'cart').version).toEqual(
      unreadable('environments/dev/applications/cart/version must be a symbolic link'),
    )
  })

  it('that no release has is for deployedVersion to refuse, with the reason', async () => {
    const target = '../../../../applications/cart/releases/9'
    const snapshot = await load({ ...shop, 'environments/dev/applications/cart/version': link(target) })
    const cart = applicationOf(snapshot, 'cart')
    expect(entryOf(snapshot, 'dev', 'cart').version).toEqual(readable(9n))
    expect(deployedVersion(environmentOf(snapshot, 'dev'), cart)).toEqual(
      unreadable("the version link of application 'cart' in environment 'dev' names release 9, which does not exist"),
    )
    expect(deployedVersion(environmentOf(snapshot, 'staging'), cart)).toEqual(readable(1n))
  })

  it('is one thing, and the queued one another', async () => {
    const queued = 'environments/dev/applications/cart/queued_version'
    const releases = '../../../../applications/cart/releases'
    expect(entryOf(await load({ ...shop, [queued]: link(`${releases}/1`) }), 'dev', 'cart')).toMatchObject({
      version: readable(2n),
      queuedVersion: readable(1n),
    })
    expect(entryOf(await load({ ...shop, [queued]: link('x') }), 'dev', 'cart')).toMatchObject({
      version: readable(2n),
      queuedVersion: unreadable(`${queued} must link to a release of that application, not to 'x'`),
    })
    expect(entryOf(await load({ ...shop, [queued]: 'x' }), 'dev', 'cart')).toMatchObject({
      version: readable(2n),
      queuedVersion: unreadable(`${queued} must be a symbolic link`),
    })
  })

  it('may be absent although a manifest stands there', async () => {
    const directory = 'environments/dev/applications/cart'
    const bare = without(shop, `${directory}/version`)
    const hasManifestOnly = async (files: Files) =>
      entryOf(await load({ ...bare, ...files }), 'dev', 'cart').hasManifestOnly
    expect(await hasManifestOnly({ [`${directory}/manifests/manifests.yaml`]: 'a: 1' })).toBe(true)
    expect(
      await hasManifestOnly({ [`${directory}/manifests/manifests.yaml`]: '', [`${directory}/version`]: 'x' }),
    ).toBe(true)
    expect(await hasManifestOnly({ [`${directory}/manifests/other.yaml`]: 'a: 1' })).toBe(false)
    expect(await hasManifestOnly({ [`${directory}/deployed_by`]: 'Deployer' })).toBe(false)
    const version = link('../../../../applications/cart/releases/1')
    expect(
      await hasManifestOnly({ [`${directory}/manifests/manifests.yaml`]: '', [`${directory}/version`]: version }),
    ).toBe(false)
  })
})

describe('an application in an environment', () => {
  it.each([
    ['a file in its place', '', 'a file', 'must be a directory'],
    ['manifests that are a file', '/manifests', 'a file', 'must be a directory'],
    ['deployed_by that is a link', '/deployed_by', link('x'), 'must be a file'],
    ['deployed_at_utc that is a directory', '/deployed_at_utc/x', '', 'must be a file'],
  ])('is unreadable with %s, and its neighbours are not', async (_, path, content, what) => {
    const directory = 'environments/dev/applications/cart'
    const files = path === '' ? without(shop, directory) : shop
    const snapshot = await load({
      ...files,
      [`${directory}${path}`]: content,
      'environments/dev/applications/web': emptyDirectory,
    })
    const applications = valueOf(environmentOf(snapshot, 'dev').applications)
    expect(applications.get('cart' as ApplicationName)).toEqual(
      unreadable(`${directory}${path.replace('/x', '')} ${what}`),
    )
    expect(applications.get('web' as ApplicationName)).toEqual(readable(emptyEntry))
    expect(entryOf(snapshot, 'staging', 'cart').version).toEqual(readable(1n))
  })

  it('has unreadable locks beside a readable version', async () => {
    const snapshot = await load({ ...shop, 'environments/dev/applications/cart/locks/a': 'a file' })
    expect(entryOf(snapshot, 'dev', 'cart')).toMatchObject({
      version: readable(2n),
      locks: unreadable('environments/dev/applications/cart/locks/a must be a directory'),
    })
  })
})

describe('a lock', () => {
  const place = 'environments/dev/locks/freeze'

  it('is read with all that is known of it', async () => {
    expect(
      await loadLock({
        message: 'Wait for <Keeper> & \n\n Deployer',
        created_by_name: 'Keeper',
        created_by_email: 'keeper@example.com',
        created_at: '2024-07-01T12:00:00+02:00',
        ci_link: 'https://ci.example.com/1',
        suggested_lifetime: '2d',
        expires_at: '2024-07-03T00:00:00.5Z',
      }),
    ).toEqual({
      id: 'freeze',
      message: 'Wait for <Keeper> & \n\n Deployer',
      createdBy: { name: 'Keeper', email: 'keeper@example.com' },
      createdAt: new Date('2024-07-01T10:00:00Z'),
      ciLink: 'https://ci.example.com/1',
      suggestedLifetime: '2d',
      expiresAt: new Date('2024-07-03T00:00:00.500Z'),
    })
  })

  it('may consist of nothing but its id', async () => {
    const nothing = {
      id: 'freeze',
      message: '',
      createdBy: { name: '', email: '' },
      createdAt: undefined,
      ciLink: undefined,
      suggestedLifetime: undefined,
      expiresAt: undefined,
    }
    expect(await loadLock({ '.gitkeep': '' })).toEqual(nothing)
    expect(await loadLock({ unknown: 'x' })).toEqual(nothing)
    const snapshot = await load({ [place]: emptyDirectory })
    expect(valueOf(environmentOf(snapshot, 'dev').locks).get('freeze')).toEqual(nothing)
  })

  it('has its text as it stands there, and its times without the white space around', async () => {
    expect(
      await loadLock({
        message: ' Wait\n',
        created_by_name: 'Keeper\n',
        created_by_email: '\ufeffgrace@example.com\r\n',
        created_at: ' 2024-07-01T12:00:00Z\n',
        expires_at: '\t2024-07-03T00:00:00Z\r\n',
      }),
    ).toMatchObject({
      message: ' Wait\n',
      createdBy: { name: 'Keeper\n', email: '\ufeffgrace@example.com\r\n' },
      createdAt: new Date('2024-07-01T12:00:00Z'),
      expiresAt: new Date('2024-07-03T00:00:00Z'),
    })
  })

  it('may consist of executable files', async () => {
    expect(await loadLock({ message: executable('Wait') })).toMatchObject({ message: 'Wait' })
  })

  it.each([
    '',
    ' ',
    'yesterday',
    '1719835200',
    '2024-07-01',
    '2024-07-01 12:00:00 +0000 UTC',
    '2024-13-01T00:00:00Z',
    '2024-07-01T25:00:00Z',
    '2024-07-01T12:00:00',
    '+002024-07-01T12:00:00Z',
  ])('makes the locks of its place unreadable when it was made or ends at %j', async (text) => {
    for (const name of ['created_at', 'expires_at']) {
      const snapshot = await load({ ...shop, [`${place}/${name}`]: text, 'environments/dev/locks/other/message': '' })
      const { locks, config, applications } = environmentOf(snapshot, 'dev')
      expect(locks).toEqual(unreadable(`${place}/${name} is not a time in RFC 3339: '${text.trim()}'`))
      expect([config.ok, applications.ok]).toEqual([true, true])
    }
  })

  it.each([
    ['is a plain file', { [place]: 'the form before Kuberpult had metadata' }, `${place} must be a directory`],
    ['is a link', { [place]: link('other') }, `${place} must be a directory`],
    ['has a directory as message', { [`${place}/message/x`]: '' }, `${place}/message must be a file`],
    ['has a link as message', { [`${place}/message`]: link('x') }, `${place}/message must be a file`],
    ['misses its tree', { [place]: missing('40000') }, `environments/dev/locks: object ${'d'.repeat(40)} is missing`],
    [
      'misses its message',
      { [`${place}/message`]: missing('100644') },
      `environments/dev/locks: object ${'d'.repeat(40)} is missing`,
    ],
  ])('makes the locks of its place unreadable when it %s', async (_, files, reason) => {
    const snapshot = await load({ ...shop, ...files })
    expect(environmentOf(snapshot, 'dev').locks).toEqual(unreadable(reason))
    expect(environmentOf(snapshot, 'staging').locks.ok).toBe(true)
  })

  it('is in the order of the ids, whatever the order in the tree', async () => {
    const snapshot = await load({
      'environments/dev/locks/a/message': '',
      'environments/dev/locks/a-b/message': '',
      'environments/dev/locks/a.b/message': '',
      'environments/dev/locks/A/message': '',
    })
    expect([...valueOf(environmentOf(snapshot, 'dev').locks).keys()]).toEqual(['A', 'a', 'a-b', 'a.b'])
  })

  it('on a team concerns that team alone, also when it is broken', async () => {
    const snapshot = await load({
      'environments/dev/teams/payments/locks/freeze/message': 'Wait',
      'environments/dev/teams/payments/unknown': 'ignored',
      'environments/dev/teams/search/locks/freeze': 'a file',
      'environments/dev/teams/sre': 'a file',
      'environments/dev/teams/web': emptyDirectory,
    })
    const teams = valueOf(environmentOf(snapshot, 'dev').teamLocks)
    expect([...teams].map(([team, locks]) => [team, locks.ok ? [...locks.value.keys()] : locks.reason])).toEqual([
      ['payments', ['freeze']],
      ['search', 'environments/dev/teams/search/locks/freeze must be a directory'],
      ['sre', 'environments/dev/teams/sre must be a directory'],
      ['web', []],
    ])
  })

  it('is blamed in the same order, however long the reads take', async () => {
    const files = {
      'environments/dev/locks/a/expires_at': 'broken in a',
      'environments/dev/locks/a/message': 'much to read before that',
      'environments/dev/locks/b/message': link('broken in b'),
      'applications/cart/releases/1/environments/a/manifests.yaml/x': 'broken in a',
      'applications/cart/releases/1/environments/b': 'broken in b',
    }
    for (const slow of [
      'environments/dev/locks/a',
      'environments/dev/locks/b',
      'applications/cart/releases/1/environments/a',
    ]) {
      const shelf = new ObjectShelf()
      shelf.beforeRead = (path) => (path.startsWith(slow) ? new Promise((done) => setTimeout(done, 5)) : undefined)
      const snapshot = await loadWith(createLoader(shelf), shelf, files)
      expect(environmentOf(snapshot, 'dev').locks).toEqual(
        unreadable("environments/dev/locks/a/expires_at is not a time in RFC 3339: 'broken in a'"),
      )
      expect([...(valueOf(applicationOf(snapshot, 'cart').releases.get(1n)).brokenManifests ?? [])]).toEqual([
        ['a', 'applications/cart/releases/1/environments/a/manifests.yaml must be a file'],
        ['b', 'applications/cart/releases/1/environments/b must be a directory'],
      ])
    }
  })

  async function loadLock(files: Files) {
    const snapshot = await load(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`${place}/${name}`, text])),
    )
    return valueOf(environmentOf(snapshot, 'dev').locks).get('freeze')
  }
})

describe('an application', () => {
  it('may consist of nothing but its name', async () => {
    const snapshot = await load({ 'applications/cart': emptyDirectory, 'applications/web/.gitkeep': '' })
    for (const name of ['cart', 'web']) {
      expect(applicationOf(snapshot, name)).toEqual({
        name,
        team: readable(undefined),
        sourceRepoUrl: undefined,
        versions: [],
        releases: new Map(),
      })
    }
  })

  it('has a team and a source as they stand there', async () => {
    const snapshot = await load({
      'applications/cart/team': 'payments\n',
      'applications/cart/sourceRepoUrl': 'https://example.com/cart',
      'applications/web/team': '',
      'applications/shop/team': '\ufeffpayments',
    })
    expect(applicationOf(snapshot, 'cart')).toMatchObject({
      team: readable('payments\n'),
      sourceRepoUrl: 'https://example.com/cart',
    })
    expect(applicationOf(snapshot, 'web').team).toEqual(readable(undefined))
    expect(applicationOf(snapshot, 'shop').team).toEqual(readable('\ufeffpayments'))
  })

  it.each([
    ['a directory', { 'applications/cart/team/x': '' }, 'applications/cart/team must be a file'],
    ['a link', { 'applications/cart/team': link('x') }, 'applications/cart/team must be a file'],
    [
      'missing',
      { 'applications/cart/team': missing('100644') },
      `applications/cart/team: object ${'d'.repeat(40)} is missing`,
    ],
  ])('has an unreadable team when that is %s, and readable releases', async (_, files, reason) => {
    const snapshot = await load({ ...without(shop, 'applications/cart/team'), ...files })
    const cart = applicationOf(snapshot, 'cart')
    expect(cart.team).toEqual(unreadable(reason))
    expect(cart.releases.get(2n)?.ok).toBe(true)
  })

  it('does without a source that cannot be read: nothing is decided by it', async () => {
    const snapshot = await load({ ...shop, 'applications/cart/sourceRepoUrl/x': '' })
    expect(applicationOf(snapshot, 'cart')).toMatchObject({ sourceRepoUrl: undefined, team: readable('payments') })
  })

  it.each([
    ['a file', { 'applications/cart': 'file' }, 'applications/cart must be a directory'],
    ['a submodule', { 'applications/cart': submodule }, 'applications/cart must be a directory'],
    ['missing', { 'applications/cart': missing('40000') }, `applications/cart: object ${'d'.repeat(40)} is missing`],
    [
      'without a directory of releases',
      { 'applications/cart/releases': 'x' },
      'applications/cart/releases must be a directory',
    ],
  ])('is unreadable when it is %s, and its neighbours are not', async (_, files, reason) => {
    const snapshot = await load({
      ...without(shop, 'applications/cart'),
      ...files,
      'applications/web/releases/1': emptyDirectory,
    })
    expect(snapshot.applications.get('cart' as ApplicationName)).toEqual(unreadable(reason))
    expect(applicationOf(snapshot, 'web').versions).toEqual([1n])
    expect(environmentOf(snapshot, 'dev').config.ok).toBe(true)
  })
})

describe('a release', () => {
  const releases = 'applications/cart/releases'

  it('is a directory whose name is a version: all others are passed over', async () => {
    const names = [
      '0',
      '7',
      '10',
      '18446744073709551615',
      '18446744073709551616',
      '007',
      '-1',
      '+1',
      '1.0',
      'x',
      '1e3',
      ' 1',
    ]
    const files = Object.fromEntries(names.map((name) => [`${releases}/${name}`, emptyDirectory]))
    const cart = applicationOf(await load({ ...files, [`${releases}/README.md`]: 'hello' }), 'cart')
    expect(cart.versions).toEqual([0n, 7n, 10n, 18446744073709551615n])
  })

  it('has its manifests by environment, sorted, and its marks', async () => {
    const cart = applicationOf(
      await load({
        [`${releases}/1/environments/staging/manifests.yaml`]: 'for staging',
        [`${releases}/1/environments/a.b/manifests.yaml`]: executable('for a.b'),
        [`${releases}/1/environments/a/manifests.yaml`]: '',
        [`${releases}/1/environments/dev/other.yaml`]: 'ignored',
        [`${releases}/1/environments/live`]: emptyDirectory,
        [`${releases}/1/environments/.gitkeep`]: '',
        [`${releases}/2/is_prepublish`]: '',
        [`${releases}/3/undeploy`]: '',
        'environments/dev': emptyDirectory,
      }),
      'cart',
    )
    const release = (version: bigint) => valueOf(cart.releases.get(version))
    expect([...release(1n).manifests.keys()]).toEqual(['a', 'a.b', 'staging'])
    expect(release(1n).manifests.get('a' as EnvironmentName)).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391')
    expect(release(1n)).toMatchObject({ version: 1n, isPrepublish: false, isUndeploy: false })
    expect(release(2n)).toMatchObject({ manifests: new Map(), isPrepublish: true, isUndeploy: false })
    expect(release(3n)).toMatchObject({ isPrepublish: false, isUndeploy: true })
  })

  it.each([
    ['a file in its place', '', 'x', 'must be a directory'],
    ['a submodule in its place', '', submodule, 'must be a directory'],
    ['environments that are a file', '/environments', 'x', 'must be a directory'],
  ])('is unreadable with %s, and the others are not', async (_, path, content, what) => {
    const snapshot = await load({ ...without(shop, `${releases}/2`), [`${releases}/2${path}`]: content })
    const cart = applicationOf(snapshot, 'cart')
    expect(cart.releases.get(2n)).toEqual(unreadable(`${releases}/2${path.replace('/x', '')} ${what}`))
    expect(cart.releases.get(1n)?.ok).toBe(true)
    expect(cart.versions).toEqual([1n, 2n])
  })

  it.each([
    ['a file as an environment', '/dev', 'x', 'must be a directory'],
    ['a link as a manifest', '/dev/manifests.yaml', link('x'), 'must be a file'],
    ['a directory as a manifest', '/dev/manifests.yaml/x', 'x', 'must be a file'],
    ['a tree that is missing', '/dev', missing('40000'), `: object ${'d'.repeat(40)} is missing`],
  ])('is broken for one environment alone with %s', async (_, path, content, what) => {
    const environments = `${releases}/2/environments`
    const snapshot = await load({
      ...without(shop, `${releases}/2`),
      [`${environments}${path}`]: content,
      [`${environments}/staging/manifests.yaml`]: 'good',
      [`${environments}/README.md`]: 'a stray file',
    })
    const release = valueOf(applicationOf(snapshot, 'cart').releases.get(2n))
    expect([...release.manifests.keys()]).toEqual(['staging'])
    const separator = what.startsWith(':') ? '' : ' '
    expect(release.brokenManifests?.get('dev' as EnvironmentName)).toBe(
      `${environments}${path.replace('/x', '')}${separator}${what}`,
    )
  })

  it.each(['', '/environments'])('is unreadable when its tree%s is missing', async (path) => {
    const snapshot = await load({ ...without(shop, `${releases}/2`), [`${releases}/2${path}`]: missing('40000') })
    expect(applicationOf(snapshot, 'cart').releases.get(2n)).toEqual(
      unreadable(`${releases}/2: object ${'d'.repeat(40)} is missing`),
    )
  })

  it('is not looked into when a text is far too large: only its application is unreadable', async () => {
    const snapshot = await load({ ...shop, 'applications/cart/team': 'x'.repeat(1024 * 1024 + 1) })
    expect(applicationOf(snapshot, 'cart').team).toEqual(
      unreadable('applications/cart/team is larger than 1048576 bytes'),
    )
  })

  it('is read without its manifests: nobody knows whether they are there', async () => {
    const snapshot = await load({ ...shop, [`${releases}/2/environments/dev/manifests.yaml`]: missing('100644') })
    expect(applicationOf(snapshot, 'cart').releases.get(2n)?.ok).toBe(true)
  })

  it('is not read when newer ones cover every environment, unless it is deployed, queued or the latest', async () => {
    const shelf = new ObjectShelf()
    const files: Record<string, string | OddEntry> = {
      'environments/dev/applications/cart/version': link('../../../../applications/cart/releases/3'),
      'environments/staging/applications/cart/queued_version': link('../../../../applications/cart/releases/5'),
    }
    for (let version = 1; version <= 20; version += 1) {
      const environments = version === 20 ? [] : version === 19 ? ['dev'] : ['dev', 'staging']
      for (const name of environments)
        files[`${releases}/${version}/environments/${name}/manifests.yaml`] = `${version} ${name}`
    }
    for (const version of [18, 19, 20]) files[`${releases}/${version}/is_prepublish`] = ''
    const cart = applicationOf(await loadWith(createLoader(shelf), shelf, files), 'cart')
    expect([...cart.releases.keys()]).toEqual([20n, 19n, 18n, 17n, 5n, 3n])
    expect(latestRelease(cart)).toMatchObject({ value: { version: 17n } })
    expect(cart.versions).toHaveLength(20)
    const read = new Set(shelf.reads.flatMap((path) => /^applications\/cart\/releases\/(\d+)/.exec(path)?.[1] ?? []))
    expect([...read].toSorted()).toEqual(['17', '18', '19', '20', '3', '5'])
    expect(shelf.reads.filter((path) => path.endsWith('manifests.yaml'))).toEqual([])
  })
})

describe('a later load', () => {
  it('reads only the trees and files that one more lock has changed', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    await loadWith(loader, shelf, { ...shop, 'environments/dev/locks/a/message': 'a' })
    shelf.reads = []
    const files = { ...shop, 'environments/dev/locks/a/message': 'a', 'environments/staging/locks/b/message': 'b' }
    await loadWith(loader, shelf, files)
    expect(shelf.reads).toEqual([
      '',
      'environments',
      'environments/staging',
      'environments/staging/locks',
      'environments/staging/locks/b',
      'environments/staging/locks/b/message',
    ])
  })

  it('reads one application when one was deployed', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    const many = Object.fromEntries(
      Array.from({ length: 50 }, (_, index) => [
        `environments/dev/applications/other-${index}/version`,
        link(`../../../../applications/other-${index}/releases/1`),
      ]),
    )
    await loadWith(loader, shelf, { ...shop, ...many })
    shelf.reads = []
    await loadWith(loader, shelf, {
      ...shop,
      ...many,
      'environments/dev/applications/cart/version': link('../../../../applications/cart/releases/1'),
      'environments/dev/applications/cart/deployed_by': 'Deployer',
    })
    expect(shelf.reads).toEqual([
      '',
      'environments',
      'environments/dev',
      'environments/dev/applications',
      'environments/dev/applications/cart',
      // The link has the text of that one.
      'environments/staging/applications/cart/version',
    ])
  })

  it('reads the new release, and none of the old ones', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    await loadWith(loader, shelf, shop)
    shelf.reads = []
    await loadWith(loader, shelf, { ...shop, 'applications/cart/releases/3/environments/dev/manifests.yaml': '3' })
    expect(shelf.reads).toEqual([
      '',
      'applications',
      'applications/cart',
      'applications/cart/releases',
      'applications/cart/team',
      'applications/cart/releases/3',
      'applications/cart/releases/3/environments',
      'applications/cart/releases/3/environments/dev',
    ])
  })

  it('reads an old release as soon as a link names it', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    const files = without(shop, 'environments/staging/applications/cart')
    expect([...applicationOf(await loadWith(loader, shelf, files), 'cart').releases.keys()]).toEqual([2n])
    expect([...applicationOf(await loadWith(loader, shelf, shop), 'cart').releases.keys()]).toEqual([2n, 1n])
  })

  it('reads older releases when an environment is added that the newer ones do not cover', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    const files = {
      ...without(shop, 'environments/staging'),
      'applications/cart/releases/1/environments/live/manifests.yaml': '',
    }
    expect([...applicationOf(await loadWith(loader, shelf, files), 'cart').releases.keys()]).toEqual([2n])
    const later = await loadWith(loader, shelf, { ...files, 'environments/live': emptyDirectory })
    expect([...applicationOf(later, 'cart').releases.keys()]).toEqual([2n, 1n])
    await loadWith(loader, shelf, files)
    const renamed = await loadWith(loader, shelf, {
      ...without(files, 'environments/dev'),
      'environments/live': emptyDirectory,
    })
    expect([...applicationOf(renamed, 'cart').releases.keys()]).toEqual([2n, 1n])
  })

  it('knows the deployed releases also when a broken directory was in the way for a while', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    await loadWith(loader, shelf, shop)
    const broken = {
      ...without(shop, 'environments/staging/applications'),
      'environments/staging/applications': 'a file',
    }
    const other = { 'applications/cart/team': 'another' }
    await loadWith(loader, shelf, { ...broken, ...other })
    const cart = applicationOf(await loadWith(loader, shelf, { ...shop, ...other }), 'cart')
    expect([...cart.releases.keys()]).toEqual([2n, 1n])
  })

  it('notices that a file became a link, or a directory a submodule, of the same id', async () => {
    const shelf = new ObjectShelf()
    const loader = createLoader(shelf)
    const text = '{"environmentGroup":"x"}'
    const id = shelf.place(shop).get('applications/cart') ?? ''
    await loadWith(loader, shelf, { ...shop, 'environments/dev/config.json': text })
    const later = await loadWith(loader, shelf, {
      ...without(shop, 'applications/cart'),
      'environments/dev/config.json': link(text),
      'applications/cart': { mode: '160000', content: id },
    })
    expect(environmentOf(later, 'dev').config).toEqual(unreadable('environments/dev/config.json must be a file'))
    expect(later.applications.get('cart' as ApplicationName)).toEqual(
      unreadable('applications/cart must be a directory'),
    )
  })
})

describe('a missing object', () => {
  it.each([
    'environments',
    'environments/dev',
    'environments/dev/config.json',
    'environments/dev/applications',
    'environments/dev/applications/cart',
    'environments/dev/applications/cart/version',
    'environments/dev/applications/cart/locks/a/message',
    'environments/dev/locks/a',
    'environments/dev/teams/payments/locks',
    'applications',
    'applications/cart',
    'applications/cart/team',
    'applications/cart/releases',
    'applications/cart/releases/2',
    'applications/cart/releases/2/environments/staging',
  ])('%s is unreadable now, and readable when it is back', async (path) => {
    const shelf = new ObjectShelf()
    const files = {
      ...shop,
      'environments/dev/locks/a/message': 'a',
      'environments/dev/applications/cart/locks/a/message': 'b',
      'environments/dev/teams/payments/locks/a/message': 'c',
    }
    const expected = await load(files)
    const ids = shelf.place(files)
    const root = ids.get('') ?? ''
    const id = ids.get(path) ?? ''
    const loader = createLoader(shelf)

    shelf.remove(id)
    const broken = await loader.load(commit, root)
    expect(broken.isComplete).toBe(false)
    expect(reasonsIn(broken.snapshot)).not.toEqual([])
    for (const reason of reasonsIn(broken.snapshot)) {
      expect(reason).toContain(`: object ${id} is missing`)
      expect(path.startsWith(reason.slice(0, reason.indexOf(':')))).toBe(true)
    }
    expect(await loader.load(commit, root)).toEqual(broken)

    shelf.putBack(id)
    const whole = await loader.load(commit, root)
    expect(whole.isComplete).toBe(true)
    expect(whole.snapshot).toEqual(expected)
    expect((await loader.load(commit, root)).snapshot.environments.get('dev' as EnvironmentName)).toBe(
      whole.snapshot.environments.get('dev' as EnvironmentName),
    )
  })

  it('is not confused with a disk that fails: then nothing is loaded, and the next load is whole', async () => {
    for (let failing = 1; failing < 25; failing += 1) {
      const shelf = new ObjectShelf()
      const root = shelf.place(shop).get('') ?? ''
      const loader = createLoader(shelf)
      let count = 0
      shelf.beforeRead = () => {
        count += 1
        if (count === failing) throw new Error('EIO')
      }
      await expect(loader.load(commit, root)).rejects.toThrow('EIO')
      expect((await loader.load(commit, root)).snapshot).toEqual(await load(shop))
    }
  })

  it('is no reason to read on when the disk fails', async () => {
    const shelf = new ObjectShelf()
    const files = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`environments/e${i}/config.json`, `{"a":${i}}`]),
    )
    const root = shelf.place(files).get('') ?? ''
    shelf.beforeRead = (path) => {
      if (path === 'environments/e0') throw new Error('EIO')
    }
    await expect(createLoader(shelf).load(commit, root)).rejects.toThrow('EIO')
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(shelf.reads.length).toBeLessThan(100)
  })

  it('of another kind than the tree says is as good as missing', async () => {
    const shelf = new ObjectShelf()
    const ids = shelf.place({ ...shop, x: 'a file' })
    const tree = shelf.place({
      ...without(shop, 'environments/dev'),
      'environments/dev': { mode: '40000', content: ids.get('x') ?? '' },
    })
    const { snapshot } = await createLoader(shelf).load(commit, tree.get(''))
    expect(environmentOf(snapshot, 'dev').config).toEqual(
      unreadable(`environments/dev: object ${ids.get('x')} is a blob, but a tree belongs there`),
    )
  })
})

const emptySnapshot = { commit, environments: new Map(), applications: new Map(), problems: [] }

const emptyEntry: EnvironmentApplication = {
  version: { ok: true, value: undefined },
  queuedVersion: { ok: true, value: undefined },
  locks: { ok: true, value: new Map() },
  hasManifestOnly: false,
}

function createLoader(shelf: ObjectShelf, onIgnored: (path: string) => void = () => {}): SnapshotLoader {
  return new SnapshotLoader(new ObjectCache(shelf), onIgnored)
}

async function loadWith(loader: SnapshotLoader, shelf: ObjectShelf, files: Files): Promise<Snapshot> {
  return (await loader.load(commit, shelf.place(files).get(''))).snapshot
}

async function load(files: Files): Promise<Snapshot> {
  const shelf = new ObjectShelf()
  return loadWith(createLoader(shelf), shelf, files)
}

/** The files without those at or below a path. */
function without(files: Files, path: string): Files {
  return Object.fromEntries(Object.entries(files).filter(([each]) => each !== path && !each.startsWith(`${path}/`)))
}

function readable<T>(value: T): Readable<T> {
  return { ok: true, value }
}

function unreadable(reason: string): Readable<never> {
  return { ok: false, reason }
}

function valueOf<T>(piece: Readable<T> | undefined): T {
  if (piece === undefined) throw new Error('it is not there')
  if (!piece.ok) throw new Error(piece.reason)
  return piece.value
}

function environmentOf(snapshot: Snapshot, name: string): Environment {
  const environment = snapshot.environments.get(name as EnvironmentName)
  if (environment === undefined) throw new Error(`there is no environment ${name}`)
  return environment
}

function applicationOf(snapshot: Snapshot, name: string): Application {
  return valueOf(snapshot.applications.get(name as ApplicationName))
}

function entryOf(snapshot: Snapshot, environment: string, application: string): EnvironmentApplication {
  return valueOf(valueOf(environmentOf(snapshot, environment).applications).get(application as ApplicationName))
}

/** Every reason why something cannot be read, wherever it stands. */
function reasonsIn(value: unknown): readonly string[] {
  if (value instanceof Map) return [...value.values()].flatMap(reasonsIn)
  if (Array.isArray(value)) return value.flatMap((item) => (typeof item === 'string' ? [item] : reasonsIn(item)))
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  if ('reason' in value) return [String(value.reason)]
  return Object.entries(value).flatMap(([key, item]) => {
    if (key === 'brokenManifests') return [...(item as ReadonlyMap<string, string>).values()]
    return key === 'versions' ? [] : reasonsIn(item)
  })
}
