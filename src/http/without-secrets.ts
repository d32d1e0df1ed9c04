/** Names of parameters that hold what nobody else may read. */
const secretName =
  /token|secret|passw|pwd|auth(?!or$)|credential|assertion|session|cookie|jwt|signature|bearer|(api|private)[-_.]?key|(^|[-_.])pass$|^(code|key|sig|state)$/i

/** Three parts in base64url, of which the first is a JSON object: what it takes to be somebody. */
const webToken = /\beyJ[\w-]*(\.|%2e)[\w-]*(\.|%2e)[\w-]*/gi

/** A text without the web tokens in it. */
export function withoutTokens(text: string): string {
  return text.replaceAll(webToken, '***')
}

/** A URL as it may stand in logs: what looks like a secret, by its name or by itself, is masked. */
export function withoutSecrets(url: string): string {
  const [path = '', ...rest] = url.split('?')
  const query = rest.join('?')
  const masked = query.replaceAll(/([^&;=]*)=([^&;]*)/g, (pair, name: string) =>
    secretName.test(decoded(name)) ? `${name}=***` : pair,
  )
  return withoutTokens(rest.length === 0 ? path : `${path}?${masked}`)
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
