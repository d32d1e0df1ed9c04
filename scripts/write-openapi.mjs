// Writes api/openapi.yaml, the document that the server serves: `npm run openapi [-- file]`, after a build.
import { readFileSync, writeFileSync } from 'node:fs'
import { pino } from 'pino'
import { buildServer } from '../dist/build-server.js'

const file = process.argv[2] ?? new URL('../api/openapi.yaml', import.meta.url)
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))

// The document depends on the routes alone: nothing of this is called.
const app = await buildServer({
  store: undefined,
  manifestChecker: undefined,
  formLimits: {},
  clock: () => new Date(),
  admission: { mode: 'none', principal: undefined, hosts: undefined },
  publicUrl: undefined,
  trustedProxies: [],
  problems: () => [],
  json: 'proto',
  allowedDomains: undefined,
  argoCd: undefined,
  pushHook: { secret: '', branch: '' },
  retryAfter: 0,
  logger: pino({ level: 'silent' }),
  version,
  metrics: { contentType: 'text/plain', text: async () => '' },
})
const response = await app.inject('/openapi.yaml')
writeFileSync(file, response.body)
