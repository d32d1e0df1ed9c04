import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { startServer } from '../support/server-process.ts'

const writers = 4
const writesOfEach = 60

describe('the process without a git on its machine', () => {
  it('combines the packs of its writes while it serves, and no read fails meanwhile', async () => {
    const folder = createTemporaryFolder()
    const server = await startServer({ folder, environment: { PATH: join(folder, 'nothing-here') } })
    onTestFinished(async () => void (await server.stop('SIGKILL')))
    const write = async (path: string, method: string) => {
      const body = method === 'PUT' ? '{"message":"Load test"}' : undefined
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${server.url}${path}`, { method, headers, ...(body && { body }) })
      return response.status
    }
    const statuses: number[] = []
    const failedReads: string[] = []
    const state = { isWriting: true }
    const read = async (path: string) => {
      while (state.isWriting) {
        const response = await fetch(`${server.url}${path}`)
        const text = await response.text()
        if (response.status !== 200) failedReads.push(`${path} ${response.status} ${text}`)
      }
    }
    // The present, the past and what is not kept in memory.
    const readers = [
      '/api/environments/staging/releasetrain/prognosis?diff=true',
      '/api/environments/staging/applications/cart/history',
      '/api/application/cart/release/manifests/latest',
    ].map(read)
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let index = 0; index < writesOfEach; index += 1) {
          const path = `/environments/development/locks/of-${writer}-${index - (index % 2)}`
          statuses.push(await write(path, index % 2 === 0 ? 'PUT' : 'DELETE'))
        }
      }),
    )
    state.isWriting = false
    await Promise.all(readers)

    expect(failedReads).toEqual([])
    expect(statuses).toEqual(Array.from({ length: writers * writesOfEach }, () => 200))
    expect(server.output().stdout).toContain('packs into one')
    expect(await server.stop()).toBe(0)
    const repository = join(folder, 'data/manifests.git')
    const packs = readdirSync(join(repository, 'objects/pack')).filter((name) => name.endsWith('.pack'))
    expect(packs.length).toBeLessThan((writers * writesOfEach) / 4)
    if (hasGit) {
      expect(git(['fsck', '--strict', '--no-dangling'], { cwd: repository }).trim()).toBe('')
      const count = git(['rev-list', '--count', 'main'], { cwd: repository }).trim()
      expect(Number(count)).toBe(1 + writers * writesOfEach)
    }
  })
})
