import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { describe, expect, it } from 'vitest'

const sourceDirectory = new URL('../../src/', import.meta.url)

/** Each room of `src/`, what it may import of others, and whether it may import packages and Node's modules. */
const rooms: Readonly<
  Record<string, { readonly rooms: readonly string[]; readonly packages: 'none' | 'npm' | 'all' }>
> = {
  core: { rooms: [], packages: 'none' },
  auth: { rooms: ['core'], packages: 'all' },
  protobuf: { rooms: ['core'], packages: 'npm' },
  'manifest-store': { rooms: ['core', 'network'], packages: 'all' },
  'manifest-check': { rooms: ['core'], packages: 'all' },
  http: { rooms: ['core', 'auth', 'protobuf', 'manifest-store', 'manifest-check'], packages: 'all' },
  network: { rooms: [], packages: 'all' },
  telemetry: { rooms: ['core', 'http', 'manifest-store'], packages: 'all' },
  cli: { rooms: ['protobuf', 'network'], packages: 'all' },
}

/** All that others may know of these rooms: the port and its errors, and what can be configured. Only the process picks an implementation. */
const ports: Readonly<Record<string, readonly string[]>> = {
  'manifest-store': [
    'manifest-store/manifest-store.ts',
    'manifest-store/store-errors.ts',
    'manifest-store/store-observer.ts',
    'manifest-store/remote/remote-address.ts',
    'manifest-store/remote/remote-config.ts',
  ],
  'manifest-check': ['manifest-check/manifest-checker.ts'],
}
const processFile = 'server-main.ts'
/** They pick implementations. */
const wiring: readonly string[] = [processFile, 'open-repository.ts']

describe('imports', () => {
  const files = sourceFiles()

  it('are found at all', () => {
    expect(files.length).toBeGreaterThan(20)
    expect(importsOf(readSource('core/release-train.ts'))).toEqual(
      expect.arrayContaining(['./deployments.ts', './release-train-prognosis.ts', './skip-cause.ts']),
    )
  })

  it.each(files)('point one way in %s', (file) => {
    expect(violationsIn(file, readSource(file))).toEqual([])
  })
})

describe('the watch over imports', () => {
  it.each([
    ['core/a.ts', "import { b } from '../auth/b.ts'"],
    ['core/a.ts', "import type { ManifestStore } from '../manifest-store/manifest-store.ts'"],
    ['core/a.ts', "import { readFile } from 'node:fs/promises'"],
    ['core/a.ts', "import fs from 'fs'"],
    ['core/a.ts', "import { z } from 'zod'"],
    ['core/a.ts', "export * from '../protobuf/b.ts'"],
    ['core/a.ts', "export type { B } from '../protobuf/b.ts'"],
    ['core/a.ts', "import '../http/b.ts'"],
    ['core/a.ts', "const b = await import('../http/b.ts')"],
    ['core/a.ts', "let b: import('../http/b.ts').B"],
    ['core/a.ts', "import {\n  b,\n  type C,\n} from '../config.ts'"],
    ['core/a.ts', 'import { b } from "../auth/b.ts"'],
    ['core/nested/a.ts', "import { b } from '../../auth/b.ts'"],
    ['core/a.ts', "import { aSnapshot } from '../../test/support/snapshot-builder.ts'"],
    ['auth/a.ts', "import { b } from '../http/b.ts'"],
    ['auth/a.ts', "import type { ManifestStore } from '../manifest-store/manifest-store.ts'"],
    ['protobuf/a.ts', "import { b } from '../http/b.ts'"],
    ['protobuf/a.ts', "import { readFile } from 'node:fs/promises'"],
    ['manifest-store/a.ts', "import { b } from '../protobuf/b.ts'"],
    ['http/a.ts', "import { GitManifestStore } from '../manifest-store/git-manifest-store.ts'"],
    ['http/routes/a.ts', "import type { Repository } from '../../manifest-store/repository.ts'"],
    ['http/a.ts', "import { WorkerManifestChecker } from '../manifest-check/worker-manifest-checker.ts'"],
    ['manifest-check/a.ts', "import { createObject } from '../manifest-store/git/git-object.ts'"],
    ['manifest-store/a.ts', "import type { ManifestChecker } from '../manifest-check/manifest-checker.ts'"],
    ['http/a.ts', "import { b } from '../cli/b.ts'"],
    ['http/a.ts', "import { b } from '../config.ts'"],
    ['cli/a.ts', "import { b } from '../core/b.ts'"],
    ['build-server.ts', "import { GitManifestStore } from './manifest-store/git-manifest-store.ts'"],
    ['config.ts', "import { main } from './server-main.ts'"],
  ])('%s refuses %j', (file, source) => {
    expect(violationsIn(file, source)).toHaveLength(1)
  })

  it.each([
    ['core/a.ts', "import { b } from './b.ts'"],
    ['core/nested/a.ts', "import { b } from '../b.ts'"],
    ['auth/a.ts', "import { b } from '../core/b.ts'\nimport { jwtVerify } from 'jose'\nimport fs from 'node:fs'"],
    [
      'protobuf/a.ts',
      "import { b } from '../core/b.ts'\nimport Long from 'long'\nimport * as c from './generated/c.js'",
    ],
    [
      'manifest-store/a.ts',
      "import git from 'isomorphic-git'\nimport fs from 'node:fs'\nimport { b } from '../core/b.ts'",
    ],
    ['http/routes/a.ts', "import type { ManifestStore } from '../../manifest-store/manifest-store.ts'"],
    [
      'http/a.ts',
      "import { StoreUnavailableError } from '../manifest-store/store-errors.ts'\nimport fastify from 'fastify'",
    ],
    ['http/a.ts', "import type { ManifestChecker } from '../manifest-check/manifest-checker.ts'"],
    ['manifest-check/a.ts', "import { parseDocument } from 'yaml'\nimport { Worker } from 'node:worker_threads'"],
    ['cli/a.ts', "import { b } from '../protobuf/b.ts'\nimport { parseArgs } from 'node:util'"],
    ['build-server.ts', "import type { ManifestStore } from './manifest-store/manifest-store.ts'"],
    ['server-main.ts', "import { GitManifestStore } from './manifest-store/git-manifest-store.ts'"],
  ])('%s accepts %j', (file, source) => {
    expect(violationsIn(file, source)).toEqual([])
  })
})

describe('the core is a function of its arguments', () => {
  /** What would make an answer depend on the moment, the machine or chance. */
  const impurities =
    /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )\bDate\(|\bMath\.random\b|\b(process|console|performance|crypto|globalThis|fetch|setTimeout|setInterval|setImmediate|queueMicrotask|Intl|localeCompare|toLocale\w*)\b/gu

  const coreFiles = sourceFiles().filter((file) => file.startsWith('core/'))

  it.each(coreFiles)('%s', (file) => {
    expect(withoutComments(readSource(file)).match(impurities) ?? []).toEqual([])
  })

  it.each([
    ['Date.now()', 'Date.now'],
    ['new Date()', 'new Date()'],
    ['new Date( )', 'new Date( )'],
    ['Date()', 'Date('],
    ['Math.random()', 'Math.random'],
    ['process.env', 'process'],
    ["console.log('x')", 'console'],
    ['setTimeout(f, 0)', 'setTimeout'],
    ['globalThis.Date', 'globalThis'],
    ['a.localeCompare(b)', 'localeCompare'],
    ['a.toLocaleString()', 'toLocaleString'],
  ])('would not be with %s', (source, impurity) => {
    expect(source.match(impurities)).toEqual([impurity])
  })

  it.each([
    'new Date(text)',
    'const now: Date = input.now',
    'interface A { readonly now: Date }',
    'processed(consoles)',
  ])('is still with %s', (source) => {
    expect(source.match(impurities)).toBeNull()
  })

  it('may say what it likes in comments', () => {
    expect(withoutComments("a // Date.now()\n/* process\n console */ b('https://x')")).toBe("a \n b('https://x')")
  })
})

/** All source files relative to `src/`, generated ones aside. */
function sourceFiles(): readonly string[] {
  return readdirSync(sourceDirectory, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /\.[cm]?[jt]s$/u.test(path) && !path.includes('/generated/'))
    .toSorted()
}

function readSource(file: string): string {
  return readFileSync(new URL(file, sourceDirectory), 'utf8')
}

/** What a source file imports, types included: `import`, `export ... from` and `import(...)`. */
function importsOf(source: string): readonly string[] {
  const statements = /^\s*(?:import|export)\b[^'"`;=()]*?\bfrom\s*(['"])(.*?)\1/gmu
  const sideEffects = /^\s*import\s*(['"])(.*?)\1/gmu
  const expressions = /\b(?:import|require)\s*\(\s*(['"`])(.*?)\1/gu
  const code = withoutComments(source)
  return [statements, sideEffects, expressions].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, , specifier = '']) => specifier),
  )
}

/** Good enough for code whose strings hold no comment signs but those of addresses. */
function withoutComments(source: string): string {
  return source.replaceAll(/\/\*.*?\*\//gsu, '').replaceAll(/(?<!:)\/\/.*$/gmu, '')
}

function violationsIn(file: string, source: string): readonly string[] {
  return importsOf(source).flatMap((specifier) => {
    const complaint = complaintAbout(file, specifier)
    return complaint === undefined ? [] : [`${file} imports ${specifier}: ${complaint}`]
  })
}

function complaintAbout(file: string, specifier: string): string | undefined {
  const room = roomOf(file)
  const rule = room === undefined ? undefined : rooms[room]
  if (room !== undefined && rule === undefined) return `nobody knows the room ${room}`
  if (!specifier.startsWith('.')) {
    const kind = isBuiltin(specifier) ? "Node's modules" : 'packages'
    const isAllowed = rule === undefined || rule.packages === 'all' || (rule.packages === 'npm' && kind === 'packages')
    return isAllowed ? undefined : `${room} may not import ${kind}`
  }
  const imported = posix.normalize(posix.join(posix.dirname(file), specifier))
  if (imported.startsWith('..')) return 'only what is in src may be imported'
  if (imported === processFile) return 'nothing imports the process'
  const importedRoom = roomOf(imported)
  if (importedRoom === room) return undefined
  const port = importedRoom === undefined ? undefined : ports[importedRoom]
  if (port !== undefined && !wiring.includes(file) && !port.includes(imported)) {
    return `only the process picks an implementation of ${importedRoom}`
  }
  // The files that stand beside the rooms wire them.
  if (rule === undefined) return undefined
  return importedRoom !== undefined && rule.rooms.includes(importedRoom)
    ? undefined
    : `${room} may not import ${importedRoom ?? 'what wires the rooms'}`
}

/** The room a file is in; undefined for the files beside the rooms. */
function roomOf(file: string): string | undefined {
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined
}
