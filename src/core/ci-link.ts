import { DomainError } from './errors.ts'

const maximumBytes = 1000

/** Whether a link to the caller's pipeline is an absolute http(s) URL, on one of the allowed hosts where those are configured. */
export function isValidCiLink(ciLink: string, allowedDomains: readonly string[] | undefined): boolean {
  // What the URL parser would repair is refused: the link stands in commits and terminals as it was given.
  const isClean = !/[\s\p{Cc}]/u.test(ciLink) && new TextEncoder().encode(ciLink).length <= maximumBytes
  const url = isClean && URL.canParse(ciLink) ? new URL(ciLink) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  return isWeb && (allowedDomains === undefined || allowedDomains.includes(url.hostname))
}

/** Throws INVALID_CI_LINK with Kuberpult's text when the link is not valid. */
export function assertCiLink(ciLink: string, allowedDomains: readonly string[] | undefined): void {
  if (isValidCiLink(ciLink, allowedDomains)) return
  throw new DomainError(
    { code: 'INVALID_CI_LINK', ciLink },
    `error: provided CI Link: ${ciLink} is not valid or does not match any of the allowed domain`,
  )
}
