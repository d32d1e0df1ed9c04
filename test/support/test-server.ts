import type { FastifyInstance } from 'fastify'
import type { InjectOptions } from 'light-my-request'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import type { ServerOptions } from '../../src/build-server.ts'
import { buildServer } from '../../src/build-server.ts'
import type { Change } from '../../src/core/change.ts'
import type { ObjectId } from '../../src/core/object-id.ts'
import type { Principal } from '../../src/core/principal.ts'
import { createUnrestrictedPrincipal } from '../../src/core/principal.ts'
import { InMemoryRepository } from '../../src/manifest-store/in-memory-repository.ts'
import type { ManifestStore } from '../../src/manifest-store/manifest-store.ts'
import { readManifestFolder } from '../../src/manifest-store/seed-repository.ts'
import { createTestStore, fixtureFolder, seed, signalbox, testTime } from './test-store.ts'

/** How a server differs from the usual one: the shop of manifests-fixture at `testTime`, where everybody may do everything. */
export interface ServerSetup {
  /** What differs from the shop. */
  readonly changes?: readonly Change[]
  /** These files and nothing else instead of the shop; none for a repository without a commit. */
  readonly files?: readonly Change[]
  /** Takes the place of the store over all that. */
  readonly store?: (store: ManifestStore) => ManifestStore
  readonly principal?: Principal
  readonly options?: Partial<Pick<ServerOptions, 'json' | 'allowedDomains' | 'argoCd' | 'clock'>>
}

export interface TestServer {
  readonly app: FastifyInstance
  readonly store: ManifestStore
  /** What was logged. */
  readonly log: readonly LogLine[]
  /** Asks within the process; `request` is such as `PUT /api/environments/staging/releasetrain`. */
  send(request: string, options?: RequestOptions): Promise<Answer>
  /** A commit that somebody else makes. */
  commit(...changes: readonly Change[]): Promise<ObjectId>
  head(): Promise<ObjectId | undefined>
}

export type LogLine = Readonly<Record<string, unknown>>

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. A text is sent as it is, without a Content-Type. */
  readonly body?: string | object
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  readonly bytes: Uint8Array
  /** The body, read as JSON. */
  readonly json: () => unknown
  /** The branch's commit before the request, and after the answer. */
  readonly head: { readonly before: ObjectId | undefined; readonly after: ObjectId | undefined }
}

/** A server in the process, closed after the test. */
export async function startServer(setup: ServerSetup = {}): Promise<TestServer> {
  const repository = new InMemoryRepository()
  const files = setup.files ?? [...(await readManifestFolder(fixtureFolder)), ...(setup.changes ?? [])]
  if (files.length > 0) await seed(repository, files)
  const clock = setup.options?.clock ?? (() => testTime)
  const ownStore = createTestStore(repository, clock)
  const store = setup.store?.(ownStore) ?? ownStore
  const log: LogLine[] = []
  const principal = setup.principal ?? createUnrestrictedPrincipal({ name: 'Ada Author', email: 'ada@example.com' })
  const app = await buildServer({
    store,
    clock,
    principalOf: () => principal,
    json: 'proto',
    allowedDomains: undefined,
    argoCd: undefined,
    logger: pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line) as LogLine) }),
    version: '0.0.0-test',
    ...setup.options,
  })
  onTestFinished(async () => {
    await app.close()
    await store.close()
  })

  const head = () => repository.head()
  return {
    app,
    store,
    log,
    head,
    send: async (request, options = {}) => {
      const before = await head()
      const response = await app.inject(toInjectOptions(request, options))
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string | undefined>,
        text: response.payload,
        bytes: response.rawPayload,
        json: () => response.json<unknown>(),
        head: { before, after: await head() },
      }
    },
    commit: async (...changes) => {
      const { commit } = await createTestStore(repository, clock).submit(
        {
          reads: () => [],
          decide: () => ({ changes, text: { subject: 'Change something', sections: [], trailers: [] }, result: null }),
        },
        { principal: createUnrestrictedPrincipal(signalbox), requestId: 'someone-else' },
      )
      if (commit === undefined) throw new Error('the changes changed nothing')
      return commit
    },
  }
}

function toInjectOptions(request: string, { headers, body }: RequestOptions): InjectOptions {
  const [method, url = '', ...rest] = request.split(' ')
  if (!url.startsWith('/') || rest.length > 0) throw new Error(`'${request}' is no request such as 'GET /healthz'`)
  return {
    method: method as NonNullable<InjectOptions['method']>,
    url,
    headers: { ...headers },
    ...(body !== undefined && { payload: body }),
  }
}

/** A server that listens on 127.0.0.1, and its port. */
export async function startListeningServer(setup: ServerSetup = {}): Promise<TestServer & { readonly port: number }> {
  const server = await startServer(setup)
  await server.app.listen({ host: '127.0.0.1', port: 0 })
  const address = server.app.server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return { ...server, port: address.port }
}

/** One line of a table of requests. */
export interface RequestCase extends ServerSetup, RequestOptions {
  readonly name: string
  readonly request: string
  readonly expected: Expected
}

export interface Expected {
  readonly status: number
  /** Undefined for a header that must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | undefined>>
  /** Of the JSON body at least this. */
  readonly json?: object
  /** The whole text, or what it matches. */
  readonly text?: string | RegExp
  readonly problem?: ExpectedProblem
  /** Whether the request makes a commit. If not said, it must leave the branch where it was. */
  readonly commits?: boolean
}

export interface ExpectedProblem {
  readonly code: string
  readonly detail: string | RegExp
  /** All invalid parts. */
  readonly errors?: readonly { readonly path: string; readonly message: string | RegExp }[]
}

/** Declares a test for each case. */
export function itAnswers(cases: readonly RequestCase[]): void {
  it.each(cases)('$name', async (one) => {
    const server = await startServer(one)
    const answer = await server.send(one.request, one)
    expectAnswer(answer, one.expected)
  })
}

export function expectAnswer(answer: Answer, expected: Expected): void {
  // The body says why a status is not the expected one.
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: expected.status })
  expect(answer.head.after !== answer.head.before, 'a commit was made').toBe(expected.commits ?? false)
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expect(answer.headers[name.toLowerCase()], name).toEqual(toMatcher(value))
  }
  if (expected.json !== undefined) expect(answer.json()).toMatchObject(expected.json)
  if (expected.text !== undefined) expect(answer.text).toEqual(toMatcher(expected.text))
  if (expected.problem !== undefined) expectProblem(answer, expected.problem)
}

/** RFC 9457, and what every problem of Signalbox has besides. */
export function expectProblem(answer: Answer, { code, detail, errors }: ExpectedProblem): void {
  expect(answer.headers).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  expect(answer.json()).toMatchObject({
    type: 'about:blank',
    title: expect.any(String) as string,
    status: answer.status,
    code,
    detail: toMatcher(detail),
    requestId: answer.headers['x-request-id'],
  })
  if (errors !== undefined) {
    const parts = errors.map(({ path, message }) => ({ path, message: toMatcher(message) }))
    expect((answer.json() as { readonly errors?: unknown }).errors ?? []).toEqual(parts)
  }
}

function toMatcher(value: string | RegExp | undefined): unknown {
  return value instanceof RegExp ? expect.stringMatching(value) : value
}

/** A file of the repository. */
export function file(path: string, text: string): Change {
  return { path, content: { kind: 'text', text } }
}

/** The `version` link of an application in an environment, or its `queued_version`. */
export function deployed(
  environment: string,
  application: string,
  version: number | bigint,
  link: 'version' | 'queued_version' = 'version',
): Change {
  const target = `../../../../applications/${application}/releases/${version}`
  return { path: `environments/${environment}/applications/${application}/${link}`, content: { kind: 'link', target } }
}

/** No such file or directory any more. */
export function absent(path: string): Change {
  return { path, content: { kind: 'absent' } }
}

/** Somebody who lacks some permissions: `denied` says which, such as `DeployReleaseTrain staging`. */
export function aPrincipal({ denied = [], teams }: { readonly denied?: readonly string[]; readonly teams?: readonly string[] }): Principal {
  return {
    name: 'Grace',
    email: 'grace@example.com',
    mayDo: (action, { environment, application }) =>
      !denied.includes(`${action} ${environment}`) && !denied.includes(`${action} ${environment} ${application ?? ''}`),
    isInTeam: (team) => teams === undefined || (team !== undefined && teams.includes(team)),
  }
}
