import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { assertCiLink } from '../../core/ci-link.ts'
import type { Command } from '../../core/command.ts'
import type { Prognosis } from '../../core/release-train-prognosis.ts'
import { createReleaseTrain } from '../../core/release-train.ts'
import type { Submitted } from '../../manifest-store/manifest-store.ts'
import { allowsFingerprint } from '../conditional.ts'
import { registerEndpoint } from '../endpoint.ts'
import { fingerprintOf } from '../fingerprint.ts'
import { toProblem } from '../problem.ts'
import { releaseTrainContent, releaseTrainForms } from '../release-train-representation.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { releaseTrainPaths, toTrainRequest, trainParams, trainQuery } from './release-train-paths.ts'

const trainBody = z
  .strictObject({
    ciLink: z.string().optional().describe('Where the pipeline that asks can be looked at. Stands in the commit.'),
  })
  // Swagger UI sends the example as it stands, and a link that leads nowhere would stay in the commit.
  .meta({ description: 'Optional: an empty body is fine.', examples: [{}] })

/** Runs a train: deploys what its prognosis says, in one commit, and says what happened. */
export function runReleaseTrain(app: FastifyInstance, context: ServerContext): void {
  for (const { prefix, parameter, lookup, suffix, deprecated } of releaseTrainPaths) {
    registerEndpoint(app, {
      method: 'PUT',
      url: `${prefix}/releasetrain`,
      operationId: `runReleaseTrain${suffix}`,
      access: { action: 'DeployReleaseTrain' },
      tag: 'Release trains',
      summary: 'Run a release train',
      description:
        'Deploys the versions of the upstream environment to the target, in one commit: exactly what the prognosis says at that ' +
        'moment. The answer tells for every application what was deployed, or why it stayed. A train that finds nothing to do ' +
        'makes no commit and succeeds.',
      deprecated,
      params: trainParams[parameter],
      query: trainQuery,
      body: trainBody,
      requestHeaders: {
        'If-Match':
          'The `ETag` of a prognosis: the train runs only if its prognosis is still the same, and answers 412 otherwise.',
      },
      forms: releaseTrainForms(context.json),
      responses: {
        200: {
          description: 'What the train did.',
          content: releaseTrainContent('ReleaseTrainResponse'),
        },
        400: { description: 'The target is unknown, or a part of the request is invalid.' },
        403: { description: 'You may not run a train there.' },
        404: { description: 'There is no such `sourceGitTag`, or the ciLink is not valid.' },
        406: { description: 'None of the forms is acceptable. Nothing was done.' },
        408: { description: 'The request took too long to arrive.' },
        409: {
          description:
            'The `gitTag` exists already (`TAG_EXISTS`), the `sourceGitTag` leads to no commit (`TAG_UNUSABLE`), or others changed ' +
            'the repository again and again meanwhile (`BRANCH_KEEPS_MOVING`: try again). Nothing was done.',
        },
        412: {
          description:
            'The prognosis in `If-Match` is not the current one. Nothing was done; the problem carries the current prognosis.',
        },
        413: { description: 'The body is too large.' },
        500: { description: 'A fault of Signalbox.' },
        503: {
          description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.',
        },
      },
      wrongMethod: (method) => `releasetrain only accepts method PUT, got: '${method}'`,
      handle: async ({ params, query, body, form, request }, reply) => {
        const ciLink = body?.ciLink || undefined
        if (ciLink !== undefined) assertCiLink(ciLink, context.allowedDomains)
        const ifMatch = request.headers['if-match']
        const train = createReleaseTrain({
          request: toTrainRequest(params, lookup, query),
          ciLink,
          accepts: (prognosis) => ifMatch === undefined || allowsFingerprint(ifMatch, fingerprintOf(prognosis)),
          settings: context.settings,
        })
        const { result, commit } = await submitTrain(context, train, request, reply)
        const answer = form.toTrainBody(result, { fingerprint: fingerprintOf(result), commit })
        return reply.header('Cache-Control', 'no-store').type(form.contentType).send(answer)
      },
    })
  }
}

/** As `submitCommand`, and tells the observer how it ended. */
async function submitTrain(
  context: ServerContext,
  train: Command<Prognosis>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Submitted<Prognosis>> {
  try {
    const submitted = await submitCommand(context, train, request, reply)
    const hasCommitted = submitted.commit !== undefined
    // One that ran before was counted then.
    if (submitted.isRepeated !== true) {
      context.observer?.trainEnded({ kind: 'ran', prognosis: submitted.result, hasCommitted })
    }
    return submitted
  } catch (error) {
    context.observer?.trainEnded({ kind: 'refused', status: toProblem(error).status })
    throw error
  }
}
