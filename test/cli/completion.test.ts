import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { toCompletion } from '../../src/cli/completion.ts'

const bash = toCompletion('bash', commands)
const zsh = toCompletion('zsh', commands)

/** What bash offers at the end of this line, which it breaks into words at `=` and `:` too. */
function completeInBash(line: string): readonly string[] {
  const script = `${bash}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_signalbox
printf '%s\\n' "\${COMPREPLY[@]}"`
  const words = line.split(' ').flatMap((word) => (word === '' ? [''] : (word.match(/[:=]+|[^:=]+/gu) ?? [])))
  const output = execFileSync('bash', ['--norc', '-c', script, 'bash', 'signalbox', ...words], { encoding: 'utf8' })
  return output.split('\n').filter((offer) => offer !== '')
}

describe('completion in bash', () => {
  it('is a script that bash accepts', () => {
    expect(spawnSync('bash', ['-n'], { input: bash, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it.each<[line: string, offered: string[]]>([
    ['rel', ['release-train', 'release']],
    ['create-t', ['create-team-lock']],
    ['--u', ['--url']],
    ['--url http://127.0.0.1:8080/base prog', ['prognosis']],
    ['--url=http://127.0.0.1:8080 prog', ['prognosis']],
    ['--retries 1 --url https://h -timeout=7 prog', ['prognosis']],
    // The value of a global flag is no command.
    ['--url locks hist', ['history']],
    ['--url=locks hist', ['history']],
    ['--url http://h', []],
    ['--url http:', []],
    ['get-commit-deployments -o', ['-out', '-output']],
    ['-u', ['-url']],
    ['release --dis', ['--display_version']],
    ['deploy --application a --lock', ['--lock-behavior']],
    ['deploy --lock-behavior r', ['record']],
    ['deploy --lock-behavior=f', ['fail']],
    ['deploy --lock-behavior=', ['ignore', 'record', 'fail']],
    ['-output ', ['text', 'json']],
    ['locks --output j', ['json']],
    ['release --manifest package.j', ['package.json']],
    ['release --application ', []],
    ['completion ', ['bash', 'zsh']],
    ['completion -', []],
    ['help status', ['status']],
    ['nope ', []],
  ])('after %j', (line, offered) => {
    expect(completeInBash(line)).toEqual(offered)
  })

  it('offers every command and every flag', () => {
    const first = completeInBash('')
    for (const { name, flags, isLocal } of commands) {
      expect(first).toContain(name)
      if (isLocal === true) continue
      expect(completeInBash(`${name} -`)).toEqual(expect.arrayContaining(flags.map((flag) => `--${flag.name}`)))
    }
  })
})

describe('completion in zsh', () => {
  it('names every command with its summary, and every flag', () => {
    for (const { name, summary, flags } of commands) {
      expect(zsh).toContain(`'${name}:${summary.replaceAll("'", String.raw`'\''`)}'`)
      for (const flag of flags) expect(zsh).toContain(`'--${flag.name}:`)
    }
  })

  // Its quoting is that of any shell, so bash can judge all but what only zsh knows.
  it('is a script whose quotes and brackets close', () => {
    expect(spawnSync('bash', ['-n'], { input: zsh, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
  })

  it('is a script that zsh accepts, where there is a zsh', ({ skip }) => {
    const result = spawnSync('zsh', ['-n'], { input: zsh, encoding: 'utf8' })
    if (result.error !== undefined) {
      process.stdout.write('There is no zsh: whether it accepts the completion script is not tested.\n')
      skip('there is no zsh')
    }
    expect(result).toMatchObject({ status: 0, stderr: '' })
  })
})
