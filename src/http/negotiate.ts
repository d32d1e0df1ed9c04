/** A form in which an answer can be given. */
export interface Offer {
  /** Lower case, without parameters. */
  readonly mediaType: string
  /** The one parameter of a media type that makes a difference: see the design, section 6. */
  readonly deployedVersion?: 'number' | 'object'
}

interface Range {
  readonly type: string
  readonly subtype: string
  readonly deployedVersion: string | undefined
  readonly quality: number
}

/**
 * Picks the form that the client likes best; among equals the one offered first. Without an Accept header that is the
 * first offer. Undefined when none is acceptable. Of the parameters of a range only `q` and `deployed-version` count.
 * RFC 9110, section 12.5.1: for each offer the most specific range that matches it decides.
 */
export function negotiate<T extends Offer>(accept: string | undefined, offers: readonly T[]): T | undefined {
  if (accept === undefined || accept.trim() === '') return offers[0]
  const ranges = parseAccept(accept)
  let best: { readonly offer: T; readonly quality: number } | undefined
  for (const offer of offers) {
    const quality = qualityOf(offer, ranges)
    if (quality > (best?.quality ?? 0)) best = { offer, quality }
  }
  return best?.offer
}

function qualityOf(offer: Offer, ranges: readonly Range[]): number {
  let decisive: { readonly specificity: number; readonly quality: number } | undefined
  for (const range of ranges) {
    const specificity = specificityFor(offer, range)
    if (specificity === undefined) continue
    if (decisive === undefined || specificity > decisive.specificity) {
      decisive = { specificity, quality: range.quality }
    }
  }
  return decisive?.quality ?? 0
}

function specificityFor(offer: Offer, range: Range): number | undefined {
  if (range.type === '*' && range.subtype === '*') return 0
  const [type, subtype] = offer.mediaType.split('/')
  if (range.type !== type) return undefined
  if (range.subtype === '*') return 1
  if (range.subtype !== subtype) return undefined
  if (range.deployedVersion === undefined) return 2
  return range.deployedVersion === offer.deployedVersion ? 3 : undefined
}

function parseAccept(accept: string): readonly Range[] {
  return accept.split(',').flatMap((text) => {
    const [mediaRange = '', ...parameters] = text.split(';').map((part) => part.trim())
    const match = /^([^\s/]+)\/([^\s/]+)$/.exec(mediaRange.toLowerCase())
    if (match === null) return []
    const [, type = '', subtype = ''] = match
    let quality = 1
    let deployedVersion: string | undefined
    for (const parameter of parameters) {
      const [name = '', value = ''] = parameter.split('=').map((part) => part.trim().toLowerCase())
      if (name === 'q') quality = toQuality(value)
      if (name === 'deployed-version') deployedVersion = value.replaceAll('"', '')
    }
    return [{ type, subtype, deployedVersion, quality }]
  })
}

/** A quality that is no number between 0 and 1 counts as 1: better an answer than a quarrel about a header. */
function toQuality(value: string): number {
  const quality = /^(\d+\.?\d*|\.\d+)$/.test(value) ? Number(value) : 1
  return Math.min(quality, 1)
}
