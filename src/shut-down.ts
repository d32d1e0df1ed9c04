import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { ManifestStore } from './manifest-store/manifest-store.ts'

export interface ShutDownOptions {
  readonly app: FastifyInstance
  readonly store: ManifestStore
  /** How many milliseconds what has begun may take. */
  readonly patience: number
  readonly log: ShutDownLog
}

/** The part of a pino logger that this needs. */
export interface ShutDownLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** For answers to those who are refused in the end, and for the batch that is being written, in milliseconds. */
const lastWords = 3000

/** For answers to those whose write was broken off, in milliseconds. */
const veryLastWords = 1000

/**
 * Finishes what has begun and ends. Requests are answered and commands that wait are written, for as long as there is patience; then
 * the commands that have not had their turn are refused, a push that hangs is broken off, so that its callers hear that nobody knows,
 * and at last connections are cut. Answers whether everything was finished. What is being written to a disk here is always finished.
 */
export async function shutDown({ app, store, patience, log }: ShutDownOptions): Promise<boolean> {
  const begun = performance.now()
  const { closing } = app
  const { waitingCommands } = store.health()
  log.info({ openRequests: closing.openRequests(), waitingCommands }, 'shutting down: finishing what was begun')
  let refused = 0
  let cut = 0
  let isBrokenOff = false
  const isClosed = new AbortController()
  const deadline = (async () => {
    await sleep(patience, undefined, { signal: isClosed.signal })
    refused = store.refuseWaiting()
    await sleep(lastWords, undefined, { signal: isClosed.signal })
    isBrokenOff = store.breakOff()
    if (isBrokenOff) await sleep(veryLastWords, undefined, { signal: isClosed.signal })
    cut = closing.openRequests()
    app.server.closeAllConnections()
  })().catch(() => {})
  await app.close()
  isClosed.abort()
  await deadline
  await store.close()
  const isFinished = refused === 0 && cut === 0 && !isBrokenOff
  const details = {
    answered: closing.answered(),
    refused,
    cut,
    isBrokenOff,
    milliseconds: Math.round(performance.now() - begun),
  }
  if (isFinished) log.info(details, 'everything that was begun is finished')
  else
    log.warn(
      details,
      'not all was finished in time: what was refused has changed nothing, of what was cut nobody was told',
    )
  return isFinished
}
