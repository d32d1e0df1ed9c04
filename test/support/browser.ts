import { existsSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'

const executablePath = process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium'

/** Whether tests can drive a real browser: `describe.runIf(hasBrowser)`. */
export const hasBrowser = existsSync(executablePath)

export interface Browser {
  readonly context: BrowserContext
  readonly page: Page
  /** What the browser objected to about pages of the server: errors on the console, violated policies, failed requests. */
  readonly objections: string[]
}

/** A browser without a window, closed after the test. It reaches this machine alone. `server` is whose pages are watched. */
export async function openBrowser(server: string): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  })
  onTestFinished(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } })
  context.setDefaultTimeout(120_000)
  const objections: string[] = []
  context.on('console', (message) => {
    const isOurs = message.page()?.url().startsWith(server) === true
    if (isOurs && ['error', 'warning'].includes(message.type())) objections.push(`console: ${message.text()}`)
  })
  context.on('weberror', (error) => {
    if (error.page()?.url().startsWith(server) === true) objections.push(`page: ${error.error().message}`)
  })
  context.on('requestfailed', (request) => {
    if (request.url().startsWith(server)) objections.push(`request: ${request.url()} ${request.failure()?.errorText}`)
  })
  await context.addInitScript({
    content: `document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error('policy: ' + violatedDirective + ' ' + blockedURI))`,
  })
  return { context, page: await context.newPage(), objections }
}
