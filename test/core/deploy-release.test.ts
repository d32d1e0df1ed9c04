import { describe, expect, it } from 'vitest'
import type { DeploymentRequest } from '../../src/core/deploy-release.ts'
import { deployRelease } from '../../src/core/deploy-release.ts'
import { unreadable } from '../../src/core/readable.ts'
import { blobId, decide, filesOf, problemOf } from '../support/decide.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot } from '../support/snapshot-builder.ts'
import { aPrincipal } from '../support/test-server.ts'
import { testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

const shop = aSnapshot()
  .environment('staging')
  .application('cart', { team: 'storefront', releases: { 1: ['staging'], 2: ['staging'], 3: [] } })
  .deployed('staging', 'cart', 2)

const freeze = aLock('freeze')
const files = {
  'applications/cart/releases/1/environments/staging/manifests.yaml': 'one',
  'applications/cart/releases/2/environments/staging/manifests.yaml': 'two',
}

function deploy(different: Partial<DeploymentRequest> = {}, snapshot: SnapshotBuilder = shop) {
  const request = { environment: 'staging', application: 'cart', version: 1n, lockBehavior: 'IGNORE' as const }
  return [
    deployRelease({ ...request, settings: writeSettings(), ...different }),
    { snapshot: snapshot.build(), files },
  ] as const
}

describe('a deployment by hand', () => {
  it('may go back', () => {
    const decision = decide(...deploy())
    expect(decision.result).toEqual({ outcome: 'deployed', from: 2n, locks: [], removed: [] })
    const directory = 'environments/staging/applications/cart'
    expect(filesOf(decision)).toEqual({
      [`${directory}/version`]: '-> ../../../../applications/cart/releases/1',
      [`${directory}/manifests/manifests.yaml`]: blobId('one'),
      [`${directory}/deployed_by`]: 'Keeper',
      [`${directory}/deployed_by_email`]: 'keeper@example.com',
      [`${directory}/deployed_at_utc`]: expect.stringMatching(/ UTC$/),
      [`${directory}/queued_version`]: null,
    })
    expect(decision.text.subject).toBe('Deploy cart 1 to staging (was 2)')
  })

  it('of what is deployed keeps who and when, and forgets what waits', () => {
    expect(Object.keys(filesOf(decide(...deploy({ version: 2n }))))).toEqual([
      'environments/staging/applications/cart/version',
      'environments/staging/applications/cart/manifests/manifests.yaml',
      'environments/staging/applications/cart/queued_version',
    ])
  })

  it.each([
    ['of an unknown environment', { environment: 'x' }, 'UNKNOWN_ENVIRONMENT'],
    ['of an unknown application', { application: 'x' }, 'UNKNOWN_APPLICATION'],
    ['of an unknown release', { version: 9n }, 'UNKNOWN_RELEASE'],
    ['without a manifest for the environment', { version: 3n }, 'MANIFEST_MISSING'],
  ])('%s is refused', (_name, different, code) => {
    expect(problemOf(...deploy(different))).toMatchObject({ code })
  })

  it('needs the permission', () => {
    const [command, situation] = deploy()
    const principal = aPrincipal({ denied: ['DeployRelease staging'] })
    expect(problemOf(command, { ...situation, principal })).toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('repairs what cannot be read', () => {
    const broken = aSnapshot()
      .environment('staging')
      .application('cart', { releases: { 1: ['staging'] } })
      .deployed('staging', 'cart', unreadable('the link is broken'))
    expect(decide(...deploy({}, broken)).result).toEqual({
      outcome: 'deployed',
      from: undefined,
      locks: [],
      removed: [],
    })
  })
})

describe('a deployment by hand behind locks', () => {
  const locked = aSnapshot()
    .environment('staging', { locks: [freeze], teamLocks: { storefront: [aLock('b'), aLock('a')], other: [freeze] } })
    .application('cart', { team: 'storefront', releases: { 1: ['staging'], 2: ['staging'] } })
    .deployed('staging', 'cart', 2)
    .applicationLock('staging', 'cart', freeze, aLock('over', { expiresAt: testTime }))

  const names = [
    { kind: 'environment', name: undefined, lock: { id: 'freeze' } },
    { kind: 'application', name: 'cart', lock: { id: 'freeze' } },
    { kind: 'team', name: 'storefront', lock: { id: 'a' } },
    { kind: 'team', name: 'storefront', lock: { id: 'b' } },
  ]

  it('goes past them, and says so', () => {
    const { result, text } = decide(...deploy({ lockBehavior: 'IGNORE' }, locked))
    expect(result).toMatchObject({ outcome: 'deployed', locks: names })
    expect(text.sections[0]).toEqual({
      heading: 'Past locks',
      lines: ['environment lock freeze', 'application lock freeze', 'team lock a', 'team lock b'],
    })
  })

  it('waits for them when told to', () => {
    const decision = decide(...deploy({ lockBehavior: 'RECORD' }, locked))
    expect(decision.result).toMatchObject({ outcome: 'queued', from: 2n, locks: names })
    expect(filesOf(decision)).toEqual({
      'environments/staging/applications/cart/queued_version': '-> ../../../../applications/cart/releases/1',
    })
  })

  it('waits once: what is queued already is not recorded again', () => {
    const queued = locked.queued('staging', 'cart', 1)
    const commit = '0123456789abcdef0123456789abcdef01234567'
    const settings = writeSettings({ writesCommitData: true })
    const [command, situation] = deploy({ lockBehavior: 'RECORD', settings }, queued)
    const more = { ...situation.files, 'applications/cart/releases/1/source_commit_id': commit }
    expect(decide(command, { ...situation, files: more })).toMatchObject({ changes: [], result: { outcome: 'queued' } })
    const [again, unqueued] = deploy({ lockBehavior: 'RECORD', settings }, locked)
    expect(decide(again, { ...unqueued, files: more }).changes.length).toBeGreaterThan(1)
  })

  it('fails when told to, with the locks', () => {
    expect(problemOf(...deploy({ lockBehavior: 'FAIL' }, locked))).toMatchObject({ code: 'LOCKED', locks: names })
  })

  it.each(['RECORD', 'FAIL'] as const)('that nobody can read is refused with %s, and not without', (lockBehavior) => {
    const broken = aSnapshot()
      .environment('staging', { unreadable: { locks: 'locks is a file' } })
      .application('cart', { releases: { 1: ['staging'] } })
    expect(problemOf(...deploy({ lockBehavior }, broken))).toMatchObject({ code: 'ENVIRONMENT_UNREADABLE' })
    expect(decide(...deploy({}, broken)).result.outcome).toBe('deployed')
  })

  it.each(['RECORD', 'FAIL'] as const)('with %s is deployed where there are none', (lockBehavior) => {
    expect(decide(...deploy({ lockBehavior })).result.outcome).toBe('deployed')
  })
})
