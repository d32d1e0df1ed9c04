import type { Command } from './command.ts'
import type { Flag } from './flags.ts'
import { globalFlags } from './global-flags.ts'

/** A script for the shell that completes commands, flags, and the values that are known beforehand. */
export function toCompletion(shell: 'bash' | 'zsh', commands: readonly Command[]): string {
  return shell === 'bash' ? toBash(commands) : toZsh(commands)
}

/** Written for bash 3.2 too, which macOS has. Words are broken at `=` and `:`, which are words of their own then. */
function toBash(commands: readonly Command[]): string {
  return `\
# bash completion for signalbox: eval "$(signalbox completion bash)"
_signalbox() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" command='' flag='' words='' i
  COMPREPLY=()
  if [[ $current == '=' ]]; then
    current=''
  elif [[ $before == '=' ]]; then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ $current == :* || $before == :* ]]; then
    return
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${toPatterns(globalFlags.filter(takesValue))})
        if [[ \${COMP_WORDS[i+1]} == '=' ]]; then i=$((i + 2)); else i=$((i + 1)); fi
        while [[ \${COMP_WORDS[i+1]} == [:=]* ]]; do i=$((i + 2)); done ;;
      -*) ;;
      *) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  if [[ $before == -* ]]; then
    flag="\${before#-}"
    flag="\${flag#-}"
    case "$command:$flag" in
${toValueCases(commands, {
  choices: (choices) => `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$current")); return`,
  file: `local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current")); return`,
  other: 'return',
})}
    esac
  fi
  case "$command" in
${toCommandCases(commands, (words) => `words=${quote(words.map(({ word }) => word).join(' '))}`)}
  esac
  if [[ $current == -[!-]* ]]; then words="\${words//--/-}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _signalbox signalbox`
}

function toZsh(commands: readonly Command[]): string {
  return `\
#compdef signalbox
# zsh completion for signalbox: source <(signalbox completion zsh), or save it as _signalbox in a folder of $fpath
_signalbox() {
  local current="\${words[CURRENT]}" before="\${words[CURRENT-1]}" command='' flag='' i
  local -a offers
  if [[ $current == -*=* ]]; then
    before="\${current%%=*}"
    compset -P '*='
  fi
  for ((i = 2; i < CURRENT; i++)); do
    case "\${words[i]}" in
      ${toPatterns(globalFlags.filter(takesValue))}) i=$((i + 1)) ;;
      -*) ;;
      *) command="\${words[i]}"; break ;;
    esac
  done
  if [[ $before == -* && $before != *=* ]]; then
    flag="\${before#-}"
    flag="\${flag#-}"
    case "$command:$flag" in
${toValueCases(commands, {
  choices: (choices) => `offers=(${choices.map(quote).join(' ')}); _describe value offers; return`,
  file: '_files; return',
  other: 'return',
})}
    esac
  fi
  case "$command" in
${toCommandCases(
  commands,
  (words) => `offers=(${words.map(({ word, help }) => quote(help === '' ? word : `${word}:${help}`)).join(' ')})`,
)}
  esac
  _describe signalbox offers
}
if [[ $funcstack[1] == _signalbox ]]; then _signalbox "$@"; else compdef _signalbox signalbox; fi`
}

interface Word {
  readonly word: string
  readonly help: string
}

function takesValue({ value }: Flag): boolean {
  return value !== undefined
}

function toPatterns(flags: readonly Flag[]): string {
  return flags.flatMap(({ name }) => [`-${name}`, `--${name}`]).join('|')
}

/** What to offer as the value of a flag, by \`command:flag\`. */
function toValueCases(
  commands: readonly Command[],
  act: { readonly choices: (choices: readonly string[]) => string; readonly file: string; readonly other: string },
): string {
  const places = [
    ...globalFlags.map((flag) => ({ flag, place: '*' })),
    ...commands.flatMap(({ name, flags }) => flags.map((flag) => ({ flag, place: name }))),
  ]
  return places
    .filter(({ flag }) => takesValue(flag))
    .map(({ flag: { name, choices, isFile }, place }) => {
      const action = choices !== undefined ? act.choices(choices) : isFile === true ? act.file : act.other
      return `      ${place}:${name}) ${action} ;;`
    })
    .join('\n')
}

/** What to offer after a command, and where no command has been named yet. */
function toCommandCases(commands: readonly Command[], act: (words: readonly Word[]) => string): string {
  const toWords = (flags: readonly Flag[]) => flags.map(({ name, help }) => ({ word: `--${name}`, help }))
  const first = [...commands.map(({ name, summary }) => ({ word: name, help: summary })), ...toWords(globalFlags)]
  return [
    `    '') ${act(first)} ;;`,
    ...commands.map(({ name, flags, rest, isLocal }) => {
      const choices = (rest ?? []).flatMap((one) => one.choices?.() ?? []).map((word) => ({ word, help: '' }))
      const words = [...choices, ...toWords(flags), ...toWords(isLocal === true ? [] : globalFlags)]
      return `    ${name}) ${act(words)} ;;`
    }),
  ].join('\n')
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
