import type { Change } from './change.ts'
import type { Loaded } from './command.ts'
import type { ApplicationName, EnvironmentName } from './names.ts'
import { timeUuid } from './time-uuid.ts'

/** Something that happened to what was made from a commit of the sources, as Kuberpult records it (spec 1.7). */
export type CommitEvent =
  | {
      readonly kind: 'new-release'
      /** Which one: several may be made from a commit at the same moment. */
      readonly release: string
      readonly environments: readonly EnvironmentName[]
    }
  | {
      readonly kind: 'deployment'
      readonly application: ApplicationName
      readonly environment: EnvironmentName
      readonly train: SourceTrain | undefined
    }
  | {
      readonly kind: 'lock-prevented-deployment'
      readonly application: ApplicationName
      readonly environment: EnvironmentName
      readonly lock: { readonly kind: 'environment' | 'application' | 'team'; readonly message: string }
    }
  | {
      readonly kind: 'replaced-by'
      readonly application: ApplicationName
      readonly environment: EnvironmentName
      /** Of the release that is deployed instead. */
      readonly commit: string
    }

/** The train that deployed something. */
export interface SourceTrain {
  /** Undefined when it was for an environment. */
  readonly group: string | undefined
  readonly upstream: EnvironmentName | 'latest'
}

/** An event and the source commit that it is about. */
export interface EventOfCommit {
  readonly commit: string
  readonly event: CommitEvent
}

/** Whether text is a commit id that something can be recorded about. */
export function isCommitId(text: string): boolean {
  return /^[0-9a-f]{40}$/i.test(text)
}

/** `commits/<first two digits>/<the other 38>` */
export function commitDirectory(commit: string): string {
  const id = commit.toLowerCase()
  return `commits/${id.slice(0, 2)}/${id.slice(2)}`
}

/** Where it is recorded that something of an application was made from a commit. */
export function applicationsOfCommit(commit: string): string {
  return `${commitDirectory(commit)}/applications`
}

/** Records the events, in order. Events about what is no commit id are left out. */
export function recordEvents(events: readonly EventOfCommit[], now: Date): readonly Change[] {
  return events.flatMap(({ commit, event }, index) => {
    if (!isCommitId(commit)) return []
    const name = `${commit} ${JSON.stringify(event)}`
    const directory = `${commitDirectory(commit)}/events/${timeUuid(now, index, name)}`
    return toFiles(event).map(([path, content]) => file(`${directory}/${path}`, content))
  })
}

function toFiles(event: CommitEvent): readonly (readonly [path: string, content: string])[] {
  const kind = ['eventType', event.kind] as const
  if (event.kind === 'new-release') {
    if (event.environments.length === 0) return [kind, ['environments/.gitkeep', '']]
    return [kind, ...event.environments.map((name) => [`environments/${name}/.gitkeep`, ''] as const)]
  }
  const place = [kind, ['application', event.application], ['environment', event.environment]] as const
  switch (event.kind) {
    case 'deployment': {
      const { train } = event
      if (train === undefined) return place
      return [
        ...place,
        ...(train.group === undefined ? [] : [['source_train_environment_group', train.group] as const]),
        ['source_train_upstream', train.upstream === 'latest' ? '' : train.upstream],
      ]
    }
    case 'lock-prevented-deployment':
      return [...place, ['lock_message', event.lock.message], ['lock_type', event.lock.kind]]
    case 'replaced-by':
      return [...place, ['commit', event.commit.toLowerCase()]]
  }
}

/** What is written down of a commit when a release is made from it. */
export interface CommitOfRelease {
  readonly application: ApplicationName
  readonly commit: string
  readonly message: string | undefined
  readonly previousCommit: string | undefined
}

/** The paths that `recordCommit` needs: what is known of the commit, and of the one before where one is named. */
export function pathsOfCommit(release: CommitOfRelease): readonly string[] {
  const previous = previousCommitPath(release)
  return [
    ...(isCommitId(release.commit) ? [commitDirectory(release.commit)] : []),
    ...(previous === undefined ? [] : [previous]),
  ]
}

function previousCommitPath({ previousCommit }: CommitOfRelease): string | undefined {
  return previousCommit !== undefined && isCommitId(previousCommit) ? commitDirectory(previousCommit) : undefined
}

/** Records the commit itself, and links it with the one before where that is known. */
export function recordCommit(release: CommitOfRelease, loaded: Loaded): readonly Change[] {
  if (!isCommitId(release.commit)) return []
  const directory = commitDirectory(release.commit)
  const previous = previousCommitPath(release)
  const known = loaded.get(directory)
  // Another application's release may have told it already.
  const hasMessage = known?.kind === 'directory' && known.entries.has('source_message')
  const isPreviousKnown = previous !== undefined && loaded.get(previous)?.kind === 'directory'
  return [
    file(`${directory}/.empty`, ''),
    file(`${directory}/.gitkeep`, ''),
    ...(release.message === undefined && hasMessage
      ? []
      : [file(`${directory}/source_message`, release.message ?? '')]),
    file(`${directory}/applications/${release.application}/.gitkeep`, ''),
    ...(isPreviousKnown
      ? [
          file(`${directory}/previousCommit`, release.previousCommit?.toLowerCase() ?? ''),
          file(`${previous}/nextCommit`, release.commit.toLowerCase()),
        ]
      : []),
  ]
}

/**
 * Forgets that releases were made from these commits: with the last application the whole commit goes. `loaded` has
 * `applicationsOfCommit` of each.
 */
export function forgetReleases(
  releases: readonly { readonly application: ApplicationName; readonly commit: string }[],
  loaded: Loaded,
): readonly Change[] {
  const forgotten = new Map<string, Set<ApplicationName>>()
  for (const { application, commit } of releases) {
    if (!isCommitId(commit)) continue
    const id = commit.toLowerCase()
    forgotten.set(id, (forgotten.get(id) ?? new Set()).add(application))
  }
  return [...forgotten].flatMap(([commit, applications]) => {
    const known = loaded.get(applicationsOfCommit(commit))
    if (known?.kind !== 'directory') return []
    const isAnyLeft = [...known.entries.keys()].some(
      (name) => name !== '.gitkeep' && !applications.has(name as ApplicationName),
    )
    if (!isAnyLeft) return [absent(commitDirectory(commit))]
    return [...applications]
      .filter((name) => known.entries.has(name))
      .map((name) => absent(`${applicationsOfCommit(commit)}/${name}`))
  })
}

function file(path: string, text: string): Change {
  return { path, content: { kind: 'text', text } }
}

function absent(path: string): Change {
  return { path, content: { kind: 'absent' } }
}
