import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { assertCiLink } from '../../core/ci-link.ts'
import { lifetimePattern } from '../../core/lifetime.ts'
import type { LockTarget } from '../../core/lock-commands.ts'
import { createLock as createLockCommand } from '../../core/lock-commands.ts'
import { registerEndpoint } from '../endpoint.ts'
import { RequestError } from '../problem.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { groupLockBody, groupLockContent, lockPaths, toLockTarget, unsupportedMethod } from './lock-paths.ts'

const lifetime = z.string().regex(lifetimePattern, 'must be a whole number and h, d or w, such as 2d')

const lockBody = z
  .strictObject({
    message: z.string().optional().describe('Why. Must not be empty, but for the lock of an application.'),
    ciLink: z.string().optional().describe('Where the pipeline that asks can be looked at.'),
    suggestedLifeTime: lifetime
      .optional()
      .describe('How long it is meant to stay, such as `2d`. Informs people: it does not end the lock.'),
    signature: z
      .literal('', { error: 'is not checked here, because PGP signatures are not offered: leave it out' })
      .optional()
      .describe('Must be empty: PGP signatures are not offered.'),
    lifetime: lifetime.optional().describe('After this time the lock no longer holds, such as `2d`.'),
    expiresAt: z.iso
      .datetime({ offset: true, error: 'must be a time in RFC 3339, such as 2026-05-04T09:30:00Z' })
      .optional()
      .describe('From this moment on the lock no longer holds.'),
  })
  .refine(({ lifetime: span, expiresAt }) => span === undefined || expiresAt === undefined, {
    path: ['lifetime'],
    message: 'must not be given together with expiresAt',
  })

/** What the document is told of rules that the schema's refinement and the handler keep, and what Swagger UI begins with. */
const rules = {
  examples: [{ message: 'Load test until Thursday', lifetime: '2d' }],
  not: { properties: { lifetime: {}, expiresAt: {} }, required: ['lifetime', 'expiresAt'] },
}
const bodies = {
  application: lockBody.meta(rules),
  others: lockBody.meta({ ...rules, required: ['message'] }),
}

/** Puts a lock on an environment, an application or a team in it, or each environment of a group. */
export function createLock(app: FastifyInstance, context: ServerContext): void {
  for (const { kind, name, url, params: paramsSchema } of lockPaths) {
    registerEndpoint(app, {
      method: 'PUT',
      url,
      operationId: `create${name}`,
      access: { action: 'CreateLock' },
      tag: 'Locks',
      summary: summaries[kind],
      description:
        'Replaces the whole lock when one with that id exists; letting it end earlier takes the permission to delete it, too. ' +
        'Trains and automatic deployments leave what is locked behind; ' +
        "a person's own deployment goes through.",
      params: paramsSchema,
      body: kind === 'application' ? bodies.application : bodies.others,
      isBodyRequired: true,
      takesJsonOnly: true,
      forms: [],
      wrongMethod: unsupportedMethod,
      responses: {
        ...(kind === 'group'
          ? { 201: { description: 'Each environment of the group is locked.', content: groupLockContent } }
          : { 200: { description: 'It is locked.', content: {} } }),
        400: { description: 'A part of the request is invalid.' },
        403: { description: 'You may not create locks there, or not cut short the one that is there.' },
        404: { description: 'There is no such environment or team, or the ciLink is not valid.' },
        409: { description: 'Others changed the repository again and again meanwhile. Nothing was done; try again.' },
        413: { description: 'The body is too large.' },
        415: { description: 'The body is not said to be JSON.' },
        500: { description: 'A fault of Signalbox.' },
        503: {
          description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.',
        },
      },
      handle: async ({ params, body, request }, reply) => {
        assertMessage(kind, body)
        const ciLink = body?.ciLink || undefined
        if (ciLink !== undefined) assertCiLink(ciLink, context.allowedDomains)
        const command = createLockCommand(toLockTarget(kind, params), params.lockId, {
          message: body?.message ?? '',
          ciLink,
          suggestedLifetime: body?.suggestedLifeTime,
          end: body?.expiresAt === undefined ? body?.lifetime : new Date(body.expiresAt),
        })
        await submitCommand(context, command, request, reply)
        reply.header('Cache-Control', 'no-store')
        return kind === 'group'
          ? reply.code(201).type('application/json; charset=utf-8').send(groupLockBody)
          : reply.code(200).send()
      },
    })
  }
}

const summaries = {
  environment: 'Lock an environment',
  application: 'Lock an application in an environment',
  team: "Lock a team's applications in an environment",
  group: 'Lock every environment of a group',
} as const satisfies Record<LockTarget['kind'], string>

/** Kuberpult's words: the lock of an application needs a body, but no message in it. */
function assertMessage(kind: LockTarget['kind'], body: { readonly message?: string | undefined } | undefined): void {
  if (kind === 'application' ? body !== undefined : body?.message) return
  const detail = kind === 'application' ? 'EOF' : 'Please provide lock message in body'
  throw new RequestError('INVALID_REQUEST', detail, [
    { path: 'body', message: 'must say why, such as {"message": "Load test until Thursday"}' },
  ])
}
