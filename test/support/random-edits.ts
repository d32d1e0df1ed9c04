import fc from 'fast-check'
import type { Change } from '../../src/core/change.ts'
import { absent, deployment, environmentLock, file, link } from './changes.ts'

/** What may happen to a small repository between two looks at it. */
export type Step =
  /** Commands that are submitted at once. */
  | { readonly kind: 'commands'; readonly batch: readonly Change[][] }
  /** The same, while somebody else is faster. */
  | { readonly kind: 'commands that lose a race'; readonly batch: readonly Change[][]; readonly other: Change[] }
  /** The same, and the disk refuses to write. */
  | { readonly kind: 'commands that are not written'; readonly batch: readonly Change[][] }
  | { readonly kind: 'a foreign commit'; readonly other: Change[] }
  /** A foreign commit with the tree of one of the commits before. */
  | { readonly kind: 'a revert'; readonly to: number }
  /** A foreign commit, and one of the reads of the look that follows fails. */
  | { readonly kind: 'a failing read'; readonly other: Change[]; readonly read: number; readonly as: ReadFailure }

export type ReadFailure = 'missing' | 'unavailable'

const environments = ['dev', 'staging', 'live']
const applications = ['cart', 'web']
const versions = [1, 2, 3, 4]

/** Two environments, and two applications whose newer releases cover both. */
export const smallRepository: readonly Change[] = [
  file('environments/dev/config.json', '{"upstream":{"latest":true}}'),
  file('environments/staging/config.json', '{"upstream":{"environment":"dev"}}'),
  ...applications.flatMap((application) => [
    file(`applications/${application}/team`, 'sre'),
    ...[1, 2, 3].flatMap((version) => [
      manifest(application, version, 'dev'),
      manifest(application, version, 'staging'),
    ]),
    deployment('dev', application, 2),
    deployment('staging', application, 1),
  ]),
]

const environment = fc.constantFrom(...environments)
const application = fc.constantFrom(...applications)
const version = fc.constantFrom(...versions)
const place = fc.tuple(environment, application).map(([e, a]) => `environments/${e}/applications/${a}`)
const lockPlace = fc.oneof(
  environment.map((name) => `environments/${name}/locks`),
  environment.map((name) => `environments/${name}/teams/sre/locks`),
  place.map((path) => `${path}/locks`),
)
const release = fc.tuple(application, version).map(([name, number]) => `applications/${name}/releases/${number}`)

/** One of the texts of an environment's config, the last two of them broken. */
const configText = fc.constantFrom(
  '{"upstream":{"latest":true}}',
  '{"upstream":{"environment":"dev"},"environmentGroup":"all"}',
  '{}',
  '{"upstream":',
)

/** One thing that somebody does to the repository. */
export const edit: fc.Arbitrary<Change[]> = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(environment, application, version).map((where) => [deployment(...where)]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(place, application, version, fc.constantFrom('version', 'queued_version'))
      .map(([path, name, number, which]) => [
        link(`${path}/${which}`, `../../../../applications/${name}/releases/${number}`),
      ]),
  },
  { weight: 1, arbitrary: place.map((path) => [link(`${path}/version`, 'nowhere')]) },
  { weight: 1, arbitrary: place.map((path) => [absent(`${path}/version`)]) },
  { weight: 1, arbitrary: place.map((path) => [file(`${path}/manifests/manifests.yaml`, 'a: 1')]) },
  {
    weight: 2,
    arbitrary: fc.tuple(environment, fc.constantFrom('a', 'b')).map(([name, id]) => environmentLock(name, id)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        lockPlace,
        fc.constantFrom('message', 'created_at', 'expires_at'),
        fc.constantFrom('2026-01-01T00:00:00Z', 'x'),
      )
      .map(([path, name, text]) => [file(`${path}/a/${name}`, text)]),
  },
  { weight: 1, arbitrary: lockPlace.map((path) => [absent(`${path}/a`)]) },
  {
    weight: 3,
    arbitrary: fc.tuple(application, version, environment).map((where) => [manifest(...where)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(release, fc.constantFrom('is_prepublish', 'undeploy', 'source_message'))
      .map(([path, name]) => [file(`${path}/${name}`, '')]),
  },
  { weight: 2, arbitrary: release.map((path) => [absent(path)]) },
  { weight: 2, arbitrary: fc.tuple(environment, configText).map(([name, text]) => [config(name, text)]) },
  { weight: 1, arbitrary: environment.map((name) => [link(`environments/${name}/config.json`, '{}')]) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(application, fc.constantFrom('sre', 'shop'))
      .map(([name, team]) => [file(`applications/${name}/team`, team)]),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        fc.constantFrom('environments', 'applications', 'applications/cart', 'applications/web/releases'),
        environment.map((name) => `environments/${name}`),
        environment.map((name) => `environments/${name}/applications`),
        lockPlace,
        place,
        release,
        release.map((path) => `${path}/environments`),
      )
      .map((path) => [absent(path), file(path, 'a file where a directory belongs')]),
  },
  {
    weight: 1,
    arbitrary: fc
      .oneof(
        place.map((path) => `${path}/version`),
        application.map((name) => `applications/${name}/team`),
        environment.map((name) => `environments/${name}/config.json`),
      )
      .map((path) => [absent(path), file(`${path}/inside`, 'a directory where none belongs')]),
  },
  {
    weight: 2,
    arbitrary: fc
      .oneof(
        environment.map((name) => `environments/${name}`),
        application.map((name) => `applications/${name}`),
        place,
      )
      .map((path) => [absent(path)]),
  },
)

const batch = fc.array(edit, { minLength: 1, maxLength: 3 })

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('commands' as const), batch }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('commands that lose a race' as const), batch, other: edit }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('commands that are not written' as const), batch }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('a foreign commit' as const), other: edit }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('a revert' as const), to: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('a failing read' as const),
      other: edit,
      read: fc.nat(10),
      as: fc.constantFrom<ReadFailure>('missing', 'unavailable'),
    }),
  },
)

export const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 2, maxLength: 14, size: 'max' })

function manifest(name: string, number: number, environmentName: string): Change {
  const path = `applications/${name}/releases/${number}/environments/${environmentName}/manifests.yaml`
  return file(path, `kind: Deployment # ${name} ${number} in ${environmentName}\n`)
}

function config(name: string, text: string): Change {
  return file(`environments/${name}/config.json`, text)
}
