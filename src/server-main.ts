import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { ArgoCdWebhook } from './argo-cd-webhook.ts'
import { PolicyFilesError } from './auth/policy-files-error.ts'
import { buildMetricsServer } from './build-metrics-server.ts'
import { buildServer } from './build-server.ts'
import type { ServerConfig } from './config.ts'
import { ConfigError, readConfig, unknownVariables, unreadVariables } from './config.ts'
import { createAdmission } from './create-admission.ts'
import { toGreeting } from './greeting.ts'
import { toFormLimits } from './http/form.ts'
import { WorkerManifestChecker } from './manifest-check/worker-manifest-checker.ts'
import { assertNotExported } from './manifest-store/repository/assert-not-exported.ts'
import { CheckpointFile } from './manifest-store/checkpoint.ts'
import { GitManifestStore } from './manifest-store/git-manifest-store.ts'
import { RepositoryRefusedError } from './manifest-store/store-errors.ts'
import { openRepository } from './open-repository.ts'
import { readSecret } from './read-secret.ts'
import { shutDown } from './shut-down.ts'
import { Metrics } from './telemetry/metrics.ts'
import { createTracing } from './telemetry/tracing.ts'

/** EX_CONFIG of sysexits.h: starting again without a change will not help. */
const exitCodeForConfig = 78

/** How many milliseconds the rest may take when there is no more patience: last answers, and telling Argo CD. */
const afterPatience = 8000

await main()

async function main(): Promise<void> {
  const config = readConfigOrExit()
  const isTerminal = process.stdout.isTTY
  const log = pino({ level: config.logLevel }, isTerminal ? await toReadableLines() : pino.destination({ sync: true }))
  for (const name of unknownVariables(process.env)) log.warn(`${name} means nothing to Signalbox: is it misspelt?`)
  for (const { name, instead } of unreadVariables(process.env)) log.warn(`${name} is not read: set ${instead} instead`)

  try {
    const { app, metricsServer, tracing, store, manifestChecker, repository, webhook, admission } = await start(
      config,
      log,
    )
    const patience = config.shutdownSeconds * 1000
    closeWithGrace({ delay: patience + afterPatience, logger: log }, async ({ err, signal }) => {
      if (err) log.fatal({ err }, 'an error that nobody expected')
      log.info({ signal }, 'told to end')
      const isFinished = await shutDown({ app, store, patience, log })
      await metricsServer?.close()
      await manifestChecker.close()
      await webhook?.close()
      await tracing?.close().catch((error: unknown) => log.warn({ err: error }, 'the last traces could not be sent'))
      admission.close()
      log.info('closed')
      if (!isFinished) throw new Error('not everything that was begun could be finished')
    })
    const url = `http://${toHost(config.host)}:${(app.server.address() as AddressInfo).port}`
    log.info({ url, repository: repository.url, branch: repository.branch }, 'Signalbox serves')
    if (isTerminal || config.repository === undefined) {
      process.stderr.write(`${toGreeting(url, repository.url, await store.snapshot(), toSignIn(config))}\n`)
    }
    await store.saveCheckpoint()
  } catch (error) {
    if (error instanceof PolicyFilesError || error instanceof ConfigError) refuse(exitCodeForConfig, error.problems)
    refuse(error instanceof RepositoryRefusedError ? exitCodeForConfig : 1, [toSentence(error, config)])
  }
}

/** For people in a terminal; nobody else needs to wait until it is loaded. */
async function toReadableLines() {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ ignore: 'pid,hostname', sync: true })
}

function readConfigOrExit(): ServerConfig {
  try {
    return readConfig(process.env)
  } catch (error) {
    if (error instanceof ConfigError) return refuse(exitCodeForConfig, error.problems)
    throw error
  }
}

async function start(config: ServerConfig, log: pino.Logger) {
  const clock = () => new Date()
  const admission = await createAdmission(config, log)
  const hookSecret = config.hookSecret && (await readSecret('SIGNALBOX_HOOK_SECRET_FILE', config.hookSecret))
  const version = await readVersion()
  const metrics = new Metrics(version)
  metrics.collectProcess()
  const tracing = await createTracing({ environment: process.env, version, log })
  const { repository, gitDirectory } = await openRepository(config, { clock, log, observer: metrics })
  const webhook = createWebhook(config, repository.url, log)
  const store = new GitManifestStore({
    repository,
    committer: config.committer,
    clock,
    log,
    checkpoint: new CheckpointFile(gitDirectory),
    observer: metrics,
    ...(tracing && { tracer: tracing }),
    maximumQueueSize: config.maximumQueueSize,
    ...(config.remote?.cloneDepth !== undefined && { cloneDepth: config.remote.cloneDepth }),
    ...(webhook && { onPublished: (update) => webhook.announce(update) }),
  })
  const manifestChecker = new WorkerManifestChecker(config.manifestCheck)
  const { problems } = admission
  metrics.setSources({
    snapshot: () => store.snapshot(),
    health: () => store.health(),
    packs: async () => repository.measurePacks?.(),
    problems,
    now: clock,
  })
  try {
    assertNotExported(await store.snapshot(), repository.url)
    const app = await buildServer({
      store,
      manifestChecker,
      clock,
      admission: admission.admission,
      publicUrl: config.publicUrl,
      trustedProxies: config.trustedProxies,
      problems,
      json: config.json,
      allowedDomains: config.allowedDomains,
      settings: {
        argoCd: config.argoCd.generateFiles
          ? { repositoryUrl: config.argoCd.repositoryUrl ?? repository.url, branch: repository.branch }
          : undefined,
        releaseVersionsLimit: config.releaseVersionsLimit,
        writesCommitData: config.writesCommitData,
      },
      allowsLongApplicationNames: config.allowsLongApplicationNames,
      formLimits: toFormLimits(config.releases),
      logger: log,
      version,
      observer: metrics,
      tracer: tracing,
      metrics: config.metrics === undefined ? metrics : undefined,
      pushHook: hookSecret === undefined ? undefined : { secret: hookSecret, branch: repository.branch },
      retryAfter: config.retryAfter,
    })
    const metricsServer = config.metrics && (await listenForMetrics(config.metrics, metrics, log))
    await app.listen({ host: config.host, port: config.port })
    return { app, metricsServer, tracing, store, manifestChecker, repository, webhook, admission }
  } catch (error) {
    await store.close()
    throw error
  }
}

async function listenForMetrics(
  address: { readonly host: string; readonly port: number },
  metrics: Metrics,
  logger: pino.Logger,
): Promise<FastifyInstance> {
  const server = await buildMetricsServer({ metrics, logger })
  await server.listen(address)
  const { port } = server.server.address() as AddressInfo
  logger.info({ url: `http://${toHost(address.host)}:${port}/metrics` }, 'Signalbox serves metrics')
  return server
}

function createWebhook({ argoCd, gitWebUrl }: ServerConfig, repositoryUrl: string, log: pino.Logger) {
  if (argoCd.server === undefined) return undefined
  const webUrl = gitWebUrl ?? argoCd.repositoryUrl ?? repositoryUrl
  if (!/^https?:/.test(webUrl)) {
    log.warn(
      { webUrl },
      'Argo CD recognises a repository by its address on the web: set SIGNALBOX_GIT_WEB_URL, or it will ignore what it is told',
    )
  }
  return new ArgoCdWebhook({ server: argoCd.server, isInsecure: argoCd.isInsecure, webUrl, log })
}

async function readVersion(): Promise<string> {
  const manifest = await readFile(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

/** What a person can do something about is said to them; anything else is a fault of ours, with its stack. */
function toSentence(error: unknown, { host, port, metrics }: ServerConfig): string {
  const { code, message, stack, port: taken } = error as NodeJS.ErrnoException & { readonly port?: number }
  const isForMetrics = metrics !== undefined && metrics.port === taken && port !== taken
  const place = isForMetrics ? `port ${metrics.port} of ${metrics.host}` : `port ${port} of ${host}`
  const variable = isForMetrics ? 'SIGNALBOX_METRICS_PORT' : 'SIGNALBOX_PORT'
  if (code === 'EADDRINUSE') return `${place} is in use. Set ${variable} to another one`
  if (code === 'EACCES' && message.includes('listen'))
    return `${place} may not be used. Set ${variable} to one above 1023`
  const isExpected = error instanceof RepositoryRefusedError || code !== undefined
  return isExpected ? message : (stack ?? message)
}

function toSignIn({ auth }: ServerConfig) {
  return auth.mode === 'none' ? undefined : { issuer: auth.issuer, canLogIn: auth.cliClientId !== undefined }
}

/** IPv6 addresses stand in brackets; a server that listens everywhere is reached here. */
function toHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') ? `[${host}]` : host
}

function refuse(exitCode: number, sentences: readonly string[]): never {
  process.stderr.write(`Signalbox cannot start:\n${sentences.map((sentence) => `  ${sentence}\n`).join('')}`)
  process.exit(exitCode)
}
