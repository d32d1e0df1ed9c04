import { describe, expect, it } from 'vitest'
import type { Write } from './judge-writes.ts'
import { judgeWrites } from './judge-writes.ts'

const acknowledged: Write = { requestId: 'a', kind: 'deploy', answer: { status: 200, hasCommitted: true } }
const unchanged: Write = { requestId: 'a', kind: 'deploy', answer: { status: 200, hasCommitted: false } }
const refused: Write = { requestId: 'a', kind: 'deploy', answer: { status: 503, hasCommitted: false } }
const unanswered: Write = { requestId: 'a', kind: 'deploy', answer: undefined }

describe('the judge of the soaks', () => {
  it.each([
    ['acknowledged, and there', acknowledged, ['a']],
    ['without a commit, and not there', unchanged, []],
    ['refused, and not there', refused, []],
    ['not answered, and there', unanswered, ['a']],
    ['not answered, and not there', unanswered, []],
  ])('is content with a write that is %s', (_, write, commits) => {
    expect(judgeWrites([write], commits)).toEqual([])
  })

  it.each([
    ['acknowledged, and lost', acknowledged, [], 'deploy a was acknowledged with 200, and is lost'],
    ['acknowledged, and done twice', acknowledged, ['a', 'a'], 'deploy a was done 2 times'],
    ['refused, and there', refused, ['a'], 'deploy a was answered with 503 and no commit, and has one'],
    ['without a commit, and there', unchanged, ['a'], 'deploy a was answered with 200 and no commit, and has one'],
    ['not answered, and done twice', unanswered, ['a', 'a'], 'deploy a was done 2 times'],
    ['not sent, and there', acknowledged, ['a', 'b'], 'nobody sent b'],
  ])('finds a write that is %s', (_, write, commits, problem) => {
    expect(judgeWrites([write], commits)).toEqual([problem])
  })
})
