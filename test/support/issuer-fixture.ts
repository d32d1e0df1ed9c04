import { createHash, randomBytes } from 'node:crypto'
import { walkThrough } from './walk-through.ts'

/** What differs from issuer to issuer for the suite that all must pass: `test/end-to-end/issuer-suite.ts`. */
export interface IssuerFixture {
  readonly issuer: string
  /** A token that it takes in exchange, the connector that knows it, and a group that the token it gives has. */
  readonly exchange: { readonly connector: string; readonly subjectToken: string }
  /** From now on it signs with a new key, and the others are no longer its. */
  rotateKeys(): Promise<void>
  /** It does not answer any more. */
  close(): Promise<void>
}

/** Somebody who can sign in at each of them. */
export interface Person {
  readonly id: string
  readonly email: string
  readonly name: string
  readonly groups: readonly string[]
}

export const password = 'a password of tests'

export const people = {
  trainer: { id: 'person-1', email: 'trainer@example.com', name: 'The Trainer', groups: ['trainers'] },
  reader: { id: 'person-2', email: 'reader@example.com', name: 'The Reader', groups: ['readers'] },
} as const satisfies Record<string, Person>

/** The clients that each of them has. All but the server's are public. */
export const clients = {
  server: { id: 'signalbox', secret: 'a secret of tests alone' },
  cli: 'signalbox-cli',
  browser: 'signalbox-browser',
  stranger: 'somebody-else',
} as const

/** Where the issuer sends a browser after somebody has signed in: nobody listens there. */
export const redirectUri = 'http://127.0.0.1:1/docs/static/oauth2-redirect.html'

export interface IssuedTokens {
  readonly id_token: string
  readonly access_token: string
}

/** Signs somebody in as Swagger UI does: with a code and PKCE. */
export async function signIn(
  { issuer }: Pick<IssuerFixture, 'issuer'>,
  person: Person,
  client: string = clients.browser,
): Promise<IssuedTokens> {
  const metadata = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<string, string>
  const verifier = randomBytes(32).toString('base64url')
  const start = new URL(metadata['authorization_endpoint'] ?? '')
  start.search = new URLSearchParams({
    client_id: client,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope: 'openid email profile groups',
    state: 'a state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const end = await walkThrough(start.href, { fields: { login: person.email, password }, stopAt: redirectUri })
  const code = new URL(end.url).searchParams.get('code')
  if (code === null) throw new Error(`nobody was signed in: ${end.url} ${end.text}`)
  const response = await fetch(metadata['token_endpoint'] ?? '', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: client,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  })
  const tokens = (await response.json()) as IssuedTokens
  if (!response.ok) throw new Error(`no tokens: ${JSON.stringify(tokens)}`)
  return tokens
}
