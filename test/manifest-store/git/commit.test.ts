import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CommitFields, ParsedCommit, Person } from '../../../src/manifest-store/git/commit.ts'
import { formatIdentity, parseCommit, serializeCommit } from '../../../src/manifest-store/git/commit.ts'
import { MalformedObjectError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject, emptyTreeId } from '../../../src/manifest-store/git/git-object.ts'
import { createBareRepository, git, hasGit } from '../../support/real-git.ts'

const authoring: Person = { name: 'Test Author', email: 'ada@example.com' }
const committing: Person = { name: 'Test Committer', email: 'carl@example.com' }

function aCommit(fields: Partial<CommitFields> = {}): CommitFields {
  return {
    tree: emptyTreeId,
    parents: [],
    author: authoring,
    authoredAt: new Date('2026-11-21T03:00:00Z'),
    committer: committing,
    committedAt: new Date('2026-11-21T03:00:01Z'),
    message: 'Deploy checkout\n',
    ...fields,
  }
}

function write(cwd: string, fields: CommitFields): string {
  git(['hash-object', '-w', '-t', 'tree', '--stdin'], { cwd, input: '' })
  // Without --literally: git checks what it writes.
  return git(['hash-object', '-w', '-t', 'commit', '--stdin'], { cwd, input: serializeCommit(fields) }).trim()
}

function parse(...parts: (string | Buffer)[]): ParsedCommit {
  return parseCommit(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))))
}

function identity(name: string, email: string): string {
  return formatIdentity({ name, email }, new Date(0))
}

function messageOf(message: string): string {
  return parseCommit(serializeCommit(aCommit({ message }))).message
}

function errorOf(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

const hostileCharacter = fc.oneof(
  fc.constantFrom(...Array.from('<>\n\r\0\t .,:;"\\\'@ab\u007f\u0085é\u{1f682}\ud800')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)
const hostileText = fc.array(hostileCharacter, { maxLength: 10 }).map((characters) => characters.join(''))
const hostilePerson = fc.record({ name: hostileText, email: hostileText })

describe('a commit', () => {
  it('has the bytes that git gives it', () => {
    const parent = createObject('commit', serializeCommit(aCommit())).id
    expect(Buffer.from(serializeCommit(aCommit({ parents: [parent] }))).toString()).toBe(
      [
        'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904',
        `parent ${parent}`,
        'author Test Author <ada@example.com> 1795230000 +0000',
        'committer Test Committer <carl@example.com> 1795230001 +0000',
        '',
        'Deploy checkout',
        '',
      ].join('\n'),
    )
  })

  it.runIf(hasGit)('is the one that git commit-tree makes', () => {
    const cwd = createBareRepository()
    const first = write(cwd, aCommit())
    const second = write(cwd, aCommit({ message: 'Second' }))
    const fields = aCommit({ parents: [first, second], message: 'Grüße\n\nBody\n' })
    const env = {
      GIT_AUTHOR_NAME: authoring.name,
      GIT_AUTHOR_EMAIL: authoring.email,
      GIT_AUTHOR_DATE: '1795230000 +0000',
      GIT_COMMITTER_NAME: committing.name,
      GIT_COMMITTER_EMAIL: committing.email,
      GIT_COMMITTER_DATE: '1795230001 +0000',
    }
    const args = ['commit-tree', emptyTreeId, '-p', first, '-p', second]
    const made = git(args, { cwd, env, input: fields.message }).trim()
    expect(createObject('commit', serializeCommit(fields)).id).toBe(made)
  })

  it('comes back from its bytes', () => {
    const id = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    const time = fc.integer({ min: 0, max: 8_640_000_000_000 }).map((seconds) => new Date(seconds * 1000))
    const message = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(
        id,
        fc.array(id, { maxLength: 3 }),
        time,
        time,
        message,
        (tree, parents, authoredAt, committedAt, text) => {
          const parsed = parseCommit(
            serializeCommit(aCommit({ tree, parents, authoredAt, committedAt, message: text })),
          )
          expect(parsed).toEqual({
            tree,
            parents,
            author: { ...authoring, time: authoredAt, offsetMinutes: 0 },
            committer: { ...committing, time: committedAt, offsetMinutes: 0 },
            message: `${text.replaceAll('\0', '').replace(/\n+$/, '')}\n`,
          })
        },
      ),
    )
  })

  it.runIf(hasGit)('is sound to git and reads as meant, whatever names and message hold', () => {
    const cwd = createBareRepository()
    const commits: { id: string; fields: CommitFields }[] = []
    fc.assert(
      fc.property(hostilePerson, hostilePerson, hostileText, (author, committer, message) => {
        const fields = aCommit({ author, committer, message })
        commits.push({ id: createObject('commit', serializeCommit(fields)).id, fields })
        expect(write(cwd, fields)).toBe(commits.at(-1)?.id)
      }),
      { numRuns: 150 },
    )
    expect(git(['fsck', '--strict', '--no-dangling'], { cwd })).toBe('')
    const format = '%H%n%an%n%ae%n%at%n%cn%n%ce%n%ct'
    const ids = [...new Set(commits.map(({ id }) => id))]
    const printed = git(['log', '--no-walk=unsorted', '-z', `--format=${format}`, '--stdin'], {
      cwd,
      input: ids.join('\n'),
    })
    const expected = ids.map((id) => {
      const { author, committer } = parseCommit(
        serializeCommit(commits.find((each) => each.id === id)?.fields ?? aCommit()),
      )
      return [id, author.name, author.email, 1_795_230_000, committer.name, committer.email, 1_795_230_001].join('\n')
    })
    expect(printed.split('\0').filter((record) => record !== '')).toEqual(expected)
  })

  it.runIf(hasGit)('names people as git would', () => {
    const cwd = createBareRepository()
    // Other control characters we remove and git does not; dots at the ends are git's business up to 2.43 only.
    const unit = fc.constantFrom(...Array.from('<>\n ,:;"\\\'@abé\u{1f682}'))
    const name = fc.array(unit, { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(name, name, (authorName, email) => {
        fc.pre(/[@abé\u{1f682}]/u.test(authorName))
        const env = { GIT_AUTHOR_NAME: authorName, GIT_AUTHOR_EMAIL: email, GIT_AUTHOR_DATE: '1700000000 +0000' }
        expect(formatIdentity({ name: authorName, email }, new Date(1_700_000_000_000))).toBe(
          git(['var', 'GIT_AUTHOR_IDENT'], { cwd, env }).trimEnd(),
        )
      }),
      { numRuns: 60 },
    )
  })
})

describe('the names in a commit', () => {
  it.each([
    ['Ada', 'ada@example.com', 'Ada <ada@example.com>'],
    [' .,:;<>"\\\'\tAda B.\u0001 ', ' <ada@example.com>\n', 'Ada B <ada@example.com>'],
    ['A<d>a\nL\0o\u007fv\u0085e', 'a<d>a@\nx', 'AdaLove <ada@x>'],
    ['Ada\nauthor Eve <eve@example.com> 1 +0000', 'a', 'Adaauthor Eve eve@example.com 1 +0000 <a>'],
    ['', 'ada@example.com', 'ada <ada@example.com>'],
    [' . ', '.ada.@example.com', 'ada <ada.@example.com>'],
    ['', '', 'unknown <>'],
    ['<>', '@example.com', 'unknown <@example.com>'],
    ['O\'Neil, "Bob" Jr', 'x', 'O\'Neil, "Bob" Jr <x>'],
    ['\ud800', 'x', '\ud800 <x>'],
  ])('%j and %j become %j', (name, email, expected) => {
    expect(identity(name, email)).toBe(`${expected} 0 +0000`)
  })

  it('are cleaned in time that grows with their length only', () => {
    const long = '.'.repeat(2_000_000)
    expect(identity(`${long}a${long}`, long)).toBe('a <> 0 +0000')
  })
})

describe('the time of a commit', () => {
  it('is in whole seconds and never before 1970', () => {
    expect(formatIdentity(authoring, new Date(1999))).toMatch(/ 1 \+0000$/)
    expect(formatIdentity(authoring, new Date(-1))).toMatch(/ 0 \+0000$/)
  })

  it('must be one', () => {
    expect(() => serializeCommit(aCommit({ authoredAt: new Date(Number.NaN) }))).toThrow(RangeError)
  })
})

describe('the message of a commit', () => {
  it.each([
    ['a', 'a\n'],
    ['a\n\n\n', 'a\n'],
    ['', '\n'],
    ['\n\n', '\n'],
    ['a\0b\0', 'ab\n'],
    ['a\n\0\n', 'a\n'],
    ['tree x\n\nparent y', 'tree x\n\nparent y\n'],
  ])('%j becomes %j', (message, expected) => {
    expect(messageOf(message)).toBe(expected)
  })

  it('is cut in time that grows with its length only', () => {
    const newlines = '\n'.repeat(1_000_000)
    expect(messageOf(`${newlines}a${newlines}`)).toBe(`${newlines}a\n`)
  })
})

describe("somebody else's commit", () => {
  const head = `tree ${emptyTreeId}\n`
  const author = 'author Ada <ada@example.com> 1700000000 +0130\n'
  const committer = 'committer Carl <carl@example.com> 1700000060 -0500\n'
  it('may come from another time zone', () => {
    const parsed = parse(head, author, committer, '\nHello')
    expect(parsed.author).toEqual({
      name: 'Ada',
      email: 'ada@example.com',
      time: new Date(1_700_000_000_000),
      offsetMinutes: 90,
    })
    expect(parsed.committer.offsetMinutes).toBe(-300)
    expect(parsed.message).toBe('Hello')
  })

  it('may have headers that nobody knows', () => {
    expect(parse(head, 'x-author author Eve <e> 1 +0000\n', author, committer, '\n').author.name).toBe('Ada')
  })

  it('may be signed, and then has more headers, which may hold anything', () => {
    const signature =
      'gpgsig -----BEGIN PGP SIGNATURE-----\n \n author Eve <e> 1 +0000\n encoding utf-16\n -----END-----\n'
    expect(parse(head, author, committer, signature, '\nHello\n')).toMatchObject({
      author: { name: 'Ada' },
      message: 'Hello\n',
    })
  })

  it('may be in another encoding', () => {
    const latin = Buffer.from('Ren\xe9', 'latin1')
    const parsed = parse(head, 'author ', latin, ' <r> 1 +0000\n', committer, 'encoding ISO-8859-1\n\n', latin)
    expect([parsed.author.name, parsed.message]).toEqual(['René', 'René'])
    expect(parse(head, author, committer, 'encoding nonsense\n\nHello').message).toBe('Hello')
    expect(parse(head, author, committer, 'encoding UTF-8\n\n\ufeffHello').message).toBe('\ufeffHello')
  })

  it.each([
    ['no message', '', { message: '' }],
    ['an empty message', '\n', { message: '' }],
    ['a message of blank lines', '\n\n\n', { message: '\n\n' }],
  ])('may have %s', (_, rest, expected) => {
    expect(parse(head, author, committer, rest)).toMatchObject(expected)
  })

  it.each([
    ['Ada <ada@example.com>', 0, 'ada@example.com'],
    ['Ada <ada@example.com> yesterday', 0, 'ada@example.com'],
    ['Ada <ada@example.com> 99999999999999999999 +0000', 0, 'ada@example.com'],
    ['Ada <a@b>> 1700000000 +0000', 1_700_000_000_000, 'a@b'],
    ['Ada <<a@b>  1700000000', 1_700_000_000_000, '<a@b'],
  ])('may have an odd author: %s', (text, time, email) => {
    expect(parse(head, `author ${text}\n`, committer, '\n').author).toEqual({
      name: 'Ada',
      email,
      time: new Date(time),
      offsetMinutes: 0,
    })
  })

  it.runIf(hasGit)('is read as git reads it', () => {
    const cwd = createBareRepository()
    const texts = [
      'Ada <a@b>> 1700000000 +0000',
      'A. D. A. <a@b> 0 +0000',
      '<a@b> 17 +0000',
      'Ada <> 17 +0200',
      'Ada <a b> x',
    ]
    for (const text of texts) {
      const data = Buffer.from(`${head}author ${text}\n${committer}\nHello\n`)
      git(['hash-object', '-w', '-t', 'tree', '--stdin'], { cwd, input: '' })
      const id = git(['hash-object', '-w', '-t', 'commit', '--literally', '--stdin'], { cwd, input: data }).trim()
      const printed = git(['log', '-1', '--format=%an%n%ae%n%at', id], { cwd }).split('\n')
      const parsed = parseCommit(data).author
      expect([parsed.name, parsed.email, parsed.time.getTime() / 1000]).toEqual([
        printed[0],
        printed[1],
        Number(printed[2]),
      ])
    }
  })

  it.each([
    ['nothing', ''],
    ['no tree', author + committer],
    ['no id as tree', `tree x\n${author}${committer}`],
    ['no id as parent', `${head}parent x\n${author}${committer}`],
    ['no author', head + committer],
    ['no committer', head + author],
    ['an author without an address', `${head}author Ada\n${committer}`],
    ['an author whose address does not begin', `${head}author Ada> 1 +0000\n${committer}`],
    ['an author whose address does not end', `${head}author Ada <ada 1 +0000\n${committer}`],
    ['an author in the message only', `${head}${committer}\n${author}`],
  ])('is refused with %s', (_, text) => {
    expect(() => parse(text, '\n')).toThrow(MalformedObjectError)
  })

  it('never leads to another error', () => {
    const line = fc.constantFrom(
      head,
      author,
      committer,
      '\n',
      ' x\n',
      'author <\n',
      'parent \n',
      'encoding \n',
      'encoding utf-16le\n',
      '\0',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(line, hostileText)), (lines) => {
        const error = errorOf(() => parse(...lines))
        expect(error === undefined || error instanceof MalformedObjectError).toBe(true)
      }),
    )
  })
})

describe('a commit that would be malformed', () => {
  it.each([[{ tree: 'HEAD' }], [{ parents: [''] }], [{ parents: [emptyTreeId.toUpperCase()] }]])(
    'is not written: %j',
    (fault) => {
      expect(() => serializeCommit(aCommit(fault))).toThrow(MalformedObjectError)
    },
  )
})
