import type { FastifyInstance } from 'fastify'
import type { InjectOptions } from 'light-my-request'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { ServerOptions } from '../../src/build-server.ts'
import { buildServer } from '../../src/build-server.ts'
import { readConfig } from '../../src/config.ts'
import type { Change } from '../../src/core/change.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { toFormLimits } from '../../src/http/form.ts'
import type { StoreOptions } from '../../src/manifest-store/git-manifest-store.ts'
import type { ManifestStore } from '../../src/manifest-store/manifest-store.ts'
import { InMemoryRepository } from '../../src/manifest-store/repository/in-memory-repository.ts'
import { createFirstCommit, readManifestFolder } from '../../src/manifest-store/repository/seed-repository.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { commitBeside } from './changes.ts'
import { createTestChecker } from './manifest-checker.ts'
import { createTestStore, fixtureFolder, signalbox, testTime } from './test-store.ts'
import { WatchedRepository } from './watched-repository.ts'
import { writeSettings } from './write-settings.ts'

/** With which webhooks prove themselves. */
export const hookSecret = 'the secret of the test hook'

/** How a server differs from the usual one: the shop of manifests-fixture at `testTime`, where everybody may do everything. */
export interface ServerSetup {
  /** What differs from the shop. */
  readonly changes?: readonly Change[]
  /** The whole repository instead of the shop; an empty list for one without a commit. */
  readonly files?: readonly Change[]
  readonly principal?: Principal
  /** How its store differs from the usual one. */
  readonly store?: Partial<StoreOptions>
  readonly options?: Partial<
    Pick<
      ServerOptions,
      | 'json'
      | 'allowedDomains'
      | 'settings'
      | 'allowsLongApplicationNames'
      | 'clock'
      | 'version'
      | 'admission'
      | 'publicUrl'
      | 'trustedProxies'
      | 'problems'
      | 'pushHook'
      | 'retryAfter'
      | 'metrics'
      | 'manifestChecker'
    >
  >
}

export interface TestServer {
  readonly app: FastifyInstance
  readonly store: ManifestStore
  /** What the server reads and writes; it can be held up and made to fail. */
  readonly repository: WatchedRepository
  /** What was logged. */
  readonly log: readonly Readonly<Record<string, unknown>>[]
  /** Asks within the process; `request` is such as `PUT /api/environments/staging/releasetrain`. */
  readonly send: (request: string, options?: RequestOptions) => Promise<Answer>
  /** A commit that somebody else makes. */
  readonly commit: (...changes: readonly Change[]) => Promise<ObjectId>
  readonly head: () => Promise<ObjectId | undefined>
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. Text and bytes are sent as they are, without a Content-Type. */
  readonly body?: string | object | Uint8Array
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  readonly bytes: Uint8Array
  /** The body of an answer whose media type says that it is JSON. */
  readonly json: unknown
  /** The branch's commit before the request, and after the answer. */
  readonly headBefore: ObjectId | undefined
  readonly headAfter: ObjectId | undefined
  readonly hasCommitted: boolean
}

/** What an answer has at least: for `toMatchObject`. */
export type ExpectedAnswer = Partial<Readonly<Record<keyof Answer, unknown>>>

/** A server that opens no port and is closed after the test. Inside of a test only. */
export async function createTestServer(setup: ServerSetup = {}): Promise<TestServer> {
  const kept = new InMemoryRepository()
  const repository = new WatchedRepository(kept)
  const start = await createStart(setup)
  if (start !== undefined) await kept.publish({ from: undefined, to: start.commit, objects: start.objects })
  const clock = setup.options?.clock ?? (() => testTime)
  const metrics = new Metrics('0.0.0-test')
  const store = createTestStore(repository, clock, { observer: metrics, ...setup.store })
  metrics.setSources({
    snapshot: () => store.snapshot(),
    health: () => store.health(),
    packs: async () => undefined,
    problems: () => [],
    now: clock,
  })
  const log: Record<string, unknown>[] = []
  const principal =
    setup.principal ?? createUnrestrictedPrincipal({ name: 'Test Author', email: 'deployer@example.com' })
  const app = await buildServer({
    store,
    manifestChecker: createTestChecker(),
    clock,
    admission: { mode: 'none', principal, hosts: ['*'], acceptsAddresses: true },
    publicUrl: undefined,
    trustedProxies: [],
    problems: () => [],
    json: 'proto',
    allowedDomains: undefined,
    settings: writeSettings(),
    allowsLongApplicationNames: false,
    formLimits: toFormLimits(readConfig({}).releases),
    logger: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[0]) }),
    version: '0.0.0-test',
    pushHook: { secret: hookSecret, branch: 'main' },
    retryAfter: 5,
    observer: metrics,
    metrics,
    ...setup.options,
  })
  onTestFinished(async () => {
    await app.close()
    await store.close()
  })

  const head = () => kept.head()
  const send = async (request: string, options: RequestOptions = {}): Promise<Answer> => {
    const headBefore = await head()
    const response = await app.inject(toInjectOptions(request, options))
    const headAfter = await head()
    const headers = response.headers as Record<string, string | undefined>
    const isJson = /^application\/(.+\+)?json(;|$)/.test(headers['content-type'] ?? '')
    return {
      status: response.statusCode,
      headers,
      text: response.payload,
      bytes: response.rawPayload,
      json: isJson && response.payload !== '' ? (JSON.parse(response.payload) as unknown) : undefined,
      headBefore,
      headAfter,
      hasCommitted: headBefore !== headAfter,
    }
  }
  return { app, store, repository, log, send, head, commit: (...changes) => commitBeside(kept, changes) }
}

type FirstCommit = ReturnType<typeof createFirstCommit>

let shopFiles: Promise<readonly Change[]> | undefined
let shop: FirstCommit | undefined

/** The shop is read and hashed once for all servers: it is more than a hundred files. */
async function createStart({ files, changes }: ServerSetup): Promise<Awaited<FirstCommit> | undefined> {
  const create = (all: readonly Change[]) => createFirstCommit(all, signalbox, testTime)
  if (files !== undefined) return files.length === 0 ? undefined : create(files)
  shopFiles ??= readManifestFolder(fixtureFolder)
  if (changes !== undefined) return create([...(await shopFiles), ...changes])
  shop ??= create(await shopFiles)
  return shop
}

function toInjectOptions(request: string, { headers, body }: RequestOptions): InjectOptions {
  const [method = '', url = '', ...rest] = request.split(' ')
  if (!url.startsWith('/') || rest.length > 0) throw new Error(`'${request}' is no request such as 'GET /healthz'`)
  return {
    method,
    url,
    headers: { ...headers },
    ...(body !== undefined && { payload: body instanceof Uint8Array ? Buffer.from(body) : body }),
  }
}

/** A server that listens on a free port of 127.0.0.1. */
export async function listenTestServer(setup: ServerSetup = {}): Promise<TestServer & { readonly port: number }> {
  const server = await createTestServer(setup)
  await server.app.listen({ host: '127.0.0.1', port: 0 })
  const address = server.app.server.address()
  if (address === null || typeof address === 'string') throw new Error('it has no port')
  return { ...server, port: address.port }
}

/** One line of a table: a request to a server, and what it answers. */
export interface RequestCase extends ServerSetup, RequestOptions {
  readonly name: string
  readonly request: string
  /** Unless it says `hasCommitted: true`, the request must leave the branch where it was. */
  readonly expected: ExpectedAnswer
}

/** Declares a test for each case. */
export function itAnswers(cases: readonly RequestCase[]): void {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    const { send } = await createTestServer(one)
    expect(await send(one.request, one)).toMatchObject({ hasCommitted: false, ...one.expected })
  })
}

/** Every refusal: RFC 9457, with nothing written. `errors` are all the invalid parts, as path and message. */
export function aProblem(
  status: number,
  code: string,
  detail: unknown,
  errors?: readonly (readonly [path: string, message: unknown])[],
): ExpectedAnswer {
  return {
    status,
    headers: expect.objectContaining({
      'content-type': expect.stringMatching(/^application\/problem\+json(;|$)/) as string,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.stringMatching(/^[A-Za-z0-9._-]{1,64}$/) as string,
    }),
    json: {
      type: 'about:blank',
      status,
      code,
      detail,
      ...(errors && { errors: errors.map(([path, message]) => ({ path, message })) }),
    },
    hasCommitted: false,
  }
}

/** Somebody who may do everything but what is `denied`, such as `DeployReleaseTrain staging`, for any or these teams. */
export function aPrincipal(facts: {
  readonly denied?: readonly string[]
  readonly teams?: readonly string[]
}): Principal {
  return {
    name: 'Keeper',
    email: 'keeper@example.com',
    mayDo: (action, { environment }) => facts.denied?.includes(`${action} ${environment}`) !== true,
    isInTeam: (team) => facts.teams === undefined || (team !== undefined && facts.teams.includes(team)),
  }
}
