import { describe, expect, it } from 'vitest'
import { RemoteError } from '../../../src/manifest-store/remote/git-remote.ts'
import type { RemoteErrorCode } from '../../../src/manifest-store/remote/git-remote.ts'
import { toGitError, toRemoteError } from '../../../src/manifest-store/remote/remote-failure.ts'
import { StoreUnavailableError } from '../../../src/manifest-store/store-errors.ts'

const rights = 'Please make sure you have the correct access rights\nand the repository exists.\n'
const unread = `fatal: Could not read from remote repository.\n\n${rights}`

describe('what git, ssh and servers say', () => {
  it.each<[text: string, code: RemoteErrorCode]>([
    [`git@github.com: Permission denied (publickey).\n${unread}`, 'REMOTE_DENIED'],
    [`ERROR: Permission to shop/manifests.git denied to deploy key\n${unread}`, 'REMOTE_DENIED'],
    [`ERROR: The key you are authenticating with has been marked as read only.\n${unread}`, 'REMOTE_DENIED'],
    [`ERROR: Repository not found.\n${unread}`, 'REMOTE_NOT_FOUND'],
    [`remote: Repository not found.\nfatal: repository 'https://github.com/x/y.git/' not found\n`, 'REMOTE_NOT_FOUND'],
    [
      `remote: The project you were looking for could not be found or you don't have permission to view it.\n`,
      'REMOTE_NOT_FOUND',
    ],
    [
      `remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://gitlab.com/x/y.git/'\n`,
      'REMOTE_DENIED',
    ],
    [`remote: You are not allowed to download code from this project.\n${unread}`, 'REMOTE_DENIED'],
    [
      `remote: Write access to repository not granted.\nfatal: unable to access 'https://github.com/x/': The requested URL returned error: 403\n`,
      'REMOTE_DENIED',
    ],
    [`fatal: could not read Username for 'https://git.example.com': terminal prompts disabled\n`, 'REMOTE_DENIED'],
    [`fatal: unable to access 'https://x/': Could not resolve host: x\n`, 'REMOTE_UNREACHABLE'],
    [`ssh: Could not resolve hostname x: Name or service not known\n${unread}`, 'REMOTE_UNREACHABLE'],
    [`ssh: connect to host x port 22: Connection refused\n${unread}`, 'REMOTE_UNREACHABLE'],
    [`ssh: connect to host x port 22: Connection timed out\n${unread}`, 'REMOTE_UNREACHABLE'],
    [`kex_exchange_identification: Connection closed by remote host\n${unread}`, 'REMOTE_UNREACHABLE'],
    [
      `No ED25519 host key is known for x and you have requested strict checking.\nHost key verification failed.\n${unread}`,
      'REMOTE_DENIED',
    ],
    [
      `Load key "/etc/ssh/identity": error in libcrypto\ngit@x: Permission denied (publickey).\n${unread}`,
      'REMOTE_DENIED',
    ],
    [
      `fatal: unable to access 'https://x/': server certificate verification failed. CAfile: none CRLfile: none\n`,
      'REMOTE_DENIED',
    ],
    [`fatal: unable to access 'https://x/': SSL certificate problem: self-signed certificate\n`, 'REMOTE_DENIED'],
    [`fatal: unable to access 'https://x/': The requested URL returned error: 503\n`, 'REMOTE_UNREACHABLE'],
    [`fatal: '/srv/x.git' does not appear to be a git repository\n${unread}`, 'REMOTE_NOT_FOUND'],
    [
      `fatal: detected dubious ownership in repository at '/srv/x.git'\nTo add an exception for this directory, call:\n`,
      'REMOTE_DENIED',
    ],
    [`fatal: remote error: upload-pack: not our ref c0ffee\n`, 'REMOTE_REFUSED'],
    [`error: Server does not allow request for unadvertised object c0ffee\n`, 'REMOTE_REFUSED'],
    [`fatal: remote error: access denied or repository not exported: /x\n`, 'REMOTE_NOT_FOUND'],
    [`fatal: remote error: out of order\n`, 'REMOTE_REFUSED'],
    [`fatal: dumb http transport does not support shallow capabilities\n`, 'REMOTE_REFUSED'],
    [`error: RPC failed; curl 18 transfer closed\nfatal: early EOF\n`, 'REMOTE_UNREACHABLE'],
    [`remote: error: inflate: data stream error (incorrect data check)\nfatal: early EOF\n`, 'REMOTE_UNREACHABLE'],
    [
      `remote: fatal: packed object c0ffee (stored in ./objects/pack/pack-x.pack) is corrupt\nfatal: early EOF\n`,
      'REMOTE_UNREACHABLE',
    ],
    [`remote: fatal: write error: No space left on device\nfatal: early EOF\n`, 'REMOTE_UNREACHABLE'],
    ['', 'REMOTE_UNREACHABLE'],
  ])('is understood: %j', (text, code) => {
    const error = toGitError('git fetch', text, [])
    expect(error).toBeInstanceOf(RemoteError)
    expect(error).toMatchObject({ code })
    expect(error.message).toMatch(/^git fetch failed: .*[^.]\. [A-Z].*[^.]$/)
    expect(error.message).not.toMatch(/\n|access rights|\.\./)
  })

  it.each([
    'fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output\n',
    'error: insufficient permission for adding an object to repository database objects\n',
    "fatal: could not create work tree dir '/x': Permission denied\n",
    "error: cannot open '/x/FETCH_HEAD': Read-only file system\n",
    "fatal: Unable to create '/x/shallow.lock': File exists.\n",
    "fatal: not a git repository: '/x/clone.git'\n",
    'fatal: not in a git directory\n',
    'fatal: bad object refs/heads/main\n',
    'error: refs/heads/main does not point to a valid object!\n',
    'fatal: loose object c0ffee (stored in objects/c0/ffee) is corrupt\n',
    'error: packfile ./objects/pack/pack-x.pack does not match index\n',
    'fatal: packed object c0ffee (stored in ./objects/pack/pack-x.pack) is corrupt\n',
    'error: inflate: data stream error (incorrect data check)\nfatal: unresolved deltas\n',
  ])('is a matter of our own disk: %j', (text) => {
    const error = toGitError('git fetch', text, [])
    expect(error).toBeInstanceOf(StoreUnavailableError)
    expect(error.message).toMatch(/^git fetch failed on this machine: /)
  })

  it('is no matter of our own disk when it comes from the server of a push', () => {
    expect(toRemoteError('ssh git-receive-pack', 'fatal: write error: No space left on device\n', [])).toMatchObject({
      name: 'RemoteError',
      code: 'REMOTE_UNREACHABLE',
    })
  })

  it('of a host key that has changed is not how to throw the old one away', () => {
    const text =
      '@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nOffending ED25519 key in /keys/known_hosts:1\n' +
      `  remove with:\n  ssh-keygen -f "/keys/known_hosts" -R "git.example.com"\nHost key verification failed.\n${unread}`
    expect(toRemoteError('git fetch', text, []).message).not.toMatch(/ssh-keygen|remove with|known_hosts:1/)
  })

  it('of a server in trouble is whose trouble it is', () => {
    const { message } = toRemoteError('git fetch', 'https://git.example.com/x.git returned error: 503', [])
    expect(message).toContain('The server, or a proxy before it, has trouble of its own')
  })

  it('is told without progress, colours, secrets and what is too long', () => {
    const text = `Cloning into bare repository 'x'...\nremote: Counting objects: 100%\rReceiving objects:  50%\r\u001b[31mfatal: \u202eno\u0007 s3cret ${'x'.repeat(2000)}`
    const { message } = toGitError('git clone', text, ['s3cret'])
    expect(message).toMatch(/^git clone failed: fatal: no \*\*\* x{480,500}\.\.\.\. If it goes on/)
  })
})
