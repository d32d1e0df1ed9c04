import { describe, expect, it } from 'vitest'
import type { RemoteAddress } from '../../../src/manifest-store/remote/remote-address.ts'
import { isRemoteAddress, parseRemoteAddress } from '../../../src/manifest-store/remote/remote-address.ts'

describe('an address of a repository', () => {
  it.each<[text: string, address: Partial<RemoteAddress>]>([
    ['https://git.example.com/a/b.git', { kind: 'http', url: 'https://git.example.com/a/b.git' }],
    ['https://git.example.com:8443/a/b/', { kind: 'http', url: 'https://git.example.com:8443/a/b' }],
    ['HTTP://git.example.com/a', { kind: 'http', url: 'http://git.example.com/a' }],
    ['ssh://git.example.com/srv/b.git', { kind: 'ssh', user: undefined, host: 'git.example.com', path: '/srv/b.git' }],
    ['ssh://git@host:2222/~me/b.git', { kind: 'ssh', user: 'git', host: 'host', port: 2222, path: '~me/b.git' }],
    ['ssh://git@[fd00::1]:22/b', { kind: 'ssh', user: 'git', host: 'fd00::1', port: 22, path: '/b' }],
    ['ssh://git@host/a%20b', { kind: 'ssh', path: '/a b' }],
    ['git@host:a/b.git', { kind: 'ssh', user: 'git', host: 'host', port: undefined, path: 'a/b.git' }],
    ['git@host:/srv/b.git', { kind: 'ssh', path: '/srv/b.git' }],
    ['git@[fd00::1]:b', { kind: 'ssh', host: 'fd00::1', path: 'b' }],
    ['git@host:~me/b', { kind: 'ssh', path: '~me/b' }],
    ["git@host:a'b", { kind: 'ssh', path: "a'b" }],
    ['file:///srv/b.git', { kind: 'file', path: '/srv/b.git' }],
    ['file://localhost/srv/a%25b', { kind: 'file', url: 'file:///srv/a%25b', path: '/srv/a%b' }],
  ])('%s', (text, address) => {
    expect(isRemoteAddress(text)).toBe(true)
    expect(parseRemoteAddress(text)).toMatchObject({ ok: true, address })
  })

  it.each([
    'ext::sh -c whoami',
    'ext::whoami',
    'fd::17',
    'git://host/x',
    'ftp://host/x',
    'javascript://x',
    'https://me:secret@host/x',
    'https://token@host/x',
    'https://host/x?y',
    'https://host/x#y',
    'https://host/',
    'https://host',
    String.raw`https://host\x`,
    'https://-host/ x',
    'https:///x',
    'ssh://host',
    'ssh://host/',
    'ssh://-oProxyCommand=whoami/x',
    'ssh://-l@host/x',
    'ssh://me:secret@host/x',
    'ssh://ho$(whoami)st/x',
    'ssh://host:0/x',
    'ssh://host:65536/x',
    'ssh://host:22a/x',
    'ssh://host/%0a',
    'ssh://host/%zz',
    'ssh:///x',
    '-oProxyCommand=whoami@host:x',
    '-l@host:x',
    'me@-oProxyCommand=x:y',
    'me@host:-x',
    'me@host:',
    'me@host:/',
    'me:secret@host:x',
    'me@ho st:x',
    'file://srv/b.git',
    'file://',
    'file:///',
    'file:///a%00b',
    'https://host/a\nb',
    'https://host/\u001b[31m',
  ])('is not %j', (text) => {
    expect(isRemoteAddress(text) || text.startsWith('-') || /\s/u.test(text)).toBe(true)
    expect(parseRemoteAddress(text)).toMatchObject({ ok: false })
  })

  it.each(['/srv/b.git', './a:b', 'data/x@y:z/b', 'manifests.git', '../x', '/a@b:c'])('is not remote: %s', (text) => {
    expect(isRemoteAddress(text)).toBe(false)
  })
})
