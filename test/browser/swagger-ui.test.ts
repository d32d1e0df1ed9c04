import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Browser } from '../support/browser.ts'
import { hasBrowser, openBrowser } from '../support/browser.ts'
import { audience, browserClient, startOidcIssuer } from '../support/oidc-issuer.ts'
import { createTemporaryFolder, git, hasGit } from '../support/real-git.ts'
import { startServer } from '../support/server-process.ts'

/** The page at the server's root, when it shows its operations. */
async function openSwaggerUi(url: string): Promise<Browser> {
  const browser = await openBrowser(url)
  await browser.page.goto(url)
  await browser.page.locator('.opblock').first().waitFor()
  return browser
}

/** Opens an operation, fills in its parameters, executes it, and reads what the page shows of the answer. */
async function execute(page: Page, operationId: string, parameters: Readonly<Record<string, string>> = {}) {
  const operation = page.locator(`.opblock[id$="-${operationId}"]`)
  if ((await operation.locator('button.execute').count()) === 0) {
    await operation.locator('.opblock-summary-control').click()
  }
  for (const [name, value] of Object.entries(parameters)) {
    await operation.locator(`tr[data-param-name="${name}"] input`).fill(value)
  }
  const answer = operation.locator('.live-responses-table tr.response')
  // The answer of the time before would be taken for the new one.
  if (await answer.isVisible()) {
    await operation.locator('button.btn-clear').click()
    await answer.waitFor({ state: 'detached' })
  }
  await operation.locator('button.execute').click()
  await answer.waitFor()
  const status = await answer.locator('.response-col_status').innerText()
  const [body = ''] = await answer.locator('.response-col_description .highlight-code code').allInnerTexts()
  return { status: status.trim().split(/\s/)[0], body: body === '' ? undefined : (JSON.parse(body) as unknown) }
}

/** What the demo's `staging` makes of a train or its prognosis. */
const staging = {
  appsPrognoses: {
    prognoses: {
      cart: { fromVersion: '4', deployedVersion: { version: '5' } },
      catalog: { skipCause: 'APP_ALREADY_IN_UPSTREAM_VERSION', reason: 'already at version 3' },
    },
  },
}
const fingerprint: unknown = expect.stringMatching(/^[0-9a-f]{32}$/)

// A browser beside other tests on two cores may need its time.
describe.runIf(hasBrowser)('Swagger UI in a browser', { timeout: 240_000 }, () => {
  it('sends a prognosis, a train and a lock where nobody is asked who they are, and shows what is answered', async () => {
    const server = await startServer({ folder: createTemporaryFolder() })
    onTestFinished(async () => void (await server.stop()))
    const { page, objections } = await openSwaggerUi(server.url)
    expect(await execute(page, 'getReleaseTrainPrognosis', { environment: 'staging' })).toMatchObject({
      status: '200',
      body: { fingerprint, envsPrognoses: { staging } },
    })
    // Both with the example that the page begins with.
    expect(await execute(page, 'runReleaseTrain', { environment: 'staging' })).toMatchObject({
      status: '200',
      body: { target: 'staging', environments: { staging } },
    })
    expect(await execute(page, 'createEnvironmentLock', { environment: 'staging', lockId: 'freeze' })).toEqual({
      status: '200',
      body: undefined,
    })
    expect(await execute(page, 'listLocks', { environment: 'staging' })).toMatchObject({
      status: '200',
      body: {
        locks: expect.arrayContaining([
          expect.objectContaining({
            lock: expect.objectContaining({ lockId: 'freeze', message: 'Load test until Thursday' }) as object,
          }),
        ]) as object,
      },
    })
    expect(objections).toEqual([])
  })

  it('signs in at the issuer, and sends a prognosis and the train that it foresees as who signed in', async () => {
    const issuer = await startOidcIssuer({ path: '/dex' })
    const folder = createTemporaryFolder()
    const allowed = ['DeployReleaseTrain', 'DeployRelease'].map((action) => `p, role:Trainer, ${action}, *:*, *, allow`)
    await writeFile(join(folder, 'policy.csv'), [...allowed, 'g, trainers, role:Trainer'].join('\n'))
    const server = await startServer({
      folder,
      environment: {
        SIGNALBOX_AUTH: 'oidc',
        SIGNALBOX_OIDC_ISSUER: issuer.issuer,
        SIGNALBOX_OIDC_AUDIENCE: audience,
        SIGNALBOX_OIDC_BROWSER_CLIENT_ID: browserClient,
        SIGNALBOX_RBAC_POLICY: 'policy.csv',
      },
    })
    onTestFinished(async () => void (await server.stop()))
    issuer.letBrowserIn(`${server.url}/docs/static/oauth2-redirect.html`, {
      trainer: { groups: ['trainers'], email: 'trainer@example.com', name: 'The Trainer' },
    })

    const browser = await openSwaggerUi(server.url)
    const { page, objections } = browser
    expect(await execute(page, 'whoAmI')).toMatchObject({ status: '401', body: { code: 'UNAUTHENTICATED' } })
    const refused = objections.splice(0)
    expect(refused).toEqual([expect.stringContaining('status of 401')])

    await signIn(browser, 'trainer')
    expect(await execute(page, 'whoAmI')).toMatchObject({
      status: '200',
      body: { name: 'The Trainer', email: 'trainer@example.com', roles: ['Trainer'] },
    })
    const prognosis = await execute(page, 'getReleaseTrainPrognosis', { environment: 'staging' })
    expect(prognosis).toMatchObject({ status: '200', body: { fingerprint, envsPrognoses: { staging } } })
    const { fingerprint: foreseen } = prognosis.body as { readonly fingerprint: string }
    const train = { environment: 'staging', 'If-Match': `"${foreseen}"` }
    expect(await execute(page, 'runReleaseTrain', train)).toMatchObject({
      status: '200',
      body: { target: 'staging', fingerprint: foreseen, environments: { staging } },
    })
    expect(objections).toEqual([])
    if (hasGit) {
      const author = git(['log', '-1', '--format=%an <%ae> %cn'], { cwd: join(folder, 'data/manifests.git') })
      expect(author.trim()).toBe('The Trainer <trainer@example.com> Signalbox')
    }
    const { stdout, stderr } = server.output()
    expect(stdout + stderr).not.toMatch(/eyJ|code_verifier|[?&]code=(?!\*)/)
  })
})

/** Presses Authorize, and answers what the issuer's window asks. It closes by itself. */
async function signIn({ context, page }: Browser, name: string): Promise<void> {
  await page.locator('.auth-wrapper > .btn.authorize').click()
  const form = page.locator('.auth-container').filter({ hasText: 'authorizationCode' })
  expect(await form.locator('input[id^="client_secret"]').isVisible()).toBe(false)
  const opened = context.waitForEvent('page')
  await form.locator('.btn.authorize').click()
  const window = await opened
  await window.locator('input[name="login"]').fill(name)
  await window.locator('input[name="password"]').fill('any')
  await window.locator('button[type="submit"]').click()
  const closed = window.waitForEvent('close')
  await window.getByText('Continue').click()
  await closed
  await form.getByText('Logout').waitFor()
  await form.locator('.btn-done').click()
}
