import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Application } from '../../core/application.ts'
import { latestRelease } from '../../core/application.ts'
import { DomainError } from '../../core/errors.ts'
import { parseVersion, releaseDirectory } from '../../core/manifest-layout.ts'
import type { ApplicationName, EnvironmentName } from '../../core/names.ts'
import type { ReleaseDetails } from '../../core/release-details.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import type { ManifestStore } from '../../manifest-store/manifest-store.ts'
import { StoreUnavailableError } from '../../manifest-store/store-errors.ts'
import { findDeployments, toReleaseMessage } from '../../protobuf/to-application-message.ts'
import { toKuberpultManifestsJson } from '../../protobuf/to-kuberpult-json.ts'
import { toManifestsBinary } from '../../protobuf/to-manifests-message.ts'
import { hashOfParts } from '../conditional.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'
import { binarySchema, messageForms, readResponses, sendTagged, toStream } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** Kuberpult's two paths (spec 3.3): it has had them one after the other. */
const manifestPaths = [
  {
    url: '/api/application/:application/release/manifests/:version',
    suffix: '',
    deprecated: false,
    pattern: /^(\d+)(?:\.(\d+))?$/,
    form: 'A number, `latest`, or `7.0`: Signalbox has no revisions, so 0 is the only one there is.',
    refusal: "invalid release number, expected number, 'Major.Minor' or 'latest",
  },
  {
    url: '/api/application/:application/release/:version/manifests',
    suffix: 'OnOldPath',
    deprecated: true,
    pattern: /^(\d+)$/,
    form: 'A number, or `latest`.',
    refusal: "invalid release number, expected uint or 'latest'",
  },
] as const

/** A release with its manifests. Kuberpult takes any method; its client sends POST. */
export function getManifests(app: FastifyInstance, { store }: ServerContext): void {
  for (const path of manifestPaths) {
    for (const method of ['GET', 'POST'] as const) {
      registerEndpoint(app, {
        method,
        url: path.url,
        operationId: `${method === 'GET' ? 'get' : 'postForGetting'}Manifests${path.suffix}`,
        access: 'authenticated',
        readsState: true,
        tag: 'Releases',
        summary: `A release with its manifests${method === 'GET' ? '' : ", as Kuberpult's client asks for it"}`,
        description:
          '`latest` is the highest release that is not a pre-publish. What of a manifest is not UTF-8 is shown as U+FFFD. ' +
          'An undeploy release has manifests of a single space.' +
          (method === 'GET' ? '' : ' The body is ignored.'),
        deprecated: path.deprecated,
        params: z.strictObject({
          application: z.string().describe("The application's name."),
          version: z.string().describe(path.form),
        }),
        forms: messageForms,
        responses: method === 'GET' ? responses : toPostResponses(responses),
        handle: async ({ params, form, request }, reply) => {
          const snapshot = await store.snapshot()
          const { application, release } = await findRelease(store, snapshot, params, path)
          const manifests = await readManifests(store, snapshot, application, release)
          const message = toReleaseMessage(release, findDeployments(snapshot, application).deployments)
          const isJson = form.mediaType === 'application/json'
          const contentType = isJson ? 'application/json; charset=utf-8' : form.mediaType
          const toBody = () => toStream((isJson ? toKuberpultManifestsJson : toManifestsBinary)(message, manifests))
          if (method === 'POST') {
            return reply.header('Cache-Control', 'no-store').type(contentType).send(toBody())
          }
          const entityTag = await hashOfParts([contentType, JSON.stringify(message), ...[...manifests].flat()])
          return sendTagged(request, reply, { contentType, entityTag }, toBody)
        },
      })
    }
  }
}

async function findRelease(
  store: ManifestStore,
  snapshot: Snapshot,
  params: { readonly application: string; readonly version: string },
  { pattern, refusal }: (typeof manifestPaths)[number],
): Promise<{ readonly application: Application; readonly release: ReleaseDetails }> {
  const name = params.application as ApplicationName
  const isLatest = params.version === 'latest'
  const [, digits = '', revision = '0'] = pattern.exec(params.version) ?? []
  const given = parseVersion(digits.replace(/^0+(?=\d)/, ''))
  if (!isLatest && given === undefined) {
    throw new RequestError('INVALID_REQUEST', refusal, [
      { path: 'path.version', message: 'must be the number of a release, or latest' },
    ])
  }
  const missing = isLatest ? `no releases found for application ${name}` : 'release not found'
  const application = snapshot.applications.get(name)
  if (application === undefined) throw new DomainError({ code: 'UNKNOWN_APPLICATION', application: name }, missing)
  if (!application.ok) throw new StoreUnavailableError(application.reason)
  const latest = isLatest ? latestRelease(application.value) : undefined
  if (latest?.ok === false) throw new StoreUnavailableError(latest.reason)
  const version = isLatest ? latest?.value.version : given
  const exists = version !== undefined && /^0+$/.test(revision)
  const release = exists ? await store.readRelease(snapshot, name, version) : undefined
  if (release === undefined) throw new DomainError({ code: 'UNKNOWN_RELEASE', application: name }, missing)
  return { application: application.value, release }
}

async function readManifests(
  store: ManifestStore,
  snapshot: Snapshot,
  { name }: Application,
  { version, environments }: ReleaseDetails,
): Promise<ReadonlyMap<EnvironmentName, Uint8Array>> {
  const manifests = new Map<EnvironmentName, Uint8Array>()
  const pathOf = (environment: EnvironmentName) =>
    `${releaseDirectory(name, version)}/environments/${environment}/manifests.yaml`
  await store.readAhead(snapshot, { paths: environments.map(pathOf) })
  for (const environment of environments) {
    const path = pathOf(environment)
    const bytes = await store.readFile(snapshot, path)
    await nextTurn()
    if (bytes !== undefined) manifests.set(environment, bytes)
  }
  return manifests
}

const text = { type: 'string' }
const flag = { type: 'boolean' }

/** Kuberpult's literal body: names of proto/, numbers as numbers. What is empty is left out. */
const bodySchema = {
  type: 'object',
  properties: {
    release: {
      type: 'object',
      properties: {
        version: { type: 'integer', minimum: 0 },
        source_commit_id: text,
        source_author: text,
        source_message: text,
        created_at: {
          type: 'object',
          properties: { seconds: { type: 'integer' }, nanos: { type: 'integer' } },
          description: 'Since 1970. The first second of the year 1 when nobody knows.',
        },
        undeploy_version: flag,
        pr_number: text,
        display_version: text,
        is_prepublish: flag,
        environments: { type: 'array', items: text },
        ci_link: text,
        unreadable: { type: 'string', description: 'Why some of it cannot be read.' },
      },
    },
    manifests: {
      type: 'object',
      description: 'By environment.',
      additionalProperties: { type: 'object', properties: { environment: text, content: text } },
    },
  },
}

const responses = {
  ...readResponses("The release and its manifests. As JSON it is the body of Kuberpult's own server.", {
    'application/json': bodySchema,
    'application/x-protobuf': binarySchema,
  }),
  404: { description: 'There is no such application or release.' },
}

/** Nobody keeps the answer to a POST. */
function toPostResponses({ 200: found, 304: _notModified, ...others }: typeof responses) {
  const { headers: _, ...withoutTag } = found
  return { 200: withoutTag, ...others }
}
