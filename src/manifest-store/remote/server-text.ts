/** More of what a server says is of no use to anybody. */
const maximumLength = 500

/**
 * What a server, or a program that spoke with one, has to say, as it may stand in a message: one line without anything that
 * a terminal would act on, no longer than people read, and without our secrets, should it repeat them.
 */
export function cleanServerText(text: string, secrets: readonly string[] = []): string {
  const line = concealSecrets(text, secrets)
    // eslint-disable-next-line no-control-regex
    .replaceAll(/\u001b\[[0-9;?]*[a-z]/giu, '')
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029\s]+/gu, ' ')
    .trim()
  return line.length <= maximumLength ? line : `${line.slice(0, maximumLength)}...`
}

/** Credentials in the forms in which they travel. */
export function concealSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret !== '')
    .reduce((concealed, secret) => concealed.replaceAll(secret, '***'), text)
}
