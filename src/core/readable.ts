/**
 * A piece of the repository that could be read, or the reason why not. A broken piece stays in the snapshot as its
 * reason, so that it makes only itself unavailable.
 */
export type Readable<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

export function readable<T>(value: T): Readable<T> {
  return { ok: true, value }
}

/** `reason` is a sentence for people, without a full stop: what is wrong, and where. */
export function unreadable(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason }
}
