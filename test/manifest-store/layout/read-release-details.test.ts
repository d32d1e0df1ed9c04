import { describe, expect, it } from 'vitest'
import type { ApplicationName } from '../../../src/core/names.ts'
import type { ReleaseDetails } from '../../../src/core/release-details.ts'
import { LayoutReader } from '../../../src/manifest-store/layout/layout-reader.ts'
import { ObjectCache } from '../../../src/manifest-store/git/object-cache.ts'
import { readReleaseDetails } from '../../../src/manifest-store/layout/read-release-details.ts'
import type { Files } from '../../support/object-shelf.ts'
import { emptyDirectory, link, ObjectShelf } from '../../support/object-shelf.ts'

const cart = 'cart' as ApplicationName
const releases = 'applications/cart/releases'
const unknown: ReleaseDetails = {
  version: 1n,
  sourceCommitId: '',
  sourceAuthor: '',
  sourceMessage: '',
  displayVersion: '',
  ciLink: '',
  createdAt: undefined,
  isUndeploy: false,
  isPrepublish: false,
  environments: [],
  unreadable: undefined,
}

describe('the releases of an application', () => {
  it('have all that is written about them', async () => {
    const details = await read({
      [`${releases}/1/source_commit_id`]: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
      [`${releases}/1/source_author`]: 'Deployer <deployer@example.com>',
      [`${releases}/1/source_message`]: ' Fix it\n\nReally\n',
      [`${releases}/1/display_version`]: '1.0.0',
      [`${releases}/1/ci_link`]: 'https://ci.example.com/1',
      [`${releases}/1/created_at`]: '2024-07-01T12:00:00+02:00\n',
      [`${releases}/1/undeploy`]: '',
      [`${releases}/1/is_prepublish`]: '',
      [`${releases}/1/environments/staging/manifests.yaml`]: '',
      [`${releases}/1/environments/dev/manifests.yaml`]: ' ',
      [`${releases}/1/environments/live/other.yaml`]: '',
      [`${releases}/1/something_newer`]: '',
    })
    expect(details).toEqual([
      {
        version: 1n,
        sourceCommitId: 'c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00',
        sourceAuthor: 'Deployer <deployer@example.com>',
        sourceMessage: ' Fix it\n\nReally\n',
        displayVersion: '1.0.0',
        ciLink: 'https://ci.example.com/1',
        createdAt: new Date('2024-07-01T10:00:00Z'),
        isUndeploy: true,
        isPrepublish: true,
        environments: ['dev', 'staging'],
        unreadable: undefined,
      },
    ])
  })

  it('may have nothing written about them', async () => {
    expect(await read({ [`${releases}/1`]: emptyDirectory })).toEqual([unknown])
  })

  it('are all of them, the newest first by number', async () => {
    const versions = ['9', '10', '2', '18446744073709551615', '0', 'x', '01', '18446744073709551616']
    const details = await read(
      Object.fromEntries(versions.map((version) => [`${releases}/${version}`, emptyDirectory])),
    )
    expect(details.map(({ version }) => version)).toEqual([18446744073709551615n, 10n, 9n, 2n, 0n])
  })

  it.each([
    ['is a file', { [`${releases}/1`]: 'x' }, `${releases}/1 must be a directory`],
    [
      'has a moment that is none',
      { [`${releases}/1/created_at`]: 'yesterday' },
      `${releases}/1/created_at is not a time in RFC 3339: 'yesterday'`,
    ],
    [
      'has a link as author',
      { [`${releases}/1/source_author`]: link('x') },
      `${releases}/1/source_author must be a file`,
    ],
    [
      'has a file as environment',
      { [`${releases}/1/environments/dev`]: 'x' },
      `${releases}/1/environments/dev must be a directory`,
    ],
    [
      'misses its message',
      { [`${releases}/1/source_message`]: { mode: '100644', content: 'd'.repeat(40) } },
      `${releases}/1: object ${'d'.repeat(40)} is missing`,
    ],
    [
      'misses its tree',
      { [`${releases}/1`]: { mode: '40000', content: 'd'.repeat(40) } },
      `${releases}/1: object ${'d'.repeat(40)} is missing`,
    ],
  ])('say why when one of them %s', async (_, files, reason) => {
    expect(await read({ ...files, [`${releases}/2/display_version`]: '2.0' })).toEqual([
      { ...unknown, version: 2n, displayVersion: '2.0' },
      { ...unknown, unreadable: reason },
    ])
  })

  it.each([
    ['in an empty repository', {}],
    ['of an application that does not exist', { 'applications/web/releases/1': emptyDirectory }],
    ['of one without any', { 'applications/cart/team': 'x' }],
    ['of one that is a file', { 'applications/cart': 'x' }],
    ['where applications is a file', { applications: 'x' }],
    ['where releases is a file', { [releases]: 'x' }],
  ])('are none %s', async (_, files) => {
    expect(await read(files)).toEqual([])
  })

  it('are none before the first commit', async () => {
    const reader = new LayoutReader(new ObjectCache(new ObjectShelf()))
    expect(await readReleaseDetails(reader, undefined, cart)).toEqual([])
  })

  it('are not looked up outside of their directory, whatever the name', async () => {
    const files = { 'secret/releases/1': emptyDirectory, 'applications/cart/releases/1': emptyDirectory }
    for (const name of ['../secret', '..', '.', '', 'cart/', './cart', '__proto__', 'constructor']) {
      expect(await read(files, name)).toEqual([])
    }
  })
})

async function read(files: Files, application: string = cart): Promise<readonly ReleaseDetails[]> {
  const shelf = new ObjectShelf()
  const root = shelf.place(files).get('')
  return readReleaseDetails(new LayoutReader(new ObjectCache(shelf)), root, application as ApplicationName)
}
