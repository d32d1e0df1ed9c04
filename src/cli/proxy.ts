import { isIP } from 'node:net'

/**
 * The proxy that the environment names for an address, as Go's clients read it: `HTTPS_PROXY` or `HTTP_PROXY` by the
 * address's scheme, in either case; never for this machine itself, nor for what `NO_PROXY` names. Throws TypeError when the
 * variable is no address.
 */
export function proxyFor(url: URL, environment: Readonly<Record<string, string | undefined>>): URL | undefined {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || ''
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY')
  if (proxy === '' || isThisMachine(url) || isNamed(url, read('NO_PROXY'))) return undefined
  return new URL(proxy.includes('://') ? proxy : `http://${proxy}`)
}

function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
}

/** Whether the list names the host: `*`, the host, a domain above it, each with a port or without. */
function isNamed({ hostname, port, protocol }: URL, list: string): boolean {
  const ownPort = port || (protocol === 'https:' ? '443' : '80')
  return list.split(',').some((entry) => {
    const [, name = '', onlyPort = ownPort] = /^(.*?)(?::([0-9]+))?$/u.exec(entry.trim().toLowerCase()) ?? []
    if (name === '' || onlyPort !== ownPort) return false
    const domain = name.replace(/^\*?\./u, '')
    return name === '*' || hostname.endsWith(`.${domain}`) || (hostname === domain && name === domain)
  })
}
