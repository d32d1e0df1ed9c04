/** An address of http or https that more can be appended to. Credentials in it can be decoded. */
export function isHttpAddress(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isOne = url !== undefined && /^https?:$/u.test(url.protocol) && url.search === '' && url.hash === ''
  return isOne && canDecode(url.username + url.password)
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
