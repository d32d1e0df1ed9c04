import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import type { PushOutcome, RefUpdate, RemoteErrorCode } from '../../../src/manifest-store/remote/git-remote.ts'
import { flushPkt, toPktLine } from '../../../src/manifest-store/remote/pkt-line.ts'
import type { Reaction } from '../../cli/recording-server.ts'
import { startRecordingServer } from '../../cli/recording-server.ts'
import { openTestRemote } from '../../support/git-remotes.ts'
import { createCommitPack } from '../../support/push-to.ts'

const main = 'refs/heads/main'
const old = 'a'.repeat(40)
const capabilities = 'report-status side-band-64k quiet atomic object-format=sha1 agent=git/2.39'

describe('what a server says before a push', () => {
  it.each<[what: string, reaction: Reaction, code: RemoteErrorCode, message: RegExp]>([
    [
      'a page',
      { headers: { 'Content-Type': 'text/html' }, body: '<h1>' },
      'REMOTE_NOT_FOUND',
      /answers with 'text\/html'/,
    ],
    ['401', { status: 401 }, 'REMOTE_DENIED', /returned error: 401\. Check the credentials/],
    [
      '403',
      aText(403, 'not you\u001b[31m\r\n'),
      'REMOTE_DENIED',
      /returned error: 403: not you\. Check the credentials/,
    ],
    ['404', { status: 404 }, 'REMOTE_NOT_FOUND', /returned error: 404\. Check SIGNALBOX_REPOSITORY/],
    ['429', { status: 429 }, 'REMOTE_UNREACHABLE', /returned error: 429/],
    ['500', { status: 500 }, 'REMOTE_UNREACHABLE', /returned error: 500/],
    ['503', { status: 503 }, 'REMOTE_UNREACHABLE', /returned error: 503/],
    [
      'a redirect to a page',
      aRedirect('https://login.example.com/'),
      'REMOTE_NOT_FOUND',
      /a redirect to login\.example\.com/,
    ],
    ['a redirect to nowhere', { status: 302 }, 'REMOTE_NOT_FOUND', /302, a redirect/],
    ['a circle', aRedirect('/x/info/refs?service=git-receive-pack'), 'REMOTE_NOT_FOUND', /302, a redirect/],
    ['nothing', anAdvertisement([]), 'REMOTE_UNREACHABLE', /answers as no git server does/],
    ['half of it', anAdvertisement(refs().slice(0, -1)), 'REMOTE_UNREACHABLE', /the end of the refs is missing/],
    ['no lines', anAdvertisement([Buffer.from('hello world')]), 'REMOTE_UNREACHABLE', /as no git server does/],
    ['other lines', anAdvertisement([toPktLine('hello')]), 'REMOTE_UNREACHABLE', /something else where refs are/],
    ['an error', anAdvertisement([toPktLine('ERR gone \u0007fishing\n')]), 'REMOTE_REFUSED', /says: gone fishing$/],
    ['longer ids', anAdvertisement([toPktLine(`${'b'.repeat(64)} ${main}\0x`)]), 'REMOTE_REFUSED', /SHA-256/],
  ])('may be %s', async (_, reaction, code, message) => {
    const { error, requests } = await pushTo([reaction])
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
    expect(requests.every(({ method }) => method === 'GET')).toBe(true)
  })

  it('may be more than anybody has use for', async () => {
    const { error } = await pushTo([
      (_, response) => {
        response.writeHead(200, { 'Content-Type': 'application/x-git-receive-pack-advertisement' })
        flood(response)
      },
    ])
    expect(error).toMatchObject({
      code: 'REMOTE_UNREACHABLE',
      message: expect.stringMatching(/is larger than/) as string,
    })
  })

  it('may never come', async () => {
    const { error } = await pushTo([() => undefined], { networkTimeout: 1000 })
    const message = expect.stringMatching(/no answer within 1 s\. There was no connection/) as string
    expect(error).toMatchObject({ code: 'REMOTE_UNREACHABLE', message })
  })

  it.each<[what: string, offered: string, reason: RegExp]>([
    ['does not report', 'side-band-64k atomic', /does not report/],
    ['has other ids', 'report-status object-format=sha256', /SHA-256/],
  ])('may be that it %s', async (_, offered, reason) => {
    const { outcome } = await pushTo([anAdvertisement(refs(offered))])
    expect(outcome).toEqual({ kind: 'refused', reason: expect.stringMatching(reason) as string })
  })
})

describe('what a server says to a push', () => {
  const friday = 'Friday\u001b[31m afternoon\n'
  it.each<[what: string, reaction: Reaction, reason: string | RegExp]>([
    [
      'a hook',
      aReport(['unpack ok', `ng ${main} pre-receive hook declined`], friday),
      'pre-receive hook declined: Friday afternoon',
    ],
    ['a silent hook', aReport(['unpack ok', `ng ${main} hook declined`]), 'hook declined'],
    [
      'a talkative hook',
      aReport(['unpack ok', `ng ${main} hook declined`], 'fetch first\n'),
      'hook declined: fetch first',
    ],
    [
      'an endless hook',
      aReport(['unpack ok', `ng ${main} hook declined`], 'no '.repeat(9000)),
      /^hook declined: no no .{450,500}\.\.\.$/,
    ],
    [
      'a protected branch',
      aReport(['unpack ok', `ng ${main} protected branch hook declined`]),
      'protected branch hook declined',
    ],
    ['no reason', aReport(['unpack ok', `ng ${main}`]), 'no reason'],
    [
      'a pack that is larger than it takes',
      aReport(
        ['unpack index-pack abnormal exit', `ng ${main} unpacker error`],
        'fatal: pack exceeds maximum allowed size (1.00 KiB)\n',
      ),
      'the pack could not be read: index-pack abnormal exit: fatal: pack exceeds maximum allowed size (1.00 KiB)',
    ],
    [
      'objects that are not as it wants them',
      aReport(['unpack index-pack abnormal exit', `ng ${main} unpacker error`], 'fatal: fsck error in packed object\n'),
      'the pack could not be read: index-pack abnormal exit: fatal: fsck error in packed object',
    ],
    ['too large', { status: 413 }, /is more than the server, or a proxy before it, takes/],
  ])('may be no: %s', async (_, reaction, reason) => {
    const { outcome } = await pushTo([anAdvertisement(), reaction, anAdvertisement()])
    const expected = typeof reason === 'string' ? reason : (expect.stringMatching(reason) as string)
    expect(outcome).toEqual({ kind: 'refused', reason: expected })
  })

  it.each<[what: string, status: string, said: string]>([
    ['nothing of why', 'index-pack abnormal exit', ''],
    ['a full disk', 'index-pack abnormal exit', 'fatal: write error: No space left on device\n'],
    ['a disk that is not written', 'unable to create temporary object directory', 'error: Read-only file system\n'],
    ['a lock that cannot be made', 'unpack-objects abnormal exit', `error: Unable to create '/srv/x.lock': what\n`],
  ])('may be that it cannot: %s', async (_, status, said) => {
    const { outcome } = await pushTo([
      anAdvertisement(),
      aReport([`unpack ${status}`, `ng ${main} unpacker error`], said),
    ])
    const reason = `the pack could not be read: ${status}${said === '' ? '' : `: ${said.trim()}`}`
    expect(outcome).toEqual({ kind: 'failed', reason })
  })

  it('may be no, without bands', async () => {
    const offered = anAdvertisement(refs('report-status'))
    const report = aResult([...['unpack ok\n', `ng ${main} no\n`].map((line) => toPktLine(line)), flushPkt])
    const { outcome } = await pushTo([offered, report, offered])
    expect(outcome).toEqual({ kind: 'refused', reason: 'no' })
  })

  it.each([
    ['non-fast-forward', ''],
    ['fetch first', ''],
    ['failed to update ref', `error: cannot lock ref '${main}': is at ${'b'.repeat(40)} but expected ${old}\n`],
    ['failed to update ref', `error: cannot lock ref '${main}': Unable to create '/srv/${main}.lock': File exists.\n`],
    ['atomic transaction failed', `error: cannot lock ref '${main}': reference already exists\n`],
    ['lock failure', ''],
    ['stale info', ''],
    ['incorrect old value provided', ''],
    ['reference already exists', ''],
    [`cannot lock ref '${main}': is at ${'b'.repeat(40)} but expected ${old}`, ''],
  ])('may be that a ref has moved: %s', async (reason, message) => {
    const { outcome } = await pushTo([
      anAdvertisement(),
      aReport(['unpack ok', `ng ${main} ${reason}`], message),
      anAdvertisement(),
    ])
    expect(outcome).toMatchObject({ kind: 'moved', reason: expect.stringContaining(reason) as string })
  })

  it('may be that a ref has moved in words that nobody knows', async () => {
    const report = aReport(['unpack ok', `ng ${main} Zweig verschoben`])
    const { outcome } = await pushTo([anAdvertisement(), report, anAdvertisement(refs(capabilities, 'b'.repeat(40)))])
    expect(outcome).toEqual({ kind: 'moved', reason: 'Zweig verschoben' })
    // Without another look it is what it says.
    const { outcome: other } = await pushTo([anAdvertisement(), report, { status: 500 }])
    expect(other).toEqual({ kind: 'refused', reason: 'Zweig verschoben' })
  })

  it.each<[what: string, reaction: Reaction]>([
    ['nothing', aResult([])],
    ['half of it', aResult([toPktLine('\u0001000eunpack ok\n')])],
    ['no word of the pack', aReport([`ok ${main}`])],
    ['no word of the ref', aReport(['unpack ok'])],
    ['another ref', aReport(['unpack ok', 'ok refs/heads/other'])],
    ['an unknown band', aResult([toPktLine('\u0007hello')])],
    ['no lines', aResult([Buffer.from('hello world')])],
    ['its last word', aResult([toPktLine('\u0003fatal: out of memory\n')])],
    ['204', { status: 204 }],
    ['302', aRedirect('/elsewhere')],
    ['408', { status: 408 }],
    ['409', { status: 409 }],
    ['429', { status: 429 }],
    ['499', { status: 499 }],
    ['500', { status: 500 }],
    ['502', { status: 502 }],
    ['503', { status: 503 }],
    ['504', { status: 504 }],
    ['a broken connection', (_, response) => void response.destroy()],
    [
      'half an answer',
      (_, response) => void response.writeHead(200, { 'Content-Length': '100' }).write('0', () => response.destroy()),
    ],
    ['more than anybody has use for', (_, response) => flood(response.writeHead(200))],
  ])('may leave it open: %s', async (_, reaction) => {
    const { outcome } = await pushTo([anAdvertisement(), reaction])
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { name: 'RemoteError', code: 'REMOTE_UNREACHABLE' } })
  })

  it('may leave it open: 404', async () => {
    const { outcome } = await pushTo([anAdvertisement(), { status: 404 }])
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'REMOTE_NOT_FOUND' } })
  })

  it('may leave it open: no answer', async () => {
    const { outcome } = await pushTo([anAdvertisement(), () => undefined], { networkTimeout: 1000 })
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { code: 'REMOTE_UNREACHABLE' } })
  })

  it('leaves it open when only a part of several refs is said to have moved', async () => {
    const updates = [anUpdate(main), anUpdate('refs/tags/v1', undefined)]
    const partial = aReport(['unpack ok', `ok ${main}`, 'ng refs/tags/v1 no'])
    const { outcome } = await pushTo([anAdvertisement(), partial], { updates })
    expect(outcome).toMatchObject({ kind: 'unknown' })
    const whole = await pushTo([anAdvertisement(), aReport(['unpack ok', `ok ${main}`, 'ok refs/tags/v1'])], {
      updates,
    })
    expect(whole.outcome).toEqual({ kind: 'accepted' })
  })

  it.each<[what: string, reaction: Reaction, code: RemoteErrorCode]>([
    ['401', { status: 401 }, 'REMOTE_DENIED'],
    ['403', { status: 403 }, 'REMOTE_DENIED'],
  ])('may be that it did not look at it: %s', async (_, reaction, code) => {
    for (const look of [anAdvertisement(), reaction]) {
      const { error } = await pushTo([anAdvertisement(), reaction, look])
      expect(error).toMatchObject({ code })
    }
    const isElsewhere = anAdvertisement(refs(capabilities, 'b'.repeat(40)))
    for (const look of [isElsewhere, { status: 500 }]) {
      const { outcome } = await pushTo([anAdvertisement(), reaction, look])
      expect(outcome).toMatchObject({ kind: 'unknown', cause: { code } })
    }
  })

  it('may be that it is too large, which only a look can prove', async () => {
    const isElsewhere = anAdvertisement(refs(capabilities, 'b'.repeat(40)))
    const { outcome } = await pushTo([anAdvertisement(), { status: 413 }, isElsewhere])
    expect(outcome).toMatchObject({ kind: 'unknown' })
  })
})

describe('a push over HTTP', () => {
  it('asks once what the server can, and anew after something went wrong', async () => {
    const ok = aReport(['unpack ok', `ok ${main}`])
    const server = await startRecordingServer(anAdvertisement(), ok, ok, { status: 500 }, anAdvertisement(), ok)
    const { remote } = openTestRemote(`${server.url}/manifests.git`)
    const { pack } = await createCommitPack(undefined)
    const kinds: string[] = []
    for (let at = 0; at < 4; at += 1) kinds.push((await remote.push([anUpdate(main)], pack)).kind)
    expect(kinds).toEqual(['accepted', 'accepted', 'unknown', 'accepted'])
    expect(server.requests.map(({ method }) => method)).toEqual(['GET', 'POST', 'POST', 'POST', 'GET', 'POST'])
  })

  it('sends the pack as it is, behind the commands', async () => {
    const { requests, pack } = await pushTo([anAdvertisement(), aReport(['unpack ok', `ok ${main}`])])
    const body = requests[1]?.body.toString('latin1') ?? ''
    const command = `${old} ${'c'.repeat(40)} ${main}\0 report-status side-band-64k quiet object-format=sha1 agent=signalbox`
    expect(body).toBe(
      `${(command.length + 4).toString(16).padStart(4, '0')}${command}0000${Buffer.from(pack).toString('latin1')}`,
    )
  })
})

interface Pushed {
  readonly outcome?: PushOutcome
  readonly error?: unknown
  readonly requests: Awaited<ReturnType<typeof startRecordingServer>>['requests']
  readonly pack: Uint8Array
}

async function pushTo(
  reactions: readonly Reaction[],
  {
    networkTimeout = 30_000,
    updates = [anUpdate(main)],
  }: { networkTimeout?: number; updates?: readonly RefUpdate[] } = {},
): Promise<Pushed> {
  const { url, requests } = await startRecordingServer(...reactions)
  const { remote } = openTestRemote(`${url}/manifests.git`, { networkTimeout })
  const { pack } = await createCommitPack(undefined)
  const common = { requests, pack }
  return remote.push(updates, pack).then(
    (outcome) => ({ outcome, ...common }),
    (error: unknown) => ({ error, ...common }),
  )
}

function anUpdate(ref: string, from: string | undefined = ref === main ? old : undefined): RefUpdate {
  return { ref, from, to: 'c'.repeat(40) }
}

function refs(offered = capabilities, id = old): readonly Buffer[] {
  return [toPktLine(`${id} ${main}\0${offered}\n`), flushPkt]
}

function anAdvertisement(lines: readonly Buffer[] = refs()): Reaction {
  return {
    headers: { 'Content-Type': 'application/x-git-receive-pack-advertisement' },
    body: Buffer.concat([toPktLine('# service=git-receive-pack\n'), flushPkt, ...lines]),
  }
}

function aResult(lines: readonly Buffer[]): Reaction {
  return { headers: { 'Content-Type': 'application/x-git-receive-pack-result' }, body: Buffer.concat(lines) }
}

/** In bands, with what a hook prints. */
function aReport(lines: readonly string[], messages = ''): Reaction {
  const report = Buffer.concat([...lines.map((line) => toPktLine(`${line}\n`)), flushPkt])
  return aResult([
    ...(messages === '' ? [] : [toPktLine(`\u0002${messages}`)]),
    toPktLine(Buffer.concat([Buffer.from([1]), report])),
    flushPkt,
  ])
}

function aText(status: number, body: string): Reaction {
  return { status, headers: { 'Content-Type': 'text/plain' }, body }
}

function aRedirect(location: string): Reaction {
  return { status: 302, headers: { Location: location } }
}

/** Until the other side has had enough. */
function flood(response: ServerResponse): void {
  const chunk = Buffer.alloc(1024 * 1024, '0')
  const go = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', go)
  response.on('error', () => undefined)
  go()
}
