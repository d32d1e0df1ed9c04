import type { Write } from './judge-writes.ts'
import type { PlannedWrite, WriteMix } from './write-mix.ts'

/** Sends writes as several clients do, each one after the other, until it is stopped or nobody answers any more. */
export class Writers {
  readonly #clients: Promise<void>
  #isStopped = false

  /** Adds to `writes` whatever it sends, each to the server that is `next`. `nextId` names requests; no name comes twice. */
  constructor(next: () => string, mixes: readonly WriteMix[], writes: Write[], nextId: () => string) {
    this.#clients = Promise.all(mixes.map((mix) => this.#run(next, mix, writes, nextId))).then(() => {})
  }

  /** Resolves when all have their last answer, or know that there is none. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#clients
  }

  async #run(next: () => string, mix: WriteMix, writes: Write[], nextId: () => string): Promise<void> {
    while (!this.#isStopped) {
      const write = await send(next(), nextId(), mix.next())
      writes.push(write)
      if (write.answer === undefined) return
    }
  }
}

export async function send(url: string, requestId: string, planned: PlannedWrite): Promise<Write> {
  const [method = '', path = ''] = planned.request.split(' ')
  const answer = await ask().catch(() => undefined)
  planned.learn?.(answer === undefined ? undefined : answer.status < 300)
  return { requestId, kind: planned.kind, answer }

  async function ask(): Promise<Write['answer']> {
    const { headers, body = null } = planned
    const response = await fetch(url + path, { method, headers: { ...headers, 'x-request-id': requestId }, body })
    const { status } = response
    if (status >= 300) {
      const text = await response.text().catch(() => '')
      return { status, hasCommitted: false, text }
    }
    if (planned.alwaysCommits) {
      await response.arrayBuffer().catch(() => undefined)
      return { status, hasCommitted: true }
    }
    const { commit } = (await response.json()) as { commit?: string }
    return { status, hasCommitted: commit !== undefined }
  }
}
