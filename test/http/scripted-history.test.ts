import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parseCommit } from '../../src/manifest-store/git/commit.ts'
import { aForm, manifest, value } from '../support/multipart.ts'
import type { RequestOptions } from '../support/test-server.ts'
import { createTestServer } from '../support/test-server.ts'
import { describeChanges, readWholeTree } from '../support/tree-text.ts'
import { writeSettings } from '../support/write-settings.ts'

const goldenUrl = new URL('golden/scripted-history.txt', import.meta.url)

const settings = writeSettings({
  argoCd: { repositoryUrl: 'git@example.com:org/manifests.git', branch: 'main' },
  releaseVersionsLimit: 5,
  writesCommitData: true,
})

interface Scene extends RequestOptions {
  readonly request: string
  readonly status: number
  /** Hours that have passed since the request before. */
  readonly hours?: number
}

const json = { 'content-type': 'application/json' }
const server = 'https://kubernetes.default.svc'
const cartIn = (environment: string) => `/api/environments/${environment}/applications/cart`

const scenes: readonly Scene[] = [
  {
    request: 'POST /api/environments/development',
    body: {
      upstream: { latest: true },
      argocd: {
        destination: { server, appProjectNamespace: '*', applicationNamespace: 'shop' },
        syncWindows: [{ schedule: '0 18 * * 5', duration: '60h', kind: 'deny' }],
        accessList: [{ kind: 'Namespace' }],
        applicationAnnotations: { 'example.com/<a&b>': 'c' },
        ignoreDifferences: [{ group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/replicas'] }],
        syncOptions: ['ServerSideApply=true'],
      },
      environmentGroup: 'test',
    },
    status: 200,
  },
  {
    request: 'POST /api/environments/staging',
    body: { upstream: { environment: 'development' }, argocd: { destination: { server } } },
    status: 200,
  },
  {
    request: 'POST /api/environments/production',
    body: {
      upstream: { environment: 'staging' },
      argoConfigs: {
        commonEnvPrefix: 'aa',
        configs: ['de', 'fr'].map((concreteEnvName) => ({
          concreteEnvName,
          destination: { server, namespace: 'shop' },
        })),
      },
      isActiveActive: true,
    },
    status: 200,
  },
  {
    request: 'POST /api/release',
    ...aForm(
      value('application', 'cart'),
      value('version', '1'),
      value('team', 'shop'),
      value('source_commit_id', 'A'.repeat(40)),
      value('source_author', 'Author <author@example.com>'),
      value('source_message', 'Add a cart (#1)\n\nIt has wheels.'),
      value('display_version', 'v1.0'),
      value('ci_link', 'https://ci.example.com/1'),
      manifest('development', 'kind: Deployment\nin: development\n'),
      manifest('staging', 'kind: Deployment\nin: staging\n'),
      manifest('production', 'kind: Deployment\nin: production\n'),
      manifest('load-test', 'kind: Deployment\nin: load-test\n'),
    ),
    status: 201,
  },
  {
    request: 'POST /release',
    hours: 1,
    ...aForm(
      value('application', 'cart'),
      value('source_commit_id', 'b'.repeat(40)),
      value('previous_commit_id', 'a'.repeat(40)),
      value('source_message', 'Grease the wheels'),
      manifest('development', 'kind: Deployment\nin: development\nreplicas: 2\n'),
      manifest('staging', ''),
      manifest('production', 'kind: Deployment\nin: production\nreplicas: 2\n'),
    ),
    status: 201,
  },
  { request: 'PUT /api/environments/staging/releasetrain', status: 200, body: { ciLink: 'https://ci.example.com/2' } },
  {
    request: 'PUT /environments/production/applications/cart/locks/load test',
    body: { message: 'Load test\nuntil Thursday', ciLink: 'https://ci.example.com/3', suggestedLifeTime: '2d' },
    headers: json,
    status: 200,
  },
  { request: 'GET /api/environment-groups/production/releasetrain/prognosis', status: 200 },
  { request: 'PUT /api/environment-groups/production/releasetrain?team=shop', status: 200 },
  { request: 'PUT /api/environment-groups/production/releasetrain?team=shop', status: 200 },
  {
    request: `PUT ${cartIn('production')}/deployment`,
    body: { version: 1, lockBehavior: 'FAIL' },
    status: 409,
  },
  { request: `PUT ${cartIn('production')}/deployment`, hours: 1, body: { version: 1 }, status: 200 },
  { request: `PUT ${cartIn('production')}/deployment`, body: { version: '2', lockBehavior: 'RECORD' }, status: 200 },
  { request: 'DELETE /environments/production/applications/cart/locks/load test', status: 200 },
  { request: 'PUT /api/environments/production/releasetrain', hours: 1, status: 200 },
  {
    request: 'PUT /api/environments/development/lock/team/shop/freeze',
    body: { message: 'Freeze', lifetime: '1h' },
    headers: json,
    status: 200,
  },
  {
    request: 'POST /api/release',
    ...aForm(value('application', 'cart'), value('version', '7'), manifest('development', 'a: 3\n')),
    status: 201,
  },
  {
    request: 'POST /api/release',
    hours: 2,
    ...aForm(
      value('application', 'cart'),
      value('version', '18446744073709551614'),
      value('source_commit_id', 'c'.repeat(40)),
      value('deploy_to_downstream_environments', 'staging'),
      manifest('development', 'a: 4\n'),
      manifest('staging', 'a: 4\n'),
    ),
    status: 201,
  },
  {
    request: 'PUT /environment-groups/test/locks/freeze',
    body: { message: 'Freeze', expiresAt: '2027-01-01T00:00:00+01:00' },
    headers: json,
    status: 201,
  },
  { request: 'POST /api/applications/cart/undeploy-release', status: 201 },
  { request: `PUT ${cartIn('development')}/deployment`, body: { version: '18446744073709551615' }, status: 200 },
  { request: 'DELETE /environment-groups/test/locks/freeze', headers: json, status: 200 },
  { request: `DELETE ${cartIn('staging')}`, status: 200 },
  { request: 'PUT /api/environments/production/releasetrain', status: 200 },
  { request: `DELETE ${cartIn('production')}`, status: 200 },
  { request: 'DELETE /api/applications/cart', status: 200 },
  { request: 'DELETE /api/environments/production', status: 200 },
]

it('writes a scripted history to the byte as it did before', async () => {
  const time = { now: new Date('2026-05-04T09:30:00.250Z') }
  const { send, repository } = await createTestServer({ files: [], options: { settings, clock: () => time.now } })
  const chapters: string[] = []
  for (const [index, { request, status, hours = 0, headers, body }] of scenes.entries()) {
    time.now = new Date(time.now.getTime() + hours * 3_600_000)
    const id = { 'x-request-id': `request-${index + 1}` }
    const answer = await send(request.replace(/(?<=^\S+ .*) /u, '%20'), {
      headers: { ...headers, ...id },
      ...(body !== undefined && { body }),
    })
    expect({ request, status: answer.status, text: answer.text }).toMatchObject({ status })
    const chapter = [`#### ${request} ${answer.status}\n`]
    if (answer.hasCommitted) {
      const { tree, message } = parseCommit((await repository.read(answer.headAfter ?? '')).data)
      const before = await readWholeTree(repository, answer.headBefore)
      const after = await readWholeTree(repository, answer.headAfter)
      chapter.push(
        message.replaceAll(/^ *(?=\S)/gmu, '    $&').replaceAll(/ +$/gmu, ''),
        `tree ${tree}\n${describeChanges(before, after)}`,
      )
    }
    chapters.push(chapter.join('\n'))
  }
  const text = `${preface}\n${chapters.join('\n')}`
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(goldenUrl, text)
  const golden = readFileSync(goldenUrl, 'utf8')
  expect(text, 'the history is written differently now: UPDATE_GOLDEN=1 accepts that').toBe(golden)
})

const preface = `What a history of requests writes, commit by commit: the message, the id of the tree, and all that is different in it.
+ is new, ~ is changed, - is gone. Files are shown with their mode, links with where they lead.
scripted-history.test.ts compares; UPDATE_GOLDEN=1 npx vitest run test/http/scripted-history.test.ts writes this file anew.
`
