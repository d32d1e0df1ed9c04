import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { auditDone } from '../audit.ts'
import { registerEndpoint } from '../endpoint.ts'
import { isProven } from '../hook-proof.ts'
import { RequestError } from '../problem.ts'
import type { ServerContext } from '../server-context.ts'

/** Who may tell of pushes, and to which branch they matter. */
export interface PushHook {
  readonly secret: string
  readonly branch: string
}

/**
 * Hosts list the commits and files of a push. All of it is held before the signature can be checked, so anybody may have it held; and
 * the few pushes that are longer cost nothing but the wait for the next regular look.
 */
const maximumBytes = 1024 * 1024

const payload = z.object({ ref: z.string() })

/** Lets a git server say that somebody has pushed, so that nobody has to wait until it is asked. */
export async function receivePushHook(
  parent: FastifyInstance,
  { store }: ServerContext,
  hook: PushHook | undefined,
): Promise<void> {
  if (hook === undefined) return
  await parent.register(async (app) => {
    app.removeAllContentTypeParsers()
    // What is signed are the bytes.
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maximumBytes }, (_request, body, done) =>
      done(null, body),
    )
    registerEndpoint(app, {
      method: 'POST',
      url: '/hooks/git',
      operationId: 'receivePushHook',
      access: 'public',
      provesItself: true,
      tag: 'Operations',
      summary: 'Learn of a push',
      description:
        'For the push webhooks of GitHub, GitLab, Gitea and Forgejo, which prove by `SIGNALBOX_HOOK_SECRET` who they are: without ' +
        'it this path does not exist. A push to the branch makes Signalbox look at once; anything else is ignored.',
      // Some of them add parameters.
      query: z.object({}),
      requestHeaders: {
        'X-Hub-Signature-256': 'By GitHub: `sha256=` and the HMAC-SHA-256 of the body with the secret.',
        'X-Gitea-Signature': 'By Gitea: that HMAC. Forgejo sends it as `X-Forgejo-Signature`, too.',
        'X-Gitlab-Token': 'By GitLab: the secret.',
      },
      jsonBody: {
        type: 'object',
        properties: { ref: { type: 'string', description: 'What was pushed to, such as `refs/heads/main`.' } },
      },
      forms: [],
      responses: {
        202: { description: 'The git server will be asked what is new.', content: {} },
        204: { description: 'It is not about our branch.', content: {} },
        400: { description: 'The body is not what a webhook sends.' },
        401: {
          description: 'No proof, or a wrong one.',
          headers: { 'WWW-Authenticate': 'That a signature is asked for.' },
        },
        413: { description: 'The body is too large.' },
      },
      handle: async ({ request }, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
        if (!isProven(request.headers, body, hook.secret)) {
          reply.header('WWW-Authenticate', 'Signature realm="signalbox"')
          throw new RequestError('UNAUTHENTICATED', 'the webhook does not prove that it knows the secret')
        }
        const ref = readRef(body, request.headers['content-type'])
        auditDone(request, 'ReceivePushHook')
        if (ref !== `refs/heads/${hook.branch}`) return reply.code(204).send()
        store.refresh().catch((error: unknown) => {
          request.log.debug({ err: error }, 'the git server told of a push, and cannot be asked what it was')
        })
        return reply.code(202).send()
      },
    })
  })
}

/** Undefined for what is no push, such as GitHub's `ping`. GitHub sends JSON, or a form with JSON in it. */
function readRef(body: Buffer, contentType: string | undefined): string | undefined {
  const text = body.toString('utf8')
  const isForm = contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
  try {
    const parsed = payload.safeParse(JSON.parse(isForm ? (new URLSearchParams(text).get('payload') ?? '') : text))
    return parsed.data?.ref
  } catch {
    throw new RequestError('INVALID_REQUEST', 'the body must be the JSON of a push webhook', [
      { path: 'body', message: 'is not JSON' },
    ])
  }
}
