import { actionNames } from '../../protobuf/to-check-permission-message.ts'
import { acceptsMessage } from '../answer.ts'
import type { Command } from '../command.ts'
import { requireMessage, showMessage } from '../command.ts'
import { aName } from '../flag-values.ts'
import { valueOf } from '../flags.ts'
import { messages } from '../messages.ts'
import { cleanLine } from '../output.ts'

/** As `test` and `grep` have it: 0 is yes, 1 is no, and what is neither is more. */
const no = 1

export const canI: Command = {
  name: 'can-i',
  summary: 'tell whether you may do something: exit code 0 is yes, 1 is no',
  flags: [
    {
      name: 'team',
      value: 'name',
      help: 'of a new release, or of a lock: whose application or lock it is',
      complain: aName,
    },
  ],
  rest: [
    { name: 'action', isRequired: true, choices: () => actionNames, complain: aName },
    { name: 'environment', isRequired: true, complain: aName },
    { name: 'application' },
  ],
  failureCode: 3,
  run: async (context) => {
    const [action = '', environment = '', application] = context.rest
    const answer = await context.client.read({
      method: 'GET',
      path: ['api', 'whoami', 'permissions', action, environment],
      query: { application: application === '' ? undefined : application, team: valueOf(context.flags, 'team') },
      headers: acceptsMessage,
    })
    const message = requireMessage(answer, messages.permission)
    const isAllowed = message.allowed === true
    showMessage(context, message, messages.permission, () =>
      cleanLine(`${isAllowed ? 'yes' : 'no'}: ${message.reason ?? ''}`),
    )
    return isAllowed ? 0 : no
  },
}
