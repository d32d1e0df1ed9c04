import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readConfig } from '../src/config.ts'
import { createAdmission } from '../src/create-admission.ts'
import type { OidcIssuer } from './support/oidc-issuer.ts'
import { audience, browserClient, startOidcIssuer } from './support/oidc-issuer.ts'
import { createTemporaryFolder } from './support/real-git.ts'

async function admit({ issuer }: OidcIssuer, environment: Readonly<Record<string, string>>) {
  const policy = join(createTemporaryFolder(), 'policy.csv')
  await writeFile(policy, 'p, role:Keeper, CreateLock, *:*, *, allow')
  const warnings: string[] = []
  const warn = (_details: object, message: string) => void warnings.push(message)
  const config = readConfig({
    SIGNALBOX_AUTH: 'oidc',
    SIGNALBOX_OIDC_ISSUER: issuer,
    SIGNALBOX_RBAC_POLICY: policy,
    ...environment,
  })
  const log = { info: () => undefined, warn, error: () => undefined }
  const created = await createAdmission(config, log, { signInPause: 20 })
  onTestFinished(() => created.close())
  const { admission } = created
  if (admission.mode !== 'oidc') throw new Error('nobody is asked')
  return { ...created, admission, warnings }
}

it('an issuer that is away at the start is asked again where browsers sign in', async () => {
  const issuer = await startOidcIssuer()
  issuer.behave('fails')
  const { admission, problems, warnings } = await admit(issuer, {
    SIGNALBOX_OIDC_AUDIENCE: `${audience},${browserClient}`,
    SIGNALBOX_OIDC_BROWSER_CLIENT_ID: browserClient,
  })
  expect(admission.signIn?.endpoints()).toBeUndefined()
  expect(problems()).toContain('Swagger UI cannot sign in until the issuer says where: the log says more')
  expect(warnings).toContain('Swagger UI cannot sign in until the issuer says where')
  issuer.behave('works')
  await vi.waitUntil(() => admission.signIn?.endpoints() !== undefined, { timeout: 20_000 })
  expect(admission.signIn).toMatchObject({ clientId: browserClient })
  expect(admission.signIn?.endpoints()?.tokenUrl).toContain(issuer.issuer)
  expect(problems()).toEqual([])
})

it.each([
  ['signalbox', ['SIGNALBOX_OIDC_BROWSER_CLIENT_ID', 'SIGNALBOX_OIDC_CLI_CLIENT_ID']],
  ['signalbox,browser', ['SIGNALBOX_OIDC_CLI_CLIENT_ID']],
  ['browser,signalbox,cli', []],
])('with the audiences %s there are warnings of clients that sign in in vain: %j', async (audiences, variables) => {
  const { warnings } = await admit(await startOidcIssuer(), {
    SIGNALBOX_OIDC_AUDIENCE: audiences,
    SIGNALBOX_OIDC_BROWSER_CLIENT_ID: 'browser',
    SIGNALBOX_OIDC_CLI_CLIENT_ID: 'cli',
  })
  expect(warnings.filter((text) => text.includes('not among SIGNALBOX_OIDC_AUDIENCE'))).toEqual(
    variables.map((name) => expect.stringContaining(name) as string),
  )
})
