import { BlockList, isIPv4, isIPv6 } from 'node:net'
import type { FastifyRequest } from 'fastify'

/**
 * The address that a request comes from, as far as proxies that are trusted say: without the port that some of them write, and an
 * IPv4 address as one. What is no address counts as that of the proxy that wrote it.
 */
export function addressOf({ ip, socket }: FastifyRequest): string {
  return toAddress(ip) ?? toAddress(socket.remoteAddress ?? '') ?? 'unknown'
}

/** What one caller can have: an IPv4 address, or an IPv6 network of 64 bits, in which everybody has as many addresses as they like. */
export function networkOf(request: FastifyRequest): string {
  const address = addressOf(request)
  return isIPv6(address) ? `${toGroups(address).slice(0, 4).join(':')}::/64` : address
}

/** Whether an address is that of a proxy whose X-Forwarded-For is believed, for Fastify's `trustProxy`. */
export function createProxyTrust(networks: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) trusted.addAddress(address, family)
    else trusted.addSubnet(address, Number(bits), family)
  }
  return (text) => {
    const address = toAddress(text)
    return address !== undefined && trusted.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }
}

function toAddress(text: string): string | undefined {
  const [, bracketed, withPort] = /^(?:\[(.*)\](?::\d+)?|([\d.]+):\d+)$/.exec(text.trim()) ?? []
  const [address = ''] = (bracketed ?? withPort ?? text.trim()).split('%')
  if (isIPv4(address)) return address
  if (!isIPv6(address)) return undefined
  const groups = toGroups(address)
  if (groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return groups.join(':')
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((number) => [number >> 8, number & 0xff])
    .join('.')
}

/** The eight groups of an IPv6 address, none of them left out. */
function toGroups(address: string): readonly string[] {
  const [first = '', rest] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = first.split(':').filter(Boolean)
  const after = (rest ?? '').split(':').filter(Boolean)
  return [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
}
