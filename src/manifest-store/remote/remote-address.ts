/** Where a git server has the repository. Never with a password or a token in it. */
export type RemoteAddress =
  | { readonly kind: 'http'; readonly url: string }
  | {
      readonly kind: 'ssh'
      readonly url: string
      readonly user: string | undefined
      readonly host: string
      readonly port: number | undefined
      /** As the server's shell gets it, quoted: `/srv/manifests.git`, `~me/manifests.git`, or from the login folder. */
      readonly path: string
    }
  | { readonly kind: 'file'; readonly url: string; readonly path: string }

export type ParsedAddress =
  | { readonly ok: true; readonly address: RemoteAddress }
  /** How it would be right: `must be ...` or the like, without the address. */
  | { readonly ok: false; readonly problem: string }

/** What begins like a URL, like git's `transport::address`, or like `git@host:path`: everything else is a path here. */
export function isRemoteAddress(text: string): boolean {
  return /^([a-z][a-z0-9+.-]*:(\/\/|:)|[^/\s]+@[^/\s]*:)/iu.test(text)
}

const forms =
  'an address such as ssh://git@git.example.com/manifests.git, git@git.example.com:manifests.git, or one of https://, http:// or file://'

/** Takes what git takes, of the five forms that Signalbox speaks, and refuses what git would take for an option or a command. */
export function parseRemoteAddress(text: string): ParsedAddress {
  if (/[\p{Cc}\s]/u.test(text)) return wrong('must be an address without spaces and control characters')
  const [, scheme = ''] = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(text) ?? []
  switch (scheme.toLowerCase()) {
    case 'https':
    case 'http':
      return parseHttp(text)
    case 'ssh':
      return parseSsh(text)
    case 'file':
      return parseFile(text)
    case '':
      return parseScp(text)
    default:
      return wrong(`must be ${forms}`)
  }
}

/** An address for people and logs, when it may still have credentials in it. */
export function withoutCredentials(text: string): string {
  return text.includes('//') ? text.replace(/\/\/.*@/u, '//...@') : text.replace(/^[^/@]*:[^@]*@/u, '...@')
}

function parseHttp(text: string): ParsedAddress {
  if (!URL.canParse(text) || text.includes('\\')) return wrong(`must be ${forms}`)
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') {
    return wrong(
      'must not have credentials in it: set SIGNALBOX_GIT_TOKEN_FILE and, if it matters, SIGNALBOX_GIT_USERNAME',
    )
  }
  if (/[?#]/u.test(text)) return wrong('must be an address without ? and #')
  if (url.pathname === '/') return wrong('must name the repository on that server')
  return right({ kind: 'http', url: url.href.replace(/\/+$/u, '') })
}

function parseSsh(text: string): ParsedAddress {
  const [, userInfo, host = '', port, path = ''] =
    /^ssh:\/\/(?:([^/]*)@)?(\[[^\]/]*\]|[^/@:]*)(?::([0-9]*))?(\/.*)?$/iu.exec(text) ?? []
  const decoded = decode(path)
  if (decoded === undefined) return wrong(`must be ${forms}`)
  const number = port === undefined || port === '' ? undefined : Number(port)
  if (number !== undefined && (number < 1 || number > 65_535)) return wrong('must have a port from 1 to 65535')
  // What comes after the host of ssh://host/~me/x is meant from a home folder.
  return toSsh(text, userInfo, host, number, decoded.replace(/^\/~/u, '~'))
}

function parseScp(text: string): ParsedAddress {
  const [, userInfo, host = '', path = ''] = /^(?:([^/]*)@)?(\[[^\]/]*\]|[^/@:]*):(?!:)(.*)$/u.exec(text) ?? []
  return toSsh(text, userInfo, host, undefined, path)
}

function toSsh(
  url: string,
  user: string | undefined,
  host: string,
  port: number | undefined,
  path: string,
): ParsedAddress {
  if (user?.includes(':') === true) {
    return wrong('must not have a password in it: ssh takes the key in SIGNALBOX_GIT_SSH_KEY')
  }
  const name = host.replace(/^\[(.*)\]$/u, '$1')
  // Neither may look like an option of ssh.
  const isHost = host.startsWith('[') ? /^[0-9a-f:.]+$/iu.test(name) : /^[a-z0-9_][a-z0-9._-]*$/iu.test(name)
  const isUser = user === undefined || /^[a-z0-9_][a-z0-9._+-]*$/iu.test(user)
  if (!isHost || !isUser) return wrong(`must be ${forms}`)
  if (path === '' || path === '/' || path.startsWith('-')) return wrong('must name the repository on that server')
  return right({ kind: 'ssh', url, user, host: name, port, path })
}

function parseFile(text: string): ParsedAddress {
  // git does not know that this machine has a name.
  const encoded = text.replace(/^file:\/\/(localhost(?=\/))?/iu, '')
  const path = decode(encoded)
  return path?.startsWith('/') === true && path !== '/'
    ? right({ kind: 'file', url: `file://${encoded}`, path })
    : wrong('must have the whole path of a repository on this machine, such as file:///srv/manifests.git')
}

/** git decodes such addresses too. */
function decode(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text)
    return /\p{Cc}/u.test(decoded) ? undefined : decoded
  } catch {
    return undefined
  }
}

function right(address: RemoteAddress): ParsedAddress {
  return { ok: true, address }
}

function wrong(problem: string): ParsedAddress {
  return { ok: false, problem }
}
