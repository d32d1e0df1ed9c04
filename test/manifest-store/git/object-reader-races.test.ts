import type * as FileSystem from 'node:fs'
import { existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ObjectMissingError } from '../../../src/manifest-store/git/git-errors.ts'
import { createObject } from '../../../src/manifest-store/git/git-object.ts'
import { ObjectReader } from '../../../src/manifest-store/git/object-reader.ts'
import type { PackFile } from '../../../src/manifest-store/git/pack-file.ts'
import { buildPack } from '../../../src/manifest-store/git/pack-file.ts'
import { createTemporaryFolder } from '../../support/real-git.ts'

// The real file system. Before the reader's calls of it, git takes the steps that a schedule gives it.
vi.mock(import('node:fs'), { spy: true })
const actual = await vi.importActual<typeof FileSystem>('node:fs')

/** Told before each call by which the reader sees what there is. */
let beforeCall: () => void = () => undefined

beforeEach(() => {
  vi.mocked(readdirSync).mockImplementation(((path: string) => {
    beforeCall()
    return actual.readdirSync(path)
  }) as typeof readdirSync)
  vi.mocked(openSync).mockImplementation((path, flags) => {
    beforeCall()
    return actual.openSync(path, flags)
  })
  vi.mocked(readFileSync).mockImplementation(((path: string) => {
    beforeCall()
    return actual.readFileSync(path)
  }) as typeof readFileSync)
  vi.mocked(existsSync).mockImplementation((path) => {
    beforeCall()
    return actual.existsSync(path)
  })
})

afterEach(() => {
  beforeCall = () => undefined
  vi.resetAllMocks()
})

const wanted = createObject('blob', Buffer.from('wanted'))

/** Packs that all have the object, as repacks at different times write it. */
const packs = await Promise.all(
  ['first', 'second', 'third'].map((own) => buildPack([wanted, createObject('blob', Buffer.from(own))])),
)
const [first, second, third] = packs as [PackFile, PackFile, PackFile]
const beside = await buildPack([createObject('blob', Buffer.from('beside'))])

class Repository {
  readonly gitDirectory = createTemporaryFolder()
  readonly #folder = join(this.gitDirectory, 'objects', 'pack')
  readonly #loose = join(this.gitDirectory, 'objects', wanted.id.slice(0, 2))

  constructor() {
    mkdirSync(this.#folder, { recursive: true })
    mkdirSync(this.#loose)
  }

  add(pack: PackFile): void {
    for (const step of this.adding(pack)) step()
  }

  addLoose(): void {
    writeFileSync(join(this.#loose, wanted.id.slice(2)), deflateSync(Buffer.from('blob 6\0wanted')))
  }

  adding({ name, pack, index }: PackFile): (() => void)[] {
    return [
      () => writeFileSync(join(this.#folder, `pack-${name}.pack`), pack),
      () => writeFileSync(join(this.#folder, `pack-${name}.idx`), index),
    ]
  }

  removing({ name }: PackFile, endings: readonly string[] = ['idx', 'pack']): (() => void)[] {
    return endings.map((ending) => () => rmSync(join(this.#folder, `pack-${name}.${ending}`)))
  }

  removingLoose(): (() => void)[] {
    return [() => rmSync(join(this.#loose, wanted.id.slice(2)))]
  }
}

interface Situation {
  readonly name: string
  readonly begin: (repository: Repository) => void
  /** What git does, one visible thing at a time. After each of them the object is somewhere. */
  readonly steps: (repository: Repository) => (() => void)[]
}

const situations: readonly Situation[] = [
  {
    name: 'a repack that removes the index of the old pack first',
    begin: (repository) => repository.add(first),
    steps: (repository) => [...repository.adding(second), ...repository.removing(first)],
  },
  {
    name: 'a repack that removes the index of the old pack last',
    begin: (repository) => repository.add(first),
    steps: (repository) => [...repository.adding(second), ...repository.removing(first, ['pack', 'idx'])],
  },
  {
    name: 'a repack of two packs that both have it',
    begin: (repository) => {
      repository.add(first)
      repository.add(second)
    },
    steps: (repository) => [
      ...repository.removing(first, ['pack', 'idx']),
      ...repository.adding(third),
      ...repository.removing(second, ['pack', 'idx']),
    ],
  },
  {
    name: 'a repack that takes it from a file of its own',
    begin: (repository) => repository.addLoose(),
    steps: (repository) => [...repository.adding(first), ...repository.removingLoose()],
  },
]

/** How many calls of the reader a step may wait for: after so many the reader has looked more than once. */
const calls = 7

/** All ways to put so many steps, in order, before so many calls: before which call each of them comes. */
function* schedules(steps: number, from = 0): Generator<readonly number[]> {
  if (steps === 0) yield []
  else
    for (let at = from; at < calls; at += 1) {
      for (const rest of schedules(steps - 1, at)) yield [at, ...rest]
    }
}

/** Takes each step before the call that the schedule says. */
function follow(steps: readonly (() => void)[], schedule: readonly number[]): void {
  const left = steps.map((take, index) => ({ take, at: schedule[index] ?? 0 }))
  let call = 0
  // What a step does calls the file system, too.
  let isTaking = false
  beforeCall = () => {
    if (isTaking) return
    isTaking = true
    while (left[0] !== undefined && left[0].at <= call) left.shift()?.take()
    isTaking = false
    call += 1
  }
}

describe('an object that git moves is found, whatever comes between', () => {
  const table = situations.flatMap((situation) => [
    [`${situation.name}, for a reader that knows nothing yet`, situation, false] as const,
    [`${situation.name}, for a reader that knows the old packs`, situation, true] as const,
  ])

  it.each(table)('%s', async (_, { begin, steps }, knowsPacks) => {
    const count = steps(new Repository()).length
    for (const schedule of schedules(count)) {
      const repository = new Repository()
      begin(repository)
      const reader = new ObjectReader(repository.gitDirectory)
      if (knowsPacks) await expect(reader.read('12'.repeat(20))).rejects.toThrow(ObjectMissingError)
      follow(steps(repository), schedule)
      const found = await reader.read(wanted.id).catch((error: unknown) => error)
      beforeCall = () => undefined
      expect([schedule, found]).toEqual([schedule, { type: 'blob', data: Buffer.from('wanted') }])
      expect([schedule, await reader.findMissing([wanted.id])]).toEqual([schedule, []])
      reader.close()
    }
  })

  it('also by whoever asks whether it is there', async () => {
    for (const { begin, steps } of situations) {
      for (const schedule of schedules(steps(new Repository()).length)) {
        const repository = new Repository()
        begin(repository)
        const reader = new ObjectReader(repository.gitDirectory)
        follow(steps(repository), schedule)
        const missing = await reader.findMissing([wanted.id])
        beforeCall = () => undefined
        expect([schedule, missing]).toEqual([schedule, []])
      }
    }
  })

  it('when one repack follows the other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(24), { minLength: 12, maxLength: 12 }), async (times) => {
        const repository = new Repository()
        repository.add(first)
        const reader = new ObjectReader(repository.gitDirectory)
        const steps = [second, third, first].flatMap((pack, at) => [
          ...repository.adding(pack),
          ...repository.removing([first, second, third][at] ?? first, at === 1 ? ['idx', 'pack'] : ['pack', 'idx']),
        ])
        follow(
          steps,
          times.toSorted((a, b) => a - b),
        )
        expect(Buffer.from((await reader.read(wanted.id)).data).toString()).toBe('wanted')
        beforeCall = () => undefined
      }),
      { numRuns: 500 },
    )
  })
})

describe('an index whose pack is gone', () => {
  it.each([
    ['of which the reader knew', true],
    ['that was there before the reader', false],
  ])('(%s) hides nothing that another pack has, for as long as it stays', async (_, isKnown) => {
    for (const order of [
      [first, second],
      [second, first],
    ]) {
      for (const gone of order) {
        const repository = new Repository()
        for (const pack of order) repository.add(pack)
        const reader = new ObjectReader(repository.gitDirectory)
        if (isKnown) await expect(reader.read('12'.repeat(20))).rejects.toThrow(ObjectMissingError)
        repository.removing(gone, ['pack'])[0]?.()
        expect(Buffer.from((await reader.read(wanted.id)).data).toString()).toBe('wanted')
        await expect(reader.read('12'.repeat(20))).rejects.toThrow(ObjectMissingError)
      }
    }
  })

  it('has no objects', async () => {
    const repository = new Repository()
    repository.add(first)
    repository.add(beside)
    const reader = new ObjectReader(repository.gitDirectory)
    await expect(reader.read('12'.repeat(20))).rejects.toThrow(ObjectMissingError)
    repository.removing(first, ['pack'])[0]?.()
    await expect(reader.read(wanted.id)).rejects.toThrow(ObjectMissingError)
    expect(await reader.findMissing([wanted.id])).toEqual([wanted.id])
  })
})

describe('an object of which one pack is damaged', () => {
  it('is read from another one, and from one that is put beside it while serving', async () => {
    const damaged = { ...first, pack: Buffer.from(first.pack).fill(0xff, 13, first.pack.length - 20) }
    for (const others of [[second], [second, third], []]) {
      for (const order of [
        [damaged, ...others],
        [...others, damaged],
      ]) {
        const repository = new Repository()
        for (const pack of order) repository.add(pack)
        const reader = new ObjectReader(repository.gitDirectory)
        if (others.length === 0) {
          await expect(reader.read(wanted.id)).rejects.toMatchObject({ code: 'MALFORMED_OBJECT' })
          repository.add(second)
        }
        expect(Buffer.from((await reader.read(wanted.id)).data).toString()).toBe('wanted')
      }
    }
  })
})
