import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { findRewrites, judgeTrains, readHistory } from './history.ts'

const train = 'Release train\n\nSignalbox-Command: release-train\nSignalbox-Request: train-1\n'

describe.runIf(hasGit)('the judge of trains', () => {
  /** A shop with this file in it, and then a train that brings cart to staging. */
  function runTrain(file?: string, text = ''): string {
    const cwd = createTemporaryFolder()
    git(['init', '--quiet', '--initial-branch=main'], { cwd })
    const write = (path: string) => mkdirSync(join(cwd, dirname(path)), { recursive: true })
    const commit = (message: string) => {
      git(['add', '--all'], { cwd })
      git(['commit', '--quiet', '-m', message], { cwd })
    }
    for (const [path, content] of [
      ['applications/cart/team', 'payments'],
      ['environments/staging/config.json', '{}'],
      ['environments/staging/locks/old/message', 'ended'],
      ['environments/staging/locks/old/expires_at', '2020-01-01T00:00:00Z'],
      ...(file === undefined ? [] : [[file, text] as const]),
    ] as const) {
      write(path)
      writeFileSync(join(cwd, path), content)
    }
    commit('shop')
    const link = 'environments/staging/applications/cart/version'
    write(link)
    symlinkSync('../../../../applications/cart/releases/1', join(cwd, link))
    commit(train)
    return cwd
  }

  it.each([
    ['nothing but a lock that has ended', undefined],
    ['a lock on another environment', 'environments/production/locks/a/message'],
    ['a lock on another application', 'environments/staging/applications/web/locks/a/message'],
    ['a lock on another team', 'environments/staging/teams/search/locks/a/message'],
  ])('is content with %s', (_, file) => {
    const cwd = runTrain(file)
    const history = readHistory(cwd)
    expect(history).toMatchObject([{ writeId: 'train-1', command: 'release-train' }])
    expect(judgeTrains(cwd, history)).toMatchObject({ problems: [], trains: 1, versions: 1 })
    expect(findRewrites(cwd, history)).toEqual([])
  })

  it.each([
    'environments/staging/locks/a',
    'environments/staging/applications/cart/locks/a',
    'environments/staging/teams/payments/locks/a',
  ])('finds a train that passed over %s', (lock) => {
    const cwd = runTrain(`${lock}/message`)
    const { problems } = judgeTrains(cwd, readHistory(cwd))
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`brought cart to staging in spite of ${lock}$`)) as string,
    ])
  })

  it('finds a lock that has not ended yet', () => {
    const cwd = runTrain('environments/staging/teams/payments/locks/a/expires_at', '2099-01-01T00:00:00Z')
    expect(judgeTrains(cwd, readHistory(cwd)).problems).toHaveLength(1)
  })

  it('finds a branch that was moved back', () => {
    const cwd = runTrain()
    git(['reset', '--quiet', '--hard', 'HEAD~1'], { cwd })
    git(['reset', '--quiet', '--hard', 'HEAD@{1}'], { cwd })
    expect(findRewrites(cwd, readHistory(cwd))).toEqual([expect.stringContaining('moved back')])
  })
})
