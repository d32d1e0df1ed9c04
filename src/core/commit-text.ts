/** What a commit says. The store adds who asked and under which request, cleans it and keeps it short enough. */
export interface CommitText {
  /** One line that a person can scan in `git log --oneline`. */
  readonly subject: string
  readonly sections: readonly CommitSection[]
  readonly trailers: readonly Trailer[]
}

export interface CommitSection {
  readonly heading: string
  /** Each becomes one indented line; text that callers wrote may only stand here. */
  readonly lines: readonly string[]
}

export interface Trailer {
  readonly key: (typeof trailerKeys)[keyof typeof trailerKeys]
  readonly value: string
}

/** All keys that Signalbox writes, in the order in which they stand in a commit. */
export const trailerKeys = {
  command: 'Signalbox-Command',
  target: 'Signalbox-Target',
  team: 'Signalbox-Team',
  tag: 'Signalbox-Tag',
  sourceTag: 'Signalbox-Source-Tag',
  principal: 'Signalbox-Principal',
  request: 'Signalbox-Request',
  idempotencyKey: 'Signalbox-Idempotency-Key',
} as const
