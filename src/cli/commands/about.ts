import type { Command } from '../command.ts'
import { toCompletion } from '../completion.ts'
import { UsageError } from '../flags.ts'
import { toCommandHelp, toHelp } from '../help.ts'
import { noSuchCommand } from '../no-such-command.ts'
import { readVersion } from '../version.ts'

/** The commands that ask no server. They tell of all commands, themselves included. */
export function aboutCommands(allCommands: () => readonly Command[]): readonly Command[] {
  const names = () => allCommands().map(({ name }) => name)
  return [
    {
      name: 'completion',
      summary: 'print a script that completes commands and flags in a shell',
      flags: [],
      rest: [{ name: 'shell', choices: () => ['bash', 'zsh'] }],
      isLocal: true,
      run: ({ rest: [shell], output }) => {
        if (shell !== 'bash' && shell !== 'zsh')
          throw new UsageError(['name a shell: completion bash, or completion zsh'])
        output.print(toCompletion(shell, allCommands()))
      },
    },
    {
      name: 'version',
      summary: 'print the version of this program',
      flags: [],
      isLocal: true,
      run: ({ output }) =>
        output.isJson ? output.printJson(JSON.stringify({ version: readVersion() })) : output.print(readVersion()),
    },
    {
      name: 'help',
      summary: 'print this help, or that of a command',
      flags: [],
      rest: [{ name: 'command', choices: names }],
      isLocal: true,
      run: ({ rest: [name], output }) => {
        if (name === undefined) return output.print(toHelp(allCommands()))
        const command = allCommands().find((one) => one.name === name)
        if (command === undefined) throw new UsageError([noSuchCommand(name, allCommands())])
        return output.print(toCommandHelp(command))
      },
    },
  ]
}
