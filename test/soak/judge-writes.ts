/** A write that was sent, and what became of it as far as its caller knows. */
export interface Write {
  readonly requestId: string
  readonly kind: string
  /** Undefined when the connection broke before the answer: it may have been done, or not. */
  readonly answer: { readonly status: number; readonly hasCommitted: boolean; readonly text?: string } | undefined
}

/** What a history says against what callers were told, one sentence each. `requestIds` are those of all commits. */
export function judgeWrites(writes: readonly Write[], requestIds: readonly string[]): readonly string[] {
  const commits = new Map<string, number>()
  for (const id of requestIds) commits.set(id, (commits.get(id) ?? 0) + 1)
  const problems: string[] = []
  const sent = new Set<string>()
  for (const { requestId, kind, answer } of writes) {
    sent.add(requestId)
    const count = commits.get(requestId) ?? 0
    const name = `${kind} ${requestId}`
    if (count > 1) problems.push(`${name} was done ${count} times`)
    else if (answer?.hasCommitted === true && count === 0)
      problems.push(`${name} was acknowledged with ${answer.status}, and is lost`)
    else if (answer?.hasCommitted === false && count === 1) {
      problems.push(`${name} was answered with ${answer.status} and no commit, and has one`)
    }
  }
  for (const id of commits.keys()) if (!sent.has(id)) problems.push(`nobody sent ${id}`)
  return problems
}
