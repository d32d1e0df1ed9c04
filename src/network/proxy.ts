import { BlockList, isIP } from 'node:net'
import { isHttpAddress } from './http-address.ts'

/** What a variable of the environment names as a proxy is no address of one. */
export class ProxyAddressError extends Error {
  override readonly name = 'ProxyAddressError'
}

/**
 * The proxy that the environment names for an address, as Go's clients read it: `HTTPS_PROXY` or `HTTP_PROXY` by the
 * address's scheme, in either case; never for this machine itself, nor for what `NO_PROXY` names. Throws ProxyAddressError
 * when the variable is no address.
 */
export function proxyFor(url: URL, environment: Readonly<Record<string, string | undefined>>): URL | undefined {
  const find = (name: string) => [name, name.toLowerCase()].find((one) => environment[one]) ?? name
  const variable = find(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  const proxy = environment[variable] ?? ''
  if (proxy === '' || isThisMachine(url) || isNamed(url, environment[find('NO_PROXY')] ?? '')) return undefined
  const address = proxy.includes('://') ? proxy : `http://${proxy}`
  if (isHttpAddress(address)) return new URL(address)
  throw new ProxyAddressError(`${variable} must be the address of an HTTP proxy, such as http://proxy.example.com:3128`)
}

function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
}

/** Whether the list names the host: `*`, the host, a domain above it, each with a port or without; or addresses around it. */
function isNamed({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  const host = withoutBrackets(hostname)
  return list.split(',').some((entry) => {
    const written = entry.trim().toLowerCase()
    if (isWithin(host, written)) return true
    const [, name = '', onlyPort = ownPort] = /^(.*?)(?::([0-9]+))?$/u.exec(written) ?? []
    if (name === '' || onlyPort !== ownPort) return false
    const domain = name.replace(/^\*?\./u, '')
    return (
      name === '*' ||
      host.endsWith(`.${domain}`) ||
      (host === domain && name === domain) ||
      isWithin(host, withoutBrackets(name))
    )
  })
}

/** Whether the host is the address written, such as `10.0.0.1` or `fd00::1`, or one of a network, such as `10.0.0.0/8`. */
function isWithin(host: string, written: string): boolean {
  const [, address = '', prefix] = /^([0-9a-f.:]+)(?:\/([0-9]{1,3}))?$/u.exec(written) ?? []
  const bits = isIP(address) === 4 ? 32 : 128
  if (isIP(host) === 0 || isIP(address) === 0 || Number(prefix ?? bits) > bits) return false
  const addresses = new BlockList()
  addresses.addSubnet(address, Number(prefix ?? bits), toFamily(address))
  return addresses.check(host, toFamily(host))
}

function toFamily(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6'
}

/** A URL has IPv6 addresses in brackets. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/u, '$1')
}
