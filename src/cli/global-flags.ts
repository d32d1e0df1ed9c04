import { aHeader, anAddress, anIdempotencyKey, aWholeNumber } from './flag-values.ts'
import type { Flag } from './flags.ts'

export const defaultRetries = 3
export const defaultTimeoutSeconds = 180

/** Flags that may stand before and after the command. */
export const globalFlags: readonly Flag[] = [
  {
    name: 'url',
    value: 'address',
    help: 'the server, with its path prefix if it has one; without it SIGNALBOX_URL is taken',
    complain: anAddress,
    isPrivate: true,
  },
  { name: 'author_name', value: 'name', help: 'who asks, for servers that believe it' },
  { name: 'author_email', value: 'address', help: 'the e-mail address of who asks, for servers that believe it' },
  { name: 'client_uuid', value: 'id', help: 'sent with releases and trains', complain: aHeader },
  {
    name: 'idempotency-key',
    value: 'text',
    help: 'what a change is recognised by when it is asked for again; without it, a new one each time',
    complain: anIdempotencyKey,
  },
  {
    name: 'retries',
    value: 'number',
    help: `how often a failed change is tried again, ${defaultRetries} by default`,
    complain: aWholeNumber,
  },
  {
    name: 'timeout',
    value: 'seconds',
    help: `how long to wait for an answer, ${defaultTimeoutSeconds} by default`,
    complain: aWholeNumber,
  },
  { name: 'output', value: 'form', help: 'text, the default, or json for scripts', choices: ['text', 'json'] },
]
