import { EventEmitter } from 'node:events'
import type { FastifyReply } from 'fastify'
import { expect, it } from 'vitest'
import { whenCallerLeaves } from '../../src/http/when-caller-leaves.ts'

function aReply(state: { readonly destroyed: boolean; readonly writableFinished: boolean }) {
  const raw = Object.assign(new EventEmitter(), state)
  return { raw, signal: whenCallerLeaves({ raw } as unknown as FastifyReply) }
}

it('a caller who left before anybody looked has left', () => {
  expect(aReply({ destroyed: true, writableFinished: false }).signal.aborted).toBe(true)
})

it('a caller leaves when the connection closes before the answer is written', () => {
  const { raw, signal } = aReply({ destroyed: false, writableFinished: false })
  expect(signal.aborted).toBe(false)
  raw.emit('close')
  expect(signal.aborted).toBe(true)
})

it('a caller who has the answer has not left', () => {
  const { raw, signal } = aReply({ destroyed: false, writableFinished: true })
  raw.emit('close')
  expect(signal.aborted).toBe(false)
})
