import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { git, initRepository, timeGit } from './git.ts'
import type { RepositorySize } from './manifest-repository.ts'
import {
  allEnvironments,
  applicationName,
  applicationNames,
  deployedVersion,
  targetEnvironments,
  targetGroup,
  teamOf,
  upstreamEnvironment,
} from './manifest-repository.ts'

/** Makes a repository of this size in Kuberpult's layout, packed as `git gc` would leave it. */
export async function generateRepository(gitDirectory: string, size: RepositorySize): Promise<void> {
  initRepository(gitDirectory)
  await timeGit(
    gitDirectory,
    ['-c', 'fastimport.unpackLimit=0', 'fast-import', '--quiet', '--done'],
    Readable.from(inPortions(toStream(size))),
    { isNice: true },
  )
  await timeGit(gitDirectory, ['repack', '-a', '-d', '-q'], '', { isNice: true })
  git(gitDirectory, ['pack-refs', '--all'])
}

function* toStream(size: RepositorySize): Generator<string> {
  yield commit(0, 'Everything that there is')
  for (const environment of allEnvironments(size)) {
    yield file(`environments/${environment}/config.json`, configOf(size, environment))
    for (const [index, application] of applicationNames(size).entries()) {
      yield* deployment(environment, application, deployedVersion(size, environment, index))
    }
  }
  for (const [index, application] of applicationNames(size).entries()) {
    yield file(`applications/${application}/team`, teamOf(index))
    yield file(`applications/${application}/sourceRepoUrl`, `https://git.example.com/${application}.git`)
    for (let version = 1; version <= size.releases; version += 1) yield* release(size, application, version)
  }
  // Pairs, back and forth: in the end everything is as it was.
  const targets = targetEnvironments(size)
  for (let number = 1; number <= size.commits; number += 1) {
    const pair = Math.floor((number - 1) / 2)
    const environment = targets[pair % targets.length] ?? upstreamEnvironment
    const index = (pair * 7) % size.applications
    const version = deployedVersion(size, environment, index) - (number % 2)
    const application = applicationName(index)
    yield commit(number, `Deployed ${application} ${version} to ${environment}`)
    yield* deployment(environment, application, version)
  }
  yield 'done\n'
}

function* deployment(environment: string, application: string, version: number): Generator<string> {
  const directory = `environments/${environment}/applications/${application}`
  yield link(`${directory}/version`, `../../../../applications/${application}/releases/${version}`)
  yield file(`${directory}/manifests/manifests.yaml`, manifestOf(application, version, environment))
  yield file(`${directory}/deployed_by`, 'Signalbox bench')
  yield file(`${directory}/deployed_by_email`, 'bench@example.com')
  yield file(`${directory}/deployed_at_utc`, '2026-01-05 08:00:00 +0000 UTC')
}

function* release(size: RepositorySize, application: string, version: number): Generator<string> {
  const directory = `applications/${application}/releases/${version}`
  const commitId = hashOf(`${application} ${version}`)
  yield file(`${directory}/created_at`, '2026-01-05T08:00:00Z')
  yield file(`${directory}/source_author`, 'Signalbox bench <bench@example.com>')
  yield file(`${directory}/source_commit_id`, commitId)
  yield file(`${directory}/source_message`, `Change ${commitId.slice(0, 8)} of ${application}`)
  for (const environment of allEnvironments(size)) {
    yield file(`${directory}/environments/${environment}/manifests.yaml`, manifestOf(application, version, environment))
  }
}

function configOf(size: RepositorySize, environment: string): string {
  const isUpstream = environment === upstreamEnvironment
  return JSON.stringify({
    upstream: isUpstream ? { latest: true } : { environment: upstreamEnvironment },
    ...(size.environments > 1 && { environmentGroup: isUpstream ? upstreamEnvironment : targetGroup }),
    argocd: {
      destination: { name: `${environment}-cluster`, appProjectNamespace: '*', applicationNamespace: 'shop' },
      syncOptions: ['CreateNamespace=true'],
    },
  })
}

function manifestOf(application: string, version: number, environment: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${application}
  labels:
    environment: ${environment}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - name: ${application}
          image: registry.example.com/${application}@sha1:${hashOf(`${application} ${version} ${environment}`)}
`
}

function hashOf(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}

function commit(number: number, message: string): string {
  const identity = `Signalbox bench <bench@example.com> ${1_767_600_000 + number} +0000`
  return `commit refs/heads/main\nauthor ${identity}\ncommitter ${identity}\n${data(message)}`
}

function file(path: string, text: string): string {
  return `M 100644 inline ${path}\n${data(text)}`
}

function link(path: string, target: string): string {
  return `M 120000 inline ${path}\n${data(target)}`
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`
}

/** A stream of a million small texts would spend its time on being a stream. */
export function* inPortions(texts: Iterable<string>): Generator<string> {
  let portion = ''
  for (const text of texts) {
    portion += text
    if (portion.length < 256 * 1024) continue
    yield portion
    portion = ''
  }
  yield portion
}
