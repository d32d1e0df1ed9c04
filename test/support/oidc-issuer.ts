import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CryptoKey, JWTHeaderParameters, JWTPayload } from 'jose'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { TokenContext } from 'oidc-provider'
import { Provider } from 'oidc-provider'
import { onTestFinished } from 'vitest'
import { clients } from './issuer-fixture.ts'

/** What an issuer answers: as it should, with errors, or never. */
export type IssuerMood = 'works' | 'fails' | 'hangs'

type SignToken = (
  claims?: Readonly<Record<string, unknown>>,
  header?: Readonly<Record<string, unknown>>,
  key?: CryptoKey | Uint8Array,
) => Promise<string>

export interface OidcIssuer {
  readonly issuer: string
  /** The paths that it was asked for, in order. */
  readonly requests: readonly string[]
  /** A token of its own making: client credentials, with these claims. */
  issueToken(claims?: Readonly<Record<string, unknown>>): Promise<string>
  /** A token signed with its newest key, or with `key`; claims and header replace the good ones, undefined leaves one out. */
  readonly signToken: SignToken
  /**
   * From now on it has public clients for a browser, with this redirect URI, and for a terminal, and signs in whoever types one of
   * these names, with any password, as somebody with those claims.
   */
  letBrowserIn(redirectUri: string, people: Readonly<Record<string, Readonly<Record<string, unknown>>>>): void
  /** From now on it signs with a new key, and the others are no longer its. */
  rotateKeys(): Promise<void>
  /** Its newest key. */
  readonly publicKey: CryptoKey
  behave(mood: IssuerMood): void
  close(): Promise<void>
}

export interface OidcIssuerOptions {
  readonly path?: string
  readonly algorithm?: 'RS256' | 'ES256'
  /** Whether it begins with keys that no other issuer has: making them takes a moment. */
  readonly hasOwnKeys?: boolean
}

/** The audience and the client of all tokens, unless they say otherwise. */
export const audience = clients.server.id
export const browserClient = clients.browser
export const clientSecret: string = clients.server.secret

/** The token that the issuer takes in exchange, as Dex does (RFC 8693), from its connector `google`. */
export const subjectToken = 'a token of the connector'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const exchangeParameters = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'connector_id',
  'scope',
  'audience',
]

/** A real OIDC server on this machine, closed after the test. */
export async function startOidcIssuer({
  path = '',
  algorithm = 'RS256',
  hasOwnKeys = false,
}: OidcIssuerOptions = {}): Promise<OidcIssuer> {
  const requests: string[] = []
  let mood: IssuerMood = 'works'
  let extraClaims: Readonly<Record<string, unknown>> = {}
  let people: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {}
  let redirectUri: string | undefined
  let keys = await (hasOwnKeys ? createKeys(algorithm) : sharedKeys(algorithm))
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown
  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    if (mood === 'hangs') return
    if (mood === 'fails') response.writeHead(500).end('{}')
    else handle(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}${path}`

  const signToken: SignToken = (claims = {}, header = {}, key = keys.privateKey) => {
    const now = Math.floor(Date.now() / 1000)
    const good = {
      iss: issuer,
      sub: 'somebody',
      aud: audience,
      iat: now,
      exp: now + 600,
      email: 'somebody@example.com',
    }
    const payload = defined({ ...good, ...claims }) as JWTPayload
    const protectedHeader = defined({ alg: algorithm, kid: keys.kid, ...header }) as unknown as JWTHeaderParameters
    return new SignJWT(payload).setProtectedHeader(protectedHeader).sign(key, { crit: { x: true } })
  }

  const startProvider = () => {
    const provider = createTestProvider(issuer, keys.jwk, algorithm, {
      claimsOf: (person) => (person === undefined ? extraClaims : people[person]),
      redirectUri,
    })
    provider.registerGrantType(exchangeGrant, (context) => answerExchange(context, signToken), exchangeParameters)
    const callback = provider.callback()
    handle = (request, response) => {
      request.url = request.url?.replace(path, '') ?? ''
      // Who is behind a path says so, or its metadata would leave it out.
      Object.assign(request, { originalUrl: `${path}${request.url}`, baseUrl: path })
      return callback(request, response)
    }
  }
  startProvider()

  const close = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  onTestFinished(close)

  return {
    issuer,
    requests,
    get publicKey() {
      return keys.publicKey
    },
    async issueToken(claims = {}) {
      extraClaims = claims
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from(`${audience}:${encodeURIComponent(clientSecret)}`).toString('base64')}`,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: 'https://signalbox.example.com' }),
      })
      const body = (await response.json()) as { access_token?: string }
      if (body.access_token === undefined) throw new Error(`no token: ${JSON.stringify(body)}`)
      return body.access_token
    },
    signToken,
    letBrowserIn(uri, known) {
      redirectUri = uri
      people = known
      startProvider()
    },
    async rotateKeys() {
      keys = await createKeys(algorithm)
      startProvider()
    },
    behave(newMood) {
      mood = newMood
    },
    close,
  }
}

async function answerExchange(context: TokenContext, signToken: SignToken): Promise<void> {
  const { subject_token: token, connector_id: connector, subject_token_type: type } = context.oidc.params
  const isGood =
    token === subjectToken && connector === 'google' && type?.startsWith('urn:ietf:params:oauth:token-type:')
  context.status = isGood ? 200 : 401
  context.body = isGood
    ? { access_token: await signToken({ sub: 'exchanged' }), token_type: 'bearer' }
    : { error: 'access_denied', error_description: 'the connector does not know that token' }
}

const shared = new Map<string, ReturnType<typeof createKeys>>()

function sharedKeys(algorithm: string): ReturnType<typeof createKeys> {
  const keys = shared.get(algorithm) ?? createKeys(algorithm)
  shared.set(algorithm, keys)
  return keys
}

async function createKeys(algorithm: string) {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const kid = `key-${Math.random().toString(36).slice(2)}`
  return { privateKey, publicKey, kid, jwk: { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: algorithm } }
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

function createTestProvider(
  issuer: string,
  key: object,
  algorithm: string,
  {
    claimsOf,
    redirectUri,
  }: {
    /** What a token says of a person, or of a client that is on its own; undefined when there is no such person. */
    readonly claimsOf: (person: string | undefined) => Readonly<Record<string, unknown>> | undefined
    readonly redirectUri: string | undefined
  },
): Provider {
  return new Provider(issuer, {
    jwks: { keys: [key] },
    adapter: Memory,
    ttl: Object.fromEntries(artifacts.map((name) => [name, 600])),
    cookies: { keys: ['tests'] },
    clients: [
      {
        client_id: audience,
        client_secret: clientSecret,
        id_token_signed_response_alg: algorithm,
        grant_types: ['client_credentials', exchangeGrant],
        redirect_uris: [],
        response_types: [],
      },
      ...(redirectUri === undefined ? [] : publicClients(redirectUri, algorithm)),
    ],
    scopes: ['openid', 'email', 'profile', 'groups', 'offline_access'],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    // As at Dex, an ID token says it all, whoever could ask for more.
    conformIdTokenClaims: false,
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    pkce: { required: () => true },
    clientBasedCORS: (_context: unknown, origin: string) => redirectUri?.startsWith(`${origin}/`) === true,
    findAccount: (_context: unknown, accountId: string) =>
      claimsOf(accountId) && { accountId, claims: () => ({ sub: accountId, ...claimsOf(accountId) }) },
    features: {
      // Its own pages for signing in.
      devInteractions: { enabled: redirectUri !== undefined },
      deviceFlow: { enabled: redirectUri !== undefined },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://signalbox.example.com',
        // As at Dex, the access token is a JWT for us without being asked for.
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid email profile groups',
          audience,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: algorithm } },
        }),
      },
    },
    extraTokenClaims: (_context: unknown, { accountId }: { accountId?: string }) => claimsOf(accountId),
  })
}

/** What an issuer makes that ends. */
const artifacts = [
  'AccessToken',
  'AuthorizationCode',
  'ClientCredentials',
  'DeviceCode',
  'Grant',
  'IdToken',
  'Interaction',
  'RefreshToken',
  'Session',
]

function publicClients(redirectUri: string, algorithm: string): readonly object[] {
  const isPublic = { token_endpoint_auth_method: 'none', id_token_signed_response_alg: algorithm }
  const forCode = { grant_types: ['authorization_code'], redirect_uris: [redirectUri], response_types: ['code'] }
  const deviceFlow = 'urn:ietf:params:oauth:grant-type:device_code'
  const forDevices = { grant_types: [deviceFlow, 'refresh_token'], redirect_uris: [], response_types: [] }
  return [
    { ...isPublic, ...forCode, client_id: browserClient },
    { ...isPublic, ...forCode, client_id: clients.stranger },
    { ...isPublic, ...forDevices, client_id: clients.cli },
  ]
}

/** What an issuer remembers, until its process ends. */
class Memory {
  static readonly #entries = new Map<string, Entry>()
  readonly #kind: string

  constructor(kind: string) {
    this.#kind = kind
  }

  async upsert(id: string, payload: Entry): Promise<void> {
    Memory.#entries.set(`${this.#kind} ${id}`, payload)
  }

  async find(id: string): Promise<Entry | undefined> {
    return Memory.#entries.get(`${this.#kind} ${id}`)
  }

  async findByUid(uid: string): Promise<Entry | undefined> {
    return [...Memory.#entries].find(([key, entry]) => key.startsWith(`${this.#kind} `) && entry.uid === uid)?.[1]
  }

  async findByUserCode(userCode: string): Promise<Entry | undefined> {
    return [...Memory.#entries.values()].find((entry) => entry.userCode === userCode)
  }

  /** A code is good once. */
  async consume(id: string): Promise<void> {
    const entry = await this.find(id)
    if (entry !== undefined) entry.consumed = Math.floor(Date.now() / 1000)
  }

  async destroy(id: string): Promise<void> {
    Memory.#entries.delete(`${this.#kind} ${id}`)
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const [key, entry] of Memory.#entries) if (entry.grantId === grantId) Memory.#entries.delete(key)
  }
}

interface Entry {
  readonly uid?: string
  readonly grantId?: string
  readonly userCode?: string
  consumed?: number
}
