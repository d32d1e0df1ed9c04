#!/usr/bin/env node
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './cli/run.ts'

/** As shells have it: 128 and the number of the signal. */
const exitCodeForInterrupt = 130

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // Whoever read the output has gone. What was asked for is still done, and the exit code says how that went.
  if (error.code === 'EPIPE') return
  process.stderr.write(`standard output cannot be written: ${error.message}\n`)
  process.exit(1)
})
// There is nobody left to tell.
process.stderr.on('error', () => undefined)

let reactToInterrupt = () => {}
process.on('SIGINT', () => {
  reactToInterrupt()
  process.exit(exitCodeForInterrupt)
})

// Not process.exit: a pipe takes what was written when it likes.
process.exitCode = await run(process.argv.slice(2), {
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  sleep,
  onInterrupt: (react) => (reactToInterrupt = react),
})
