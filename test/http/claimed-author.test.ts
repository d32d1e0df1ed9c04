import { describe, expect, it } from 'vitest'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { git, hasGit } from '../support/real-git.ts'
import { aProblem, createTestServer, itAnswers } from '../support/test-server.ts'

const train = 'PUT /api/environments/staging/releasetrain'
const base64 = (text: string) => Buffer.from(text).toString('base64')
const claim = (name: string, email: string) => ({ 'author-name': base64(name), 'author-email': base64(email) })

/** The author and the last lines of the commit that a train makes. */
async function commitOf(headers: Readonly<Record<string, string>>) {
  const { send, repository, head } = await createTestServer()
  expect(await send(train, { headers })).toMatchObject({ status: 200, hasCommitted: true })
  const { data } = await repository.read((await head()) ?? '')
  if (hasGit) expect(git(['hash-object', '-t', 'commit', '--stdin'], { input: data }).trim()).toBe(await head())
  const { author, message } = parseCommit(data)
  return { author: `${author.name} <${author.email}>`, principal: /^Signalbox-Principal: (.*)$/m.exec(message)?.[1] }
}

describe('an author who is claimed', () => {
  it.each([
    ['both are there', claim('Zoë Ōtani', 'zoe@example.com'), 'Zoë Ōtani <zoe@example.com>', ' (claimed)'],
    [
      'with blanks around them',
      claim(' release-bot ', 'bot@example.com '),
      'release-bot <bot@example.com>',
      ' (claimed)',
    ],
    [
      'with what git leaves out',
      claim('<.release, bot>:', '"<bot@example.com>"'),
      'release, bot <bot@example.com>',
      ' (claimed)',
    ],
    ['with nothing that git takes', claim('...', '<>'), 'unknown <>', ' (claimed)'],
    [
      'that looks checked',
      claim('Boss <boss@example.com>', 'x@example.com'),
      'Boss boss@example.com <x@example.com>',
      ' (claimed)',
    ],
    [
      'a role is not looked at',
      { ...claim('bot', 'b@example.com'), 'author-role': '%' },
      'bot <b@example.com>',
      ' (claimed)',
    ],
    ['one is absent', { 'author-name': base64('release-bot') }, 'Test Author <deployer@example.com>', ''],
    ['one is empty', claim('release-bot', ''), 'Test Author <deployer@example.com>', ''],
    ['one is blank', claim(' ', 'bot@example.com'), 'Test Author <deployer@example.com>', ''],
  ])('makes the commit, which says so: %s', async (_what, headers, author, suffix) => {
    expect(await commitOf(headers)).toEqual({ author, principal: `${author}${suffix}` })
  })

  it('is in the history of what was deployed, with what else the commit says', async () => {
    const { send } = await createTestServer()
    await send(train, { headers: { ...claim('release-bot', 'bot@example.com'), 'x-request-id': 'mine' } })
    const { json } = await send('GET /api/environments/staging/applications/cart/history?pageSize=1')
    expect(json).toMatchObject({
      events: [{ by: { name: 'release-bot', email: 'bot@example.com' }, claimed: true, requestId: 'mine' }],
    })
  })

  it.each([
    ['author-name', 'release-bot', 'is not base64'],
    ['author-email', 'Ym90QGV4YW1wbGUuY29t=', 'is not base64'],
    ['author-name', 'Pj4_Pz8-', 'is not base64'],
    ['author-name', Buffer.from([0xff, 0xfe]).toString('base64'), 'is not UTF-8 in base64'],
    ['author-name', base64('a\nSignalbox-Principal: b'), 'has control characters'],
    ['author-email', base64('a\u2028b@example.com'), 'has control characters'],
    ['author-email', base64('a\0'), 'has control characters'],
    ['author-name', base64('x'.repeat(257)), 'is longer than 256 characters'],
  ])('must be text in base64: %s %s', async (header, value, problem) => {
    const { send } = await createTestServer()
    const headers = { ...claim('release-bot', 'bot@example.com'), [header]: value }
    expect(await send(train, { headers })).toMatchObject(
      aProblem(400, 'INVALID_REQUEST', `header.${header} ${problem}`, [[`header.${header}`, problem]]),
    )
  })

  itAnswers([
    {
      name: 'and all that is wrong with both is told',
      request: train,
      headers: { 'author-name': '%', 'author-email': '%' },
      expected: aProblem(400, 'INVALID_REQUEST', expect.any(String), [
        ['header.author-name', 'is not base64'],
        ['header.author-email', 'is not base64'],
      ]),
    },
    {
      name: 'is told as such',
      request: 'GET /api/whoami',
      headers: claim('release-bot', 'bot@example.com'),
      expected: {
        status: 200,
        json: expect.objectContaining({ name: 'release-bot', email: 'bot@example.com', claimed: true }),
      },
    },
  ])
})
