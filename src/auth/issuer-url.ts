const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i

/**
 * Why an issuer, or an address that it names, cannot be trusted; undefined when it can. Without TLS whoever stands on the line
 * could name other keys, so that http is for this machine alone, unless `allowsHttp`.
 */
export function findIssuerUrlProblem(text: string, allowsHttp: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) return 'is no address such as https://dex.example.com/dex'
  if (url.username !== '' || url.password !== '') return 'must not hold credentials'
  if (/[?#\s\p{Cc}]/u.test(text)) return 'must not have a query or a fragment'
  const isSafe = url.protocol === 'https:' || loopback.test(url.hostname) || allowsHttp
  return isSafe ? undefined : 'is http: only https is safe, except on this machine'
}
