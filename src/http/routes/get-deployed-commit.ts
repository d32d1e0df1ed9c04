import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { findEnvironment, unknownApplication } from '../../core/find.ts'
import type { ApplicationName } from '../../core/names.ts'
import type { ReleaseDetails } from '../../core/release-details.ts'
import { deployedVersion } from '../../core/snapshot.ts'
import type { ManifestStore } from '../../manifest-store/manifest-store.ts'
import { StoreUnavailableError } from '../../manifest-store/store-errors.ts'
import { messageType } from '../../protobuf/messages.ts'
import { toKuberpultCommitJson } from '../../protobuf/to-kuberpult-json.ts'
import { registerEndpoint } from '../endpoint.ts'
import { binarySchema, messageForms, readResponses, sendMessage, sendRepresentation } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

const text = { type: 'string' }

const responseType = messageType('signalbox.v1.GetDeployedCommitResponse')

/** Which source commit is deployed: for pipelines. */
export function getDeployedCommit(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/environments/:environment/applications/:application/commit',
    operationId: 'getDeployedCommit',
    access: 'authenticated',
    tag: 'Deployments',
    summary: 'The source commit of what is deployed of an application in an environment',
    params: z.strictObject({
      environment: z.string().describe("The environment's name."),
      application: z.string().describe("The application's name."),
    }),
    forms: messageForms,
    responses: {
      ...readResponses('The commit that the deployed release was made from; `{}` when nothing is deployed.', {
        'application/json': { type: 'object', properties: { author: text, commit_id: text, commit_message: text } },
        'application/x-protobuf': { ...binarySchema, description: 'signalbox.v1.GetDeployedCommitResponse' },
      }),
      404: { description: 'There is no such environment or application.' },
      503: { description: 'The repository, or what is deployed there, cannot be read.' },
    },
    handle: async ({ params, form, request }, reply) => {
      const release = await findDeployedRelease(store, params)
      if (form.mediaType === 'application/x-protobuf') {
        const { sourceAuthor: author, sourceCommitId: commitId, sourceMessage: commitMessage } = release ?? {}
        return sendMessage(request, reply, form, responseType, { author, commitId, commitMessage })
      }
      return sendRepresentation(request, reply, 'application/json; charset=utf-8', toKuberpultCommitJson(release))
    },
  })
}

async function findDeployedRelease(
  store: ManifestStore,
  params: { readonly environment: string; readonly application: string },
): Promise<ReleaseDetails | undefined> {
  const snapshot = await store.snapshot()
  const environment = findEnvironment(snapshot, params.environment)
  const application = snapshot.applications.get(params.application as ApplicationName)
  if (application === undefined) throw unknownApplication(params.application)
  if (!application.ok) throw new StoreUnavailableError(application.reason)
  const version = deployedVersion(environment, application.value)
  if (!version.ok) throw new StoreUnavailableError(version.reason)
  if (version.value === undefined) return undefined
  const release = await store.readRelease(snapshot, application.value.name, version.value)
  const saysNothing = !release?.sourceAuthor && !release?.sourceCommitId && !release?.sourceMessage
  // Nothing at all would read as "nothing is deployed".
  if (saysNothing && release?.unreadable !== undefined) throw new StoreUnavailableError(release.unreadable)
  return release
}
