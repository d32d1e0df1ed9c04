import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** The variables that the image sets. */
const image = variablesIn(/^ENV (.*)$/m.exec(read('Dockerfile'))?.[1] ?? '')

/** What is documented to start it, each a command on one line. */
const commands = ['README.md', 'docs/who-may-do-what.md']
  .flatMap((path) => [
    ...read(path)
      .replaceAll(/ *\\\n */g, ' ')
      .matchAll(/^docker run .*$/gm),
  ])
  .map(([command]) => command)

function variablesIn(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/\b(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]))
}

describe('the image', () => {
  it('listens on all addresses, and does not start without being told who may use it', () => {
    expect(image).toMatchObject({ SIGNALBOX_HOST: '0.0.0.0' })
    expect(() => readConfig(image)).toThrow(ConfigError)
    expect(() => readConfig(image)).toThrow(/Set SIGNALBOX_AUTH=oidc .* SIGNALBOX_ALLOW_ANONYMOUS=true/)
  })

  it('starts with the commands that are documented: one for trying it out, and others where callers sign in', () => {
    const [trial, ...others] = commands.map((command) => ({
      command,
      config: readConfig({ ...image, ...variablesIn(command) }),
    }))
    expect(trial?.command).toContain(' -p 127.0.0.1:8080:8080 ')
    expect(trial?.config).toMatchObject({ host: '0.0.0.0', allowsAnonymous: true, auth: { mode: 'none' } })
    expect(others).toHaveLength(2)
    for (const { command, config } of others) {
      expect(config).toMatchObject({ host: '0.0.0.0', allowsAnonymous: false, auth: { mode: 'oidc' } })
      // What Swagger UI gets is for its own client.
      const { audiences, browserClientId, files } = config.auth as Extract<typeof config.auth, { mode: 'oidc' }>
      expect(audiences).toContain(browserClientId)
      for (const path of Object.values(files)) if (path !== undefined) expect(path).toMatch(/^\/etc\/signalbox\//)
      expect(command).toContain(' -v ./access:/etc/signalbox:ro ')
    }
  })
})
