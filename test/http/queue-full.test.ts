import { expect, it } from 'vitest'
import { aProblem, createTestServer } from '../support/test-server.ts'

it('a write that finds the queue full is answered 503, does nothing, and works when tried again', async () => {
  const { send, repository } = await createTestServer({ store: { maximumQueueSize: 1 } })
  let open: () => void = () => {}
  repository.beforePublish = () => new Promise<void>((resolve) => (open = resolve))
  const lock = (id: string) =>
    send(`PUT /environments/staging/locks/${id}`, {
      headers: { 'content-type': 'application/json' },
      body: { message: 'x' },
    })
  const first = lock('one')
  await expect.poll(() => repository.updates.length).toBe(1)
  const second = lock('two')
  await expect.poll(async () => (await send('GET /metrics')).text).toContain('\nsignalbox_write_queue_length 1\n')

  const third = await lock('three')
  // Kuberpult's words.
  const text = expect.stringContaining('queue is full. Queue Capacity: 1.') as string
  expect(third).toMatchObject(aProblem(503, 'QUEUE_FULL', text))
  expect(third.headers['retry-after']).toBe('5')

  repository.beforePublish = () => {}
  open()
  expect([(await first).status, (await second).status, (await lock('three')).status]).toEqual([200, 200, 200])
})
