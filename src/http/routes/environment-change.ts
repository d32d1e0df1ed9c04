import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Command } from '../../core/command.ts'
import type { EnvironmentChange } from '../../core/environment-commands.ts'
import {
  environmentChangeMessageType,
  toEnvironmentChangeMessage,
} from '../../protobuf/to-environment-change-message.ts'
import type { ResponseDescription } from '../endpoint.ts'
import type { MessageForm } from '../send-message.ts'
import { messageContent, sendResult } from '../send-message.ts'
import type { ServerContext } from '../server-context.ts'
import { submitCommand } from '../submit-command.ts'
import { writeResponses } from './write-responses.ts'

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
    ...writeResponses,
    200: { description, content: messageContent('EnvironmentChangeResponse') },
    409: { description: 'The repository does not allow it, as the detail says. Nothing was done.' },
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
    content,
  }: {
    readonly request: FastifyRequest
    readonly form: MessageForm
    readonly environment: string
    readonly isDryRun: boolean
    /** What the handler has read of the body. */
    readonly content?: unknown
  },
  command: Command<EnvironmentChange>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { result, commit } = await submitCommand(context, command, request, reply, content)
  const message = toEnvironmentChangeMessage(environment, result, { isDryRun, commit })
  return sendResult(reply, form, environmentChangeMessageType, message)
}
