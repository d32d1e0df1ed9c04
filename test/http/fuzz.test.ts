import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Principal } from '../../src/core/principal.ts'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { createObject } from '../../src/manifest-store/git/git-object.ts'
import { commitTreeBeside } from '../support/changes.ts'
import type { Document, LocatedOperation } from '../support/openapi.ts'
import { contradictions, documentOf, operationsOf } from '../support/openapi.ts'
import type { FuzzRequest } from '../support/request-arbitrary.ts'
import { requestArbitrary } from '../support/request-arbitrary.ts'
import type { Answer, TestServer } from '../support/test-server.ts'
import { createTestServer } from '../support/test-server.ts'
import { testTime } from '../support/test-store.ts'
import { writeSettings } from '../support/write-settings.ts'

/** Of so many requests each; more with SIGNALBOX_TEST_FUZZ_SESSIONS, from another seed with SIGNALBOX_TEST_FUZZ_SEED. */
const requestsPerSession = 30
const sessions = Number(process.env['SIGNALBOX_TEST_FUZZ_SESSIONS'] ?? 100)
const seed = Number(process.env['SIGNALBOX_TEST_FUZZ_SEED'] ?? 20_260_504)

const settings = writeSettings({
  argoCd: { repositoryUrl: 'git@example.com:shop/manifests.git', branch: 'main' },
  releaseVersionsLimit: 5,
  writesCommitData: true,
})

/** What HTTP itself makes impossible: the only codes whose statuses an operation need not name. */
const codesOfHttp = new Set(['BODY_TOO_LARGE', 'URL_TOO_LONG', 'UNSUPPORTED_MEDIA_TYPE'])

/** What is answered where the path that came of a request leads to no operation, by code. */
const codesWithoutOperation = new Set([
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NOT_IMPLEMENTED',
  // A URL that is none.
  'INVALID_REQUEST',
  ...codesOfHttp,
])

/** What says that a request has the wrong form. */
const codesOfForm = new Set(['INVALID_REQUEST', 'INVALID_NAME', 'NOT_ACCEPTABLE', ...codesOfHttp])

describe('every operation of the OpenAPI document', () => {
  it('answers as the document says, whatever it is asked', { timeout: 3_600_000 }, async () => {
    const denied = { is: false }
    const principal: Principal = {
      name: 'Test Author',
      email: 'author@example.com',
      mayDo: () => !denied.is,
      isInTeam: () => true,
    }
    const time = { now: testTime }
    const server = await createTestServer({ principal, options: { settings, clock: () => time.now } })
    const { repository } = server
    const all = await documentOf(server)
    const start = parseCommit((await repository.read((await server.head()) ?? '')).data).tree
    const seen = new Map<string, Map<number, number>>()
    const valid = { count: 0 }

    const ask = async (request: FuzzRequest) => {
      denied.is = request.isDenied
      time.now = new Date(time.now.getTime() + request.minutes * 60_000)
      const { operationId, method } = request
      const { route, answer } = await exchange(server, request)
      const statuses = seen.get(operationId) ?? new Map<number, number>()
      seen.set(operationId, statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1))
      if (request.isValid) valid.count += 1
      const reached = findReached(all, method, route)
      const problems = [
        ...(reached === undefined ? objectionsToStranger(answer) : objections(all, reached, answer)),
        ...(request.isValid ? objectionsToRefusal(operationId, answer) : []),
      ]
      if (problems.length > 0) throw new Error(describeFailure(request, answer, problems))
    }

    const session = fc.array(requestArbitrary(all), {
      minLength: requestsPerSession,
      maxLength: requestsPerSession,
      size: 'max',
    })
    const nothing = createObject('tree', new Uint8Array())
    await fc.assert(
      fc.asyncProperty(session, fc.nat(9), async (requests, kind) => {
        time.now = testTime
        // Somebody puts everything back, or, now and then, takes everything away.
        await (kind === 0 ? commitTreeBeside(repository, nothing.id, [nothing]) : commitTreeBeside(repository, start))
        repository.updates.length = 0
        repository.reads = []
        for (const request of requests) await ask(request)
      }),
      { numRuns: sessions, seed, endOnFailure: true, reporter },
    )

    if (sessions < 100) return
    // Else it proves little.
    const neverRight = operationsOf(all).filter(
      ({ operation }) => ![200, 201].some((one) => seen.get(operation.operationId)?.has(one)),
    )
    expect(
      // Deleting needs what runs nowhere, and there is no issuer here to exchange anything.
      neverRight
        .map(({ operation }) => operation.operationId)
        .filter((name) => !['deleteApplication', 'exchangeToken', 'receivePushHook'].includes(name)),
    ).toEqual([])
    expect(valid.count).toBeGreaterThan((sessions * requestsPerSession) / 4)
  })
})

function describeFailure({ method, url, headers, body }: FuzzRequest, answer: Answer, problems: readonly string[]) {
  const sent = `${method} ${url} ${JSON.stringify(headers)} ${Buffer.from(body ?? '')
    .toString()
    .slice(0, 1000)}`
  return `${problems.join(', ')}:\n${sent}\nwas answered ${answer.status} ${answer.text.slice(0, 1000)}`
}

/** A session is too long to be printed: the last request of it is what matters, and the seed brings it back. */
function reporter({ failed, seed: usedSeed, errorInstance }: fc.RunDetails<[FuzzRequest[], number]>): void {
  if (failed)
    throw new Error(`SIGNALBOX_TEST_FUZZ_SEED=${usedSeed}: ${String(errorInstance)}`, { cause: errorInstance })
}

let requestNumber = 0

/** Asks, and finds out from the log which route answered. */
async function exchange(server: TestServer, { method, url, headers, body }: FuzzRequest) {
  requestNumber += 1
  const id = `fuzz-${requestNumber}`
  const answer = await server.send(`${method} ${url}`, {
    headers: { ...headers, 'x-request-id': id },
    ...(body !== undefined && { body }),
  })
  expect(answer.headers['x-request-id']).toBe(id)
  for (;;) {
    const line = server.log.findLast(({ reqId, status }) => reqId === id && status !== undefined)
    if (line !== undefined) return { answer, route: line['route'] as string | undefined }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Hostile text in a path may lead to another operation than the one that it was made for, or to none. */
function findReached(all: Document, method: string, route: string | undefined): LocatedOperation | undefined {
  const path = route?.replaceAll(/:(\w+)/g, '{$1}')
  return operationsOf(all).find((one) => one.method === method && one.path === path)
}

function codeOf({ json }: Answer): string {
  return String((json as { readonly code?: unknown } | undefined)?.code)
}

function objections(all: Document, reached: LocatedOperation, answer: Answer): readonly string[] {
  const isNamed = reached.operation.responses[answer.status] !== undefined
  return [
    ...(answer.status >= 500 ? ['a fault of the server'] : []),
    ...(isNamed || codesOfHttp.has(codeOf(answer)) ? [] : ['a status that the document does not name']),
    ...contradictions(all, reached, answer),
    ...objectionsToProblem(answer),
  ]
}

function objectionsToStranger(answer: Answer): readonly string[] {
  if (answer.status === 200 || answer.status === 302) return []
  return codesWithoutOperation.has(codeOf(answer)) ? objectionsToProblem(answer) : ['no refusal of a path that is none']
}

/** Every refusal says what it is in a code; only releases have bodies of their own for some. */
function objectionsToProblem({ status, headers, json }: Answer): readonly string[] {
  if (!headers['content-type']?.startsWith('application/problem+json')) return []
  const problem = json as Readonly<Record<string, unknown>>
  return [
    ...(problem['status'] === status ? [] : ['the body has another status']),
    ...(/^[A-Z_]+$/.test(String(problem['code'])) ? [] : ['it has no code']),
    ...(problem['requestId'] === headers['x-request-id'] ? [] : ['the body has another request id']),
    ...(problem['detail'] === undefined ? ['it does not say what is wrong'] : []),
  ]
}

function objectionsToRefusal(operationId: string, answer: Answer): readonly string[] {
  // OpenAPI cannot say that a team goes only with some actions.
  if (operationId === 'checkPermission' && answer.text.includes('"path":"query.team"')) return []
  return codesOfForm.has(codeOf(answer)) ? ['its form was right'] : []
}
