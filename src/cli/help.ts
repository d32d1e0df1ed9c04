import type { Command } from './command.ts'
import type { Flag } from './flags.ts'
import { globalFlags } from './global-flags.ts'

/** What `signalbox help` prints. */
export function toHelp(commands: readonly Command[]): string {
  return [
    'Usage: signalbox [global flags] <command> [flags]',
    'Runs release trains and all that belongs to them, on a Signalbox or a Kuberpult server.',
    `Commands:\n${toList(commands.map(({ name, summary }) => [name, summary]))}`,
    `Global flags:\n${toFlagList(globalFlags)}`,
    '`signalbox help <command>` tells its flags. A flag is written -flag value, --flag value or --flag=value.',
    [
      'Exit codes: 0 success, 1 the request failed, 2 bad usage, 130 interrupted. `can-i`: 0 yes, 1 no, 3 the request failed.',
      'Environment: SIGNALBOX_URL, SIGNALBOX_TOKEN, KUBERPULT_DEX_ACCESS_TOKEN, KUBERPULT_IAP_TOKEN,',
      '  XDG_STATE_HOME, HTTP_PROXY, HTTPS_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, NO_COLOR.',
    ].join('\n'),
  ].join('\n\n')
}

/** What `signalbox help <command>` prints. */
export function toCommandHelp(command: Command): string {
  const { summary, flags, rest = [], isLocal } = command
  return [
    `Usage: ${toSynopsis(command)}`,
    `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...rest.flatMap(({ name, choices }) =>
      choices === undefined ? [] : [`<${name}> is one of ${choices().join(', ')}.`],
    ),
    ...(flags.length === 0 ? [] : [`Flags:\n${toFlagList(flags)}`]),
    ...(isLocal === true ? [] : [`Global flags:\n${toFlagList(globalFlags)}`]),
  ].join('\n\n')
}

/** The command with the flags that it cannot do without. */
export function toSynopsis({ name, flags, rest = [], isLocal }: Command): string {
  const needed = flags.filter(({ isRequired }) => isRequired === true)
  return [
    'signalbox',
    ...(isLocal === true ? [] : ['--url <address>']),
    name,
    ...needed.map((flag) => `${toFlag(flag)}${flag.isRepeatable === true ? ' ...' : ''}`),
    ...(flags.length > needed.length ? ['[flags]'] : []),
    ...rest.map((argument) => (argument.isRequired === true ? `<${argument.name}>` : `[${argument.name}]`)),
  ].join(' ')
}

function toFlagList(flags: readonly Flag[]): string {
  return toList(
    flags.map((flag) => [
      toFlag(flag),
      [
        flag.help,
        ...(flag.choices === undefined ? [] : [`one of ${flag.choices.join(', ')}`]),
        ...(flag.isRequired === true ? ['required'] : []),
        ...(flag.isRepeatable === true ? ['may be repeated'] : []),
      ].join('; '),
    ]),
  )
}

function toFlag({ name, value }: Flag): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`
}

function toList(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join('\n')
}
