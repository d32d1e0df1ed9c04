import type { FastifyInstance } from 'fastify'
import { prognoseReleaseTrain } from '../../core/release-train-prognosis.ts'
import { registerEndpoint } from '../endpoint.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { diffManifests } from '../manifest-diffs.ts'
import { releaseTrainContent, releaseTrainForms } from '../release-train-representation.ts'
import { notModified, sendTagged } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { prognosisQuery, releaseTrainPaths, toTrainRequest, trainParams } from './release-train-paths.ts'
import { whenCallerLeaves } from '../when-caller-leaves.ts'

/** What a train would do at this moment: what would travel, what would stay, and why. */
export function getReleaseTrainPrognosis(app: FastifyInstance, context: ServerContext): void {
  for (const { prefix, parameter, lookup, suffix, deprecated } of releaseTrainPaths) {
    registerEndpoint(app, {
      method: 'GET',
      url: `${prefix}/releasetrain/prognosis`,
      operationId: `getReleaseTrainPrognosis${suffix}`,
      access: 'authenticated',
      tag: 'Release trains',
      summary: 'What a release train would do now',
      description:
        'Decides what a train to this target would deploy, what it would leave behind, and why, without doing it. ' +
        'Send the `ETag` as `If-Match` with the train to run exactly this, or nothing.',
      deprecated,
      params: trainParams[parameter],
      query: prognosisQuery,
      requestHeaders: { 'If-None-Match': 'Answers 304 when this is still the current representation.' },
      forms: releaseTrainForms(context.json),
      responses: {
        200: {
          description: 'The prognosis.',
          content: releaseTrainContent('GetReleaseTrainPrognosisResponse'),
          headers: { ETag: 'The fingerprint of the prognosis, a dot, and a hash of this representation.' },
        },
        304: notModified,
        400: { description: 'The target is unknown, or a part of the request is invalid.' },
        403: { description: 'You may not run a train there.' },
        404: { description: 'There is no such `sourceGitTag`.' },
        406: { description: 'None of the forms is acceptable.' },
        409: { description: 'The `gitTag` exists already, or the `sourceGitTag` leads to no commit.' },
        500: { description: 'A fault of Signalbox.' },
        503: { description: 'The repository cannot be read.' },
      },
      wrongMethod: (method) => `releasetrain prognosis only accepts method GET, got: '${method}'`,
      handle: async ({ params, query, form, request }, reply) => {
        const wish = toTrainRequest(params, lookup, query)
        const tags = await context.store.readTags({ created: wish.gitTag, source: wish.sourceGitTag })
        const snapshot = await context.store.snapshot()
        const principal = context.principalOf(request)
        const prognosis = prognoseReleaseTrain(snapshot, wish, principal, context.clock(), tags)
        const manifestDiffs =
          query.diff === 'true' && form.showsDiffs
            ? await diffManifests(prognosis, snapshot, { ...context, signal: whenCallerLeaves(reply) })
            : undefined
        const fingerprint = fingerprintOf(prognosis)
        const { contentType } = form
        const { hash, toBytes } = form.toPrognosisBody(prognosis, {
          fingerprint,
          commit: snapshot.commit,
          manifestDiffs,
        })
        return sendTagged(request, reply, { contentType, entityTag: `${fingerprint}.${hash}` }, toBytes)
      },
    })
  }
}
