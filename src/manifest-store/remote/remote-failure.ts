import type { ChildEnd } from './run-child.ts'
import { RemoteError } from './git-remote.ts'
import type { RemoteErrorCode } from './git-remote.ts'
import { cleanServerText } from './server-text.ts'
import { StoreUnavailableError } from '../store-errors.ts'

interface Rule {
  readonly says: RegExp
  readonly code: RemoteErrorCode
  readonly advice: string
}

const address = 'Check SIGNALBOX_REPOSITORY'
const credentials =
  'Check the credentials: SIGNALBOX_GIT_SSH_KEY for ssh, SIGNALBOX_GIT_TOKEN_FILE, SIGNALBOX_GIT_TOKEN or a credential helper of git for https'

/** What git, ssh and servers say, most telling first. All of it in English: LC_ALL is C. */
const rules: readonly Rule[] = [
  {
    says: /Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known for|authenticity of host/i,
    code: 'REMOTE_DENIED',
    advice:
      'The server does not have the host key that we know, or we know none. Find its key out from whoever runs it, and put it into SIGNALBOX_GIT_SSH_KNOWN_HOSTS',
  },
  {
    says: /Load key ".*":|UNPROTECTED PRIVATE KEY|bad permissions|invalid format|passphrase/i,
    code: 'REMOTE_DENIED',
    advice:
      'The key in SIGNALBOX_GIT_SSH_KEY cannot be used: it must be a private key without a passphrase that this user can read, and nobody else',
  },
  {
    says: /certificate problem|certificate verification failed|certificate verify failed|self[- ]signed certificate|unable to (get local issuer|verify the first certificate)|certificate has expired|altnames/i,
    code: 'REMOTE_DENIED',
    advice:
      "The server's certificate is none that we believe. Name the file with that of its authority in SIGNALBOX_GIT_CA_FILE",
  },
  {
    says: /dubious ownership/i,
    code: 'REMOTE_DENIED',
    advice:
      'The repository belongs to another user. Run Signalbox as that user, or allow it with git config --global --add safe.directory',
  },
  {
    says: /Permission denied \(|Too many authentication failures|Authentication failed|could not read (Username|Password)|terminal prompts disabled|HTTP Basic: Access denied|returned error: 40[13]|marked as read only|Permission to .* denied|not allowed to|access denied(?! or)|insufficient permission to/i,
    code: 'REMOTE_DENIED',
    advice: `${credentials}, and that they may read and write the repository`,
  },
  {
    says: /repository .*not found|does not appear to be a git repository|not a git repository|did you run git update-server-info|returned error: 404|project .*(not found|could not be found)|repository not exported|Could not find repository|no such project/i,
    code: 'REMOTE_NOT_FOUND',
    advice: `${address}. Some servers say this too when they do not want to say that access is denied`,
  },
  {
    says: /dumb http transport/i,
    code: 'REMOTE_REFUSED',
    advice: "The server only serves files. It must speak git's smart HTTP protocol",
  },
  {
    says: /Could not resolve (host|proxy)|Name or service not known|Temporary failure in name resolution|ENOTFOUND|EAI_AGAIN/i,
    code: 'REMOTE_UNREACHABLE',
    advice: `Nobody knows the host. ${address}, and the name server and the proxy of this machine`,
  },
  {
    says: /not our ref|unadvertised object|upload-pack: (not our|no such)|missing necessary objects/i,
    code: 'REMOTE_REFUSED',
    advice:
      'The server does not have the object, or gives out none by id. Allow it there (git config uploadpack.allowAnySHA1InWant true), or set SIGNALBOX_CLONE_FILTER=none and remove the clone',
  },
  {
    says: /^((fatal: )?remote error|fatal: protocol error|ERROR): /m,
    code: 'REMOTE_REFUSED',
    advice: 'What the server says may tell why',
  },
  {
    says: /returned error: 5\d\d/i,
    code: 'REMOTE_UNREACHABLE',
    advice: 'The server, or a proxy before it, has trouble of its own. If it goes on, ask whoever runs it',
  },
  {
    says: /timed out|no answer within|Connection refused|Failed to connect|Network is unreachable|No route to host|Connection reset|Connection closed|kex_exchange_identification|Couldn't connect|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|socket hang up/i,
    code: 'REMOTE_UNREACHABLE',
    advice: 'There was no connection. Check that the server runs, and what stands between: firewalls and proxies',
  },
]

/** What is wrong with the clone, or with the disk that it is on. */
const ownFailures =
  /No space left on device|Disk quota exceeded|Read-only file system|Input\/output error|insufficient permission for adding|(cannot|could not|unable to|failed to) (mkdir|create|write|open|lock|update|rename)|not (a git repository: |in a git directory)|bad object|does not point to a valid object|inflate: data stream error|(loose object|packed object|object file|packfile|index file) .*(corrupt|empty|is truncated|cannot be|does not match)/i

/** What `git <what>` has said when it failed in our clone. */
export function toGitError(what: string, text: string, secrets: readonly string[]): Error {
  // What the server says is about its own disk.
  if (!ownFailures.test(text.replaceAll(/^remote: .*$/gmu, ''))) return toRemoteError(what, text, secrets)
  return new StoreUnavailableError(
    `${what} failed on this machine: ${cleanServerText(withoutNoise(text), secrets)}. Check the clone, and the disk that it is on`,
  )
}

/** What a server, or a program that speaks with one, has said when it failed. */
export function toRemoteError(what: string, text: string, secrets: readonly string[]): RemoteError {
  const said = cleanServerText(withoutNoise(text), secrets) || 'it said nothing'
  const rule = rules.find(({ says }) => says.test(text))
  const advice = rule?.advice ?? 'If it goes on, try the same with git by hand'
  return new RemoteError(rule?.code ?? 'REMOTE_UNREACHABLE', `${what} failed: ${said}. ${advice}`)
}

/** Why a program did not come to an end of its own. */
export function toEndError(
  what: string,
  end: Exclude<ChildEnd, { kind: 'ended' }>,
  secrets: readonly string[] = [],
): RemoteError {
  switch (end.kind) {
    case 'closed':
      return new RemoteError('REMOTE_UNREACHABLE', `${what} was broken off, because Signalbox ends`)
    case 'timeout': {
      const said = cleanServerText(withoutNoise(end.errors), secrets)
      return new RemoteError(
        'REMOTE_UNREACHABLE',
        `${what} took longer than ${end.milliseconds / 1000} s and was ended${said === '' ? '' : `: ${said}`}. ` +
          'Check the connection, or set SIGNALBOX_GIT_NETWORK_TIMEOUT',
      )
    }
    case 'too-much-output':
      return new RemoteError('REMOTE_UNREACHABLE', `${what} was ended: the server sent more than anybody has use for`)
    case 'not-started':
      return new RemoteError('REMOTE_UNREACHABLE', toStartProblem(what, end.cause), { cause: end.cause })
  }
}

function toStartProblem(what: string, { code, message }: NodeJS.ErrnoException): string {
  const [program = ''] = what.split(' ')
  return code === 'ENOENT'
    ? `${what} failed: there is no program ${program} on this machine. A remote repository takes one: install it, or serve a clone on this disk`
    : `${what} failed: ${program} could not be started (${message})`
}

/** Progress, hints and what always stands there say nothing about a failure. */
const noise =
  /^(hint:|warning: redirecting|Cloning into|Please make sure you have|and the repository exists|remote: (Enumerating|Counting|Compressing|Total)|(remote: )?(Receiving|Resolving|Counting|Compressing|Enumerating|Filtering)[^:]*:|@|IT IS POSSIBLE|Someone could be eavesdropping|It is also possible that|Please contact your system|Add correct host key|Offending|remove with:|ssh-keygen -f|(fatal: )?Could not read from remote repository|remote: aborting due to|fatal: the remote end hung up)/i

function withoutNoise(text: string): string {
  const lines = text.split(/[\r\n]+/u).map((line) => line.trim().replace(/\.$/u, ''))
  const full = lines.filter((line) => line !== '')
  const telling = full.filter((line) => !noise.test(line))
  return [...new Set(telling.length === 0 ? full.slice(-1) : telling)].join('; ')
}
