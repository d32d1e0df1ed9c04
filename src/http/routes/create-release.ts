import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { NewManifest, NewRelease, ReleaseOutcome } from '../../core/create-release.ts'
import { assertMayHandIn, createRelease as createReleaseCommand, pairKey } from '../../core/create-release.ts'
import type { ApplicationName } from '../../core/names.ts'
import type { ObjectId } from '../../core/object-id.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import { toBinary } from '../../protobuf/messages.ts'
import type { CreatedReleaseMessage } from '../../protobuf/to-created-release-message.ts'
import { createdReleaseMessageType, toCreatedReleaseMessage } from '../../protobuf/to-created-release-message.ts'
import { toKuberpultCreatedReleaseJson } from '../../protobuf/to-kuberpult-json.ts'
import type { ResponseDescription } from '../endpoint.ts'
import { audit } from '../audit.ts'
import { registerEndpoint } from '../endpoint.ts'
import type { ReadForm } from '../form.ts'
import { RequestError } from '../problem.ts'
import { binarySchema, messageForms } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { markRepeated, toCommandRequest } from '../submit-command.ts'
import { whenCallerLeaves } from '../when-caller-leaves.ts'
import type { ReleaseDialect, ReleaseForm } from './release-form.ts'
import { readReleaseForm } from './release-form.ts'

const paths = [
  { url: '/api/release', suffix: '', dialect: 'current' },
  { url: '/release', suffix: 'Older', dialect: 'older' },
] as const satisfies readonly { url: string; suffix: string; dialect: ReleaseDialect }[]

/** Kuberpult's statuses (spec 3.4). */
const statuses = {
  created: 201,
  same: 200,
  different: 409,
  'too-old': 400,
  'invalid-name': 400,
  'missing-manifest': 400,
  'no-downstream': 400,
} as const satisfies Record<Exclude<ReleaseOutcome['kind'], 'undecided'>, number>

/** Takes a new version of an application with its manifests. */
export function createRelease(app: FastifyInstance, context: ServerContext, readForm: ReadForm): void {
  for (const { url, suffix, dialect } of paths) {
    registerEndpoint(app, {
      method: 'POST',
      url,
      operationId: `createRelease${suffix}`,
      access: { action: 'CreateRelease' },
      tag: 'Releases',
      summary: 'Create a release',
      description:
        'Deployed at once where environments take the newest release by themselves; a lock there keeps it waiting. The same ' +
        'version with the same content again is a success, so a pipeline may repeat it. The JSON is what Kuberpult answers; ' +
        'in protobuf there is also the version, the commit, and what became of it in each environment.',
      deprecated: dialect === 'older',
      multipart: multipartSchema,
      forms: messageForms,
      responses: {
        201: {
          description: 'It was created.',
          content: outcomeContent('Success'),
          headers: { Location: 'The application.' },
        },
        200: { description: 'It exists already, with the same content.', content: outcomeContent('AlreadyExistsSame') },
        400: {
          description: 'Refused, as the answer says, or a part of the request is invalid.',
          content: {
            ...outcomeContent('TooOld', 'TooLong', 'MissingManifest', 'IsNoDownstream'),
            'application/problem+json': { $ref: 'Problem#' },
          },
        },
        403: { description: 'You may not create releases, or not deploy them where this one would go by itself.' },
        406: { description: 'None of the forms is acceptable. Nothing was done.' },
        408: { description: 'The request took too long to arrive.' },
        409: {
          description:
            'The version exists with other content, or the repository does not let it be written. Nothing was done.',
          content: {
            ...outcomeContent('AlreadyExistsDifferent'),
            'application/problem+json': { $ref: 'Problem#' },
          },
        },
        413: { description: 'The body, or a part of it, is larger than is allowed.' },
        500: { description: 'A fault of Signalbox.' },
        503: {
          description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.',
        },
      },
      handle: async ({ form, request }, reply) => {
        const fields = readReleaseForm(await readForm(request, reply), dialect, context.allowedDomains)
        const signal = whenCallerLeaves(reply)
        assertMayHandIn({ snapshot: await context.store.snapshot(), principal: context.principalOf(request) }, fields)
        const release = await checkManifests(context, fields, signal)
        const { outcome, commit } = await submitRelease(context, release, { request, reply, signal })
        const message = toCreatedReleaseMessage(
          release.application,
          outcome,
          commit,
          outcome.kind === 'different' ? await toDiff(context, outcome, signal) : '',
        )
        if (outcome.kind === 'created') {
          reply.header('Location', `/api/applications/${encodeURIComponent(release.application)}`)
        }
        reply.code(statuses[outcome.kind]).header('Cache-Control', 'no-store')
        return sendOutcome(reply, form.mediaType, message)
      },
    })
  }
}

function sendOutcome(reply: FastifyReply, mediaType: string, message: CreatedReleaseMessage): FastifyReply {
  return mediaType === 'application/json'
    ? reply.type('application/json; charset=utf-8').send(toKuberpultCreatedReleaseJson(message))
    : reply.type(mediaType).send(toBinary(createdReleaseMessageType, message))
}

/** Every manifest must be YAML, but for those that the release has already; all that are not are named, each with its first problem. */
async function checkManifests(
  context: ServerContext,
  { manifests, ...fields }: ReleaseForm,
  signal: AbortSignal,
): Promise<NewRelease> {
  const existing = findManifests(await context.store.snapshot(), fields)
  const submitted = Array.from(manifests, ([environment, bytes]) => ({
    environment,
    bytes,
    existing: existing?.get(environment),
  }))
  const checked = await context.manifestChecker.check(submitted, signal)
  const errors = checked.flatMap(({ environment, problem }) =>
    problem === undefined
      ? []
      : [
          {
            path: `manifests[${environment}]`,
            message:
              `Manifest for environment ${JSON.stringify(environment)} is not valid YAML: ` +
              `${problem.message} (line ${problem.line}, column ${problem.column})`,
          },
        ],
  )
  if (errors.length > 0) {
    throw new RequestError('INVALID_REQUEST', errors.map(({ message }) => message).join('; '), errors)
  }
  const withIds = new Map<string, NewManifest>()
  for (const [index, { environment, bytes }] of submitted.entries()) {
    withIds.set(environment, { id: checked[index]?.id as ObjectId, bytes })
  }
  return { ...fields, manifests: withIds }
}

/** The manifests of the release that exists already, by environment; undefined where none is known. */
function findManifests(
  { applications }: Snapshot,
  { application, version }: Pick<ReleaseForm, 'application' | 'version'>,
): ReadonlyMap<string, ObjectId> | undefined {
  const known = applications.get(application as ApplicationName)
  const release = known?.ok && version !== undefined ? known.value.releases.get(version) : undefined
  return release?.ok ? release.value.manifests : undefined
}

/** Releases do not change, so that one comparison is enough, unless others rewrite them meanwhile. */
const maximumRounds = 5

type Decided = Exclude<ReleaseOutcome, { kind: 'undecided' }>

/** Lets the command decide. Manifests that it cannot tell apart by their ids alone are compared outside the write queue. */
async function submitRelease(
  context: ServerContext,
  release: NewRelease,
  {
    request,
    reply,
    signal,
  }: { readonly request: FastifyRequest; readonly reply: FastifyReply; readonly signal: AbortSignal },
): Promise<{ readonly outcome: Decided; readonly commit: ObjectId | undefined }> {
  const { settings, allowsLongApplicationNames: allowsLongNames, store, manifestChecker } = context
  // Their ids stand for all of their bytes.
  const manifests = new Map(Array.from(release.manifests, ([environment, { id }]) => [environment, id]))
  const commandRequest = toCommandRequest(context, request, reply, { ...release, manifests })
  const comparisons = new Map<string, boolean>()
  for (let round = 1; round <= maximumRounds; round += 1) {
    const command = createReleaseCommand({ release, settings, allowsLongNames, comparisons })
    const submitted = await store.submit(command, commandRequest)
    const { result: outcome, commit } = submitted
    if (outcome.kind !== 'undecided') {
      const isDone = outcome.kind === 'created' || outcome.kind === 'same'
      audit(
        request,
        isDone
          ? { outcome: 'done', commit, ...markRepeated(submitted, reply) }
          : { outcome: 'refused', code: outcome.kind },
        {
          application: release.application,
        },
      )
      return { outcome, commit }
    }
    for (const { existing, requested } of outcome.pairs) {
      const isSame = await manifestChecker.isSame(await store.readBlob(existing), requested.bytes, signal)
      comparisons.set(pairKey(existing, requested.id), isSame)
    }
  }
  throw new Error('the manifests of a release changed again and again while they were compared')
}

/** From what exists to what was asked for; empty where nothing exists, as for Kuberpult. */
async function toDiff(
  { store, manifestChecker }: ServerContext,
  { difference }: Extract<ReleaseOutcome, { kind: 'different' }>,
  signal: AbortSignal,
): Promise<string> {
  if (difference.kind === 'text') {
    const names = { from: 'existing', to: 'request' }
    return manifestChecker.diff(difference.existing, difference.requested, names, signal)
  }
  const { environment, existing, requested } = difference
  if (existing === undefined) return `manifest missing for env ${environment}`
  const names = { from: `${environment}-existing`, to: `${environment}-request` }
  return manifestChecker.diff(await store.readBlob(existing), requested.bytes, names, signal)
}

function outcomeContent(...outcomes: readonly string[]): NonNullable<ResponseDescription['content']> {
  return {
    'application/json': {
      type: 'object',
      description: 'One of these members.',
      properties: Object.fromEntries(outcomes.map((name) => [name, outcomeSchemas[name] ?? { type: 'object' }])),
      minProperties: 1,
      maxProperties: 1,
      additionalProperties: false,
    },
    'application/x-protobuf': { ...binarySchema, description: 'api.v1.CreateReleaseResponse' },
  }
}

const texts = { type: 'array', items: { type: 'string' } }

const outcomeSchemas: Readonly<Record<string, object>> = {
  TooLong: {
    type: 'object',
    description: 'The name of the application is too long, or has other characters than it may have.',
    properties: { app_name: { type: 'string' }, reg_exp: { type: 'string' }, max_len: { type: 'integer' } },
  },
  TooOld: { type: 'object', description: 'The version is so old that it would be removed at once.' },
  AlreadyExistsDifferent: {
    type: 'object',
    properties: {
      first_differing_field: {
        type: 'integer',
        description:
          'Absent or 0: source_commit_id, 1: source_author, 2: source_message, 4: display_version, 5: team, 6: manifests.',
      },
      diff: { type: 'string', description: 'Unified, from what exists to what was asked for.' },
    },
  },
  MissingManifest: {
    type: 'object',
    description: 'It was to be deployed to environments that it has no manifest for.',
    properties: { missing_manifest: texts },
  },
  IsNoDownstream: {
    type: 'object',
    description: 'Environments that it was to be deployed to take the newest release by themselves, or do not exist.',
    properties: { no_downstream: texts },
  },
}

/** Swagger UI sends what its fields show, and would show `string` in those without an example. */
const value = (description: string, more: object = {}) => ({ type: 'string', description, example: '', ...more })

const manifest = {
  type: 'string',
  format: 'binary',
  description:
    'The manifest for the environment in brackets, as a file part: YAML, with any number of documents. One part for each environment.',
}

const multipartSchema = {
  type: 'object',
  required: ['application'],
  properties: {
    application: value('The application. A new one comes into being with its first release.', { example: 'cart' }),
    version: value('A whole number up to 2^64 - 1. The next one when it is absent.', { pattern: '^[0-9]+$' }),
    team: value('Who owns the application. Absent, its team stays.'),
    source_commit_id: value('The commit that the release was made from: 40 hex digits.'),
    previous_commit_id: value('The commit that the release before was made from.'),
    source_author: value('Who wrote that commit.', { maxLength: 1000 }),
    source_message: value("That commit's message.", { maxLength: 1000 }),
    display_version: value('What people call the version; at most 15 bytes.', { maxLength: 15 }),
    ci_link: value('Where the pipeline that asks can be looked at.', { maxLength: 1000 }),
    is_prepublish: value('`true` announces the version: without manifests, and nothing is deployed.'),
    deploy_to_downstream_environments: {
      type: 'array',
      items: { type: 'string' },
      example: [],
      description:
        'Environments that it is deployed to at once although they take their versions from another environment. Can be repeated.',
    },
    'manifests[development]': manifest,
  },
  // One file for each environment; the first by name, since Swagger UI only offers fields that have one.
  patternProperties: {
    '^manifests\\[[^\\[\\]]+\\]$': manifest,
  },
}
