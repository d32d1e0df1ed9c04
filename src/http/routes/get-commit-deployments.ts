import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ReleaseOfCommit } from '../../core/commit-deployments.ts'
import { findCommitDeployments } from '../../core/commit-deployments.ts'
import { DomainError } from '../../core/errors.ts'
import type { ApplicationName } from '../../core/names.ts'
import type { Snapshot } from '../../core/snapshot.ts'
import type { ManifestStore, ReleaseName } from '../../manifest-store/manifest-store.ts'
import { toBinary, toJson } from '../../protobuf/messages.ts'
import {
  commitDeploymentsMessageType,
  toCommitDeploymentsMessage,
} from '../../protobuf/to-commit-deployments-message.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'
import { messageForms, readResponses, sendRepresentation } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'

/** Where a source commit has arrived. */
export function getCommitDeployments(app: FastifyInstance, { store }: ServerContext): void {
  registerEndpoint(app, {
    method: 'GET',
    url: '/api/commit-deployments/:commit',
    operationId: 'getCommitDeployments',
    access: 'authenticated',
    tag: 'Deployments',
    summary: 'In which environments a source commit has arrived',
    description:
      'Of each application the newest release that was made from the commit counts. `DEPLOYED`: it, or a newer release, is ' +
      'in the environment. `PENDING`: not yet. `UNKNOWN`: it has no manifest for the environment, or what is there cannot be read.',
    params: z.strictObject({
      commit: z
        .string()
        .regex(/^[0-9a-f]{7,40}$/i, 'must be the id of a source commit: 40 hex digits, or at least the first 7')
        .describe('The id of a source commit, or how it begins: at least 7 digits.'),
    }),
    forms: messageForms,
    responses: {
      ...readResponses('Where the releases made from the commit are.', 'GetCommitDeploymentInfoResponse'),
      404: { description: 'No release was made from such a commit.' },
    },
    handle: async ({ params, form, request }, reply) => {
      const snapshot = await store.snapshot()
      const releases = await findReleases(store, snapshot, params.commit.toLowerCase())
      const message = toCommitDeploymentsMessage(findCommitDeployments(snapshot, releases))
      return form.mediaType === 'application/json'
        ? // With a newline at the end, as from Kuberpult.
          sendRepresentation(
            request,
            reply,
            'application/json; charset=utf-8',
            `${toJson(commitDeploymentsMessageType, message)}\n`,
          )
        : sendRepresentation(request, reply, form.mediaType, toBinary(commitDeploymentsMessageType, message))
    },
  })
}

async function findReleases(
  store: ManifestStore,
  snapshot: Snapshot,
  commit: string,
): Promise<readonly ReleaseOfCommit[]> {
  const [found, ...others] = await store.findReleasesOfCommit(snapshot, commit)
  if (found === undefined) {
    throw new DomainError({ code: 'UNKNOWN_COMMIT', commit }, `no release was made from commit '${commit}'`)
  }
  if (others.length > 0) {
    throw new RequestError('INVALID_REQUEST', `releases were made from several commits that begin with ${commit}`, [
      { path: 'path.commit', message: 'must have more digits: it is the beginning of several commits' },
    ])
  }
  const [, releases] = found
  const newest = new Map<ApplicationName, bigint>()
  for (const { application, version } of releases) {
    const other = newest.get(application)
    if (other === undefined || version > other) newest.set(application, version)
  }
  return Promise.all(
    [...newest].map(([application, version]) => readEnvironments(store, snapshot, { application, version })),
  )
}

async function readEnvironments(store: ManifestStore, snapshot: Snapshot, name: ReleaseName): Promise<ReleaseOfCommit> {
  const application = snapshot.applications.get(name.application)
  const known = application?.ok === true ? application.value.releases.get(name.version) : undefined
  if (known?.ok === true) return { ...name, environments: [...known.value.manifests.keys()] }
  const release = await store.readRelease(snapshot, name.application, name.version)
  return { ...name, environments: release?.environments ?? [] }
}
