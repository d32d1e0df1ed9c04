import type { IssuerFixture } from './issuer-fixture.ts'
import { people, redirectUri } from './issuer-fixture.ts'
import { startOidcIssuer, subjectToken } from './oidc-issuer.ts'

/** The issuer of all other tests, as the suite for issuers knows it. Below a path, as Dex mostly is. Inside of a test only. */
export async function startOidcProvider(): Promise<IssuerFixture> {
  const issuer = await startOidcIssuer({ path: '/dex' })
  const claims = Object.values(people).map(({ email, name, groups }) => [
    email,
    { email, email_verified: true, name, groups },
  ])
  issuer.letBrowserIn(redirectUri, Object.fromEntries(claims) as Record<string, Record<string, unknown>>)
  return { ...issuer, exchange: { connector: 'google', subjectToken } }
}
