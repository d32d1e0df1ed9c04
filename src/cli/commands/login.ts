import { acceptsMessage } from '../answer.ts'
import type { Command, Context } from '../command.ts'
import { CommandFailure, requireMessage } from '../command.ts'
import { isOn } from '../flags.ts'
import { messages } from '../messages.ts'
import { cleanLine } from '../output.ts'
import { RequestFailure } from '../request.ts'
import type { DeviceCode, Tokens } from '../sign-in/device-flow.ts'
import { failure, requestDeviceCode, waitForTokens } from '../sign-in/device-flow.ts'
import { assertSafe, Issuer } from '../sign-in/issuer.ts'
import type { Session } from '../sign-in/session.ts'

const allowHttp = { name: 'allow-http', help: 'take a server and an issuer without https, on other machines too' }

export const login: Command = {
  name: 'login',
  summary: 'sign in at the server with a browser, here or on another device',
  flags: [allowHttp],
  sendsNoToken: true,
  run: async (context) => {
    const { flags, client, output, signIn } = context
    const { server, files, environment } = signIn
    const allowsHttp = isOn(flags, 'allow-http')
    assertSafe(server, 'the server', allowsHttp)
    const answer = await client.read({ method: 'GET', path: ['api', 'sign-in'], headers: acceptsMessage })
    const { mode, issuer: issuerAddress = '', clientId, scopes } = requireMessage(answer, messages.signIn)
    if (mode === 'none') {
      if (output.isJson) return output.printJson(JSON.stringify({ server, mode }))
      return output.print(`nobody is asked who they are at ${server}: there is no need to sign in`)
    }
    if (!clientId) {
      throw failure('LOGIN_NOT_OFFERED', `${server} has no client with which a terminal could sign in`, [
        'a token in SIGNALBOX_TOKEN; whoever runs the server can set SIGNALBOX_OIDC_CLI_CLIENT_ID.',
      ])
    }
    const issuer = new Issuer({ issuer: issuerAddress, allowsHttp, environment })
    const endpoints = await issuer.discover()
    const code = await requestDeviceCode(issuer, endpoints, { clientId, scopes })
    assertSafe(code.verificationUri, 'the page to sign in at', allowsHttp)
    output.note(toInstructions(code, environment))
    const done = output.wait('somebody to sign in')
    const tokens = await waitForTokens(issuer, endpoints, clientId, code, signIn.sleep).finally(done)
    const who = await introduce(context, tokens)
    const session: Session = { server, issuer: issuerAddress, clientId, allowsHttp, ...tokens }
    await files.alone(server, () => files.write(session))
    if (output.isJson) {
      return output.printJson(JSON.stringify({ server, mode, issuer: issuerAddress, name: who.name, email: who.email }))
    }
    const roles = who.roles.length === 0 ? 'without a role' : `with the roles ${who.roles.join(', ')}`
    return output.print(cleanLine(`signed in at ${server} as ${who.name ?? ''} <${who.email ?? ''}>, ${roles}`))
  },
}

function toInstructions(code: DeviceCode, environment: Readonly<Record<string, string | undefined>>): string {
  const { userCode, verificationUri, verificationUriComplete, expiresIn } = code
  const minutes = Math.max(1, Math.floor(expiresIn / 60))
  const others = ['SIGNALBOX_TOKEN', 'KUBERPULT_DEX_ACCESS_TOKEN'].filter((name) => environment[name])
  return [
    `To sign in, open ${cleanLine(verificationUri)} in a browser, on any device, and type the code`,
    `    ${userCode}`,
    ...(verificationUriComplete === undefined
      ? []
      : [`Or open ${cleanLine(verificationUriComplete)} and compare the code.`]),
    `It is good for ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}. Go on only if you have just asked for it.`,
    ...others.map((name) => `${name} is set: other commands send that, not this login.`),
  ].join('\n')
}

/** Nothing is kept that the server does not take. Throws CommandFailure. */
async function introduce({ signIn }: Context, { token, refreshToken }: Tokens) {
  try {
    const client = signIn.clientWith(token, refreshToken)
    const answer = await client.read({ method: 'GET', path: ['api', 'whoami'], headers: acceptsMessage })
    return requireMessage(answer, messages.whoAmI)
  } catch (error) {
    if (!(error instanceof RequestFailure) || error.answer?.status !== 401) throw error
    const challenge = String(error.answer.headers['www-authenticate'] ?? '')
    const [, reason = 'it does not say why'] = /error_description="([^"]*)"/u.exec(challenge) ?? []
    throw failure('LOGIN_NOT_TAKEN', `${signIn.server} does not take the token of this login: ${cleanLine(reason)}`, [
      'whoever runs the server: the client of SIGNALBOX_OIDC_CLI_CLIENT_ID must be among SIGNALBOX_OIDC_AUDIENCE.',
    ])
  }
}

export const logout: Command = {
  name: 'logout',
  summary: 'forget the login at the server, and end it at the issuer where that is possible',
  flags: [],
  sendsNoToken: true,
  run: async ({ output, signIn }) => {
    const { server, files, environment } = signIn
    const session = await files.read(server).catch((error: unknown) => {
      // What cannot be used is taken away all the same.
      if (error instanceof CommandFailure) return undefined
      throw error
    })
    const wasThere = await files.remove(server)
    if (session !== undefined) await revoke(session, environment, (sentence) => output.note(sentence))
    if (output.isJson) return output.printJson(JSON.stringify({ server, wasSignedIn: wasThere }))
    return output.print(wasThere ? `signed out of ${server}` : `nobody was signed in at ${server}`)
  },
}

async function revoke(
  session: Session,
  environment: Readonly<Record<string, string | undefined>>,
  note: (sentence: string) => void,
): Promise<void> {
  const { clientId, refreshToken } = session
  if (refreshToken === undefined) return
  try {
    const issuer = new Issuer({ ...session, environment })
    const { revocation } = await issuer.discover()
    if (revocation === undefined) return
    await issuer.send(revocation, { token: refreshToken, token_type_hint: 'refresh_token', client_id: clientId })
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    note(`it is forgotten here, but the issuer was not told: ${error.lines[0] ?? ''}`)
  }
}
