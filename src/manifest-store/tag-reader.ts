import type { KnownTags, SourceTag, TagNames, TagState } from '../core/git-tag.ts'
import { isValidTagName } from '../core/git-tag.ts'
import type { ObjectId } from '../core/object-id.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { RemoteError } from './remote/git-remote.ts'
import type { NewTag, Repository } from './repository/repository.ts'
import { StoreUnavailableError } from './store-errors.ts'

/** Reads what decisions need to know of tags. */
export class TagReader {
  readonly #repository: Repository
  readonly #load: (commit: ObjectId) => Promise<{ readonly snapshot: Snapshot; readonly isComplete: boolean }>
  /** Of the last source: a preview is mostly followed by its run. */
  #last: { readonly commit: ObjectId; readonly snapshot: Snapshot } | undefined

  constructor(
    repository: Repository,
    load: (commit: ObjectId) => Promise<{ readonly snapshot: Snapshot; readonly isComplete: boolean }>,
  ) {
    this.#repository = repository
    this.#load = load
  }

  /** `pending` are those that come with the batch that is being decided. */
  async read({ created, source }: TagNames, pending: readonly NewTag[] = []): Promise<KnownTags> {
    return {
      ...(created !== undefined && { created: await this.#readState(created, pending) }),
      ...(source !== undefined && { source: await this.#readSource(source, pending) }),
    }
  }

  /** What was known at a commit. */
  async readSourceCommit(commit: ObjectId): Promise<Extract<SourceTag, { kind: 'commit' }>> {
    if (this.#last?.commit === commit) return { kind: 'commit', ...this.#last }
    const { snapshot, isComplete } = await this.#load(commit)
    if (isComplete) this.#last = { commit, snapshot }
    return { kind: 'commit', commit, snapshot }
  }

  async #readSource(name: string, pending: readonly NewTag[]): Promise<SourceTag> {
    const state = await this.#readState(name, pending)
    return state.kind === 'commit' ? this.readSourceCommit(state.commit) : state
  }

  async #readState(name: string, pending: readonly NewTag[]): Promise<TagState> {
    // The decision refuses it; nobody needs to look.
    if (!isValidTagName(name)) return { kind: 'unusable', reason: 'is no name of a tag' }
    const same = pending.find((tag) => tag.name === name)
    if (same !== undefined) return { kind: 'commit', commit: same.id }
    const obstacle = pending.find((tag) => tag.name.startsWith(`${name}/`) || name.startsWith(`${tag.name}/`))
    if (obstacle !== undefined) return { kind: 'unusable', reason: `cannot stand beside '${obstacle.name}'` }
    try {
      return await this.#repository.readTag(name)
    } catch (error) {
      if (!(error instanceof RemoteError)) throw error
      throw new StoreUnavailableError(`the git tag '${name}' cannot be looked up: ${error.message}`, { cause: error })
    }
  }
}
