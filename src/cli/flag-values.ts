import { isHttpAddress } from '../network/http-address.ts'

/** What values of flags must be: each answers `must be ...` for one that is not, else undefined. */

const maximumUint64 = 2n ** 64n - 1n

export function aWholeNumber(value: string): string | undefined {
  return /^[0-9]{1,9}$/u.test(value) && Number(value) > 0 ? undefined : 'must be a whole number above 0'
}

export function aVersion(value: string): string | undefined {
  const isOne = /^[0-9]{1,20}$/u.test(value) && BigInt(value) > 0n && BigInt(value) <= maximumUint64
  return isOne ? undefined : `must be a whole number from 1 to ${maximumUint64}`
}

/** A name stands in a path, where a dot or two would lead elsewhere. */
export function aName(value: string): string | undefined {
  return value === '' || value === '.' || value === '..' ? 'must be a name' : undefined
}

export function aCommitId(value: string): string | undefined {
  return /^[0-9a-fA-F]{40}$/u.test(value) ? undefined : 'must be a commit id of 40 hex digits'
}

export function aLifetime(value: string): string | undefined {
  return /^[1-9][0-9]*[hdw]$/u.test(value) ? undefined : 'must be a whole number and h, d or w, such as 2d'
}

export function aLink(value: string): string | undefined {
  return URL.canParse(value) || value.startsWith('/') ? undefined : 'must be an address'
}

export function aDisplayVersion(value: string): string | undefined {
  return Buffer.byteLength(value) <= 15 ? undefined : 'must be at most 15 bytes long'
}

export function aHeader(value: string): string | undefined {
  return /^[\u0021-\u007e][\u0020-\u007e]*$/u.test(value) ? undefined : 'must be printable ASCII'
}

export function anIdempotencyKey(value: string): string | undefined {
  const isOne = /^[\u0020-\u007e]{1,255}$/u.test(value) && value.trim() === value
  return isOne ? undefined : 'must be 1 to 255 characters of printable ASCII'
}

export function anAddress(value: string): string | undefined {
  return isHttpAddress(value) ? undefined : 'must be the address of the server, such as https://signalbox.example.com'
}
