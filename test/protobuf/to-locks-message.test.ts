import { expect, it } from 'vitest'
import { listLocks } from '../../src/core/list-locks.ts'
import { toJson } from '../../src/protobuf/messages.ts'
import { lockListMessageType, toLockListMessage } from '../../src/protobuf/to-locks-message.ts'
import type { SnapshotBuilder } from '../support/snapshot-builder.ts'
import { aLock, aSnapshot, snapshotCommit } from '../support/snapshot-builder.ts'
import { toPublishedJson } from './published-proto.ts'

const now = new Date('2026-05-04T09:30:00Z')

function toJsonOf(builder: SnapshotBuilder): unknown {
  const snapshot = builder.build()
  const message = toLockListMessage(listLocks(snapshot, {}, now), snapshot.commit)
  const json = toJson(lockListMessageType, message)
  expect(json).toBe(toPublishedJson(lockListMessageType, message))
  return JSON.parse(json)
}

it('a list of locks says of each what it stands on, all about it, and whether it has ended', () => {
  const full = aLock('full', {
    message: 'Load test',
    ciLink: 'https://ci.example.com/1',
    suggestedLifetime: '2d',
    expiresAt: now,
  })
  const created = { createdAt: '2025-03-01T08:00:00Z', createdBy: { name: 'Keeper', email: 'keeper@example.com' } }
  const snapshot = aSnapshot()
    .environment('staging', { locks: [full], teamLocks: { payments: [aLock('team')] } })
    .noApplication('cart')
    .applicationLock('staging', 'cart', aLock('application'))
    .problem('applications: is a file')
  expect(toJsonOf(snapshot)).toEqual({
    locks: [
      {
        kind: 'environment',
        environment: 'staging',
        lock: {
          message: 'Load test',
          lockId: 'full',
          ...created,
          ciLink: 'https://ci.example.com/1',
          suggestedLifetime: '2d',
          expiresAt: '2026-05-04T09:30:00Z',
        },
        ended: true,
      },
      {
        kind: 'application',
        environment: 'staging',
        application: 'cart',
        lock: { lockId: 'application', ...created },
      },
      { kind: 'team', environment: 'staging', team: 'payments', lock: { lockId: 'team', ...created } },
    ],
    warnings: ['applications: is a file'],
    commit: snapshotCommit,
  })
})

it('a list of no locks is empty', () => {
  expect(toJson(lockListMessageType, toLockListMessage({ locks: [], warnings: [] }, undefined))).toBe('{}')
})
