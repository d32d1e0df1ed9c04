import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Command } from '../../core/command.ts'
import type { EnvironmentChange } from '../../core/environment-commands.ts'
import { toBinary, toJson } from '../../protobuf/messages.ts'
import {
  environmentChangeMessageType,
  toEnvironmentChangeMessage,
} from '../../protobuf/to-environment-change-message.ts'
import type { ResponseDescription } from '../endpoint.ts'
import type { MessageForm } from '../send-message.ts'
import { messageContent } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'

export const environmentParams = z.strictObject({ environment: z.string().describe("The environment's name.") })

export const dryRunQuery = z.strictObject({
  dryrun: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .optional()
    .describe('`true`: everything is checked and answered, and nothing is changed.'),
})

/** What a change of an environment can answer, beside its own refusals. */
export function changeResponses(description: string): Readonly<Record<number, ResponseDescription>> {
  return {
    200: { description, content: messageContent('EnvironmentChangeResponse') },
    400: { description: 'A part of the request is invalid.' },
    403: { description: 'You may not do that there.' },
    406: { description: 'None of the forms is acceptable. Nothing was done.' },
    409: { description: 'The repository does not allow it, as the detail says. Nothing was done.' },
    500: { description: 'A fault of Signalbox.' },
    503: { description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.' },
  }
}

/** Submits the command and answers what became of it. */
export async function submitChange(
  context: ServerContext,
  {
    request,
    form,
    environment,
    isDryRun,
  }: {
    readonly request: FastifyRequest
    readonly form: MessageForm
    readonly environment: string
    readonly isDryRun: boolean
  },
  command: Command<EnvironmentChange>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { result, commit } = await submitCommand(context, command, request, reply)
  const message = toEnvironmentChangeMessage(environment, result, { isDryRun, commit })
  reply.header('Cache-Control', 'no-store')
  return form.mediaType === 'application/json'
    ? reply.type('application/json; charset=utf-8').send(toJson(environmentChangeMessageType, message))
    : reply.type(form.mediaType).send(toBinary(environmentChangeMessageType, message))
}
