import type { TagState } from '../../src/core/git-tag.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type {
  BranchUpdate,
  RemoteSide,
  Repository,
  StoredObject,
} from '../../src/manifest-store/repository/repository.ts'

/** A repository in front of another one: its calls can be counted, held up, and made to fail. */
export class WatchedRepository implements Repository {
  readonly url: string
  readonly branch: string
  readonly #inner: Repository
  /** The ids that were read, in order. Empty it by assigning a new list. */
  reads: ObjectId[] = []
  /** What was to be published, in order, whatever became of it. */
  readonly updates: BranchUpdate[] = []
  isClosed = false

  /** Each runs before the call goes on; one that throws makes the call fail. This one may answer that there is no branch. */
  beforeHead: () => void | 'gone' | Promise<void | 'gone'> = () => {}
  beforeRead: (id: ObjectId) => void | Promise<void> = () => {}
  /** May answer `moved` in the repository's place. */
  beforePublish: (update: BranchUpdate) => void | 'moved' | Promise<void | 'moved'> = () => {}

  constructor(inner: Repository) {
    this.#inner = inner
    this.url = inner.url
    this.branch = inner.branch
  }

  /** Stands for the remote of the repository, where that has none. */
  remoteSide: RemoteSide | undefined

  get remote(): RemoteSide | undefined {
    return this.remoteSide ?? this.#inner.remote
  }

  async head(): Promise<ObjectId | undefined> {
    return (await this.beforeHead()) === 'gone' ? undefined : this.#inner.head()
  }

  async read(id: ObjectId, reach?: 'here' | 'anywhere'): Promise<StoredObject> {
    this.reads.push(id)
    await this.beforeRead(id)
    return this.#inner.read(id, reach)
  }

  /** Stands for what the repository says, where it is given. */
  shallow: ReadonlySet<ObjectId> | undefined

  async readShallow(): Promise<ReadonlySet<ObjectId>> {
    return this.shallow ?? this.#inner.readShallow()
  }

  readTag(name: string): Promise<TagState> {
    return this.#inner.readTag(name)
  }

  async publish(update: BranchUpdate): Promise<'published' | 'moved'> {
    this.updates.push(update)
    return (await this.beforePublish(update)) ?? this.#inner.publish(update)
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.#inner.close()
  }
}
