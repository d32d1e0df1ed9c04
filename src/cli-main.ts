#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './cli/run.ts'

/** As shells have it: 128 and the number of the signal. */
const exitCodeForInterrupt = 130

process.on('SIGINT', () => process.exit(exitCodeForInterrupt))
for (const stream of [process.stdout, process.stderr]) {
  // Whoever read the output has gone. What was asked for is still done, and the exit code says how that went.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

// Not process.exit: a pipe takes what was written when it likes.
process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  sleep,
})
