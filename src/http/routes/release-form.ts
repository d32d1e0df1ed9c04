import { isValidCiLink } from '../../core/ci-link.ts'
import type { NewRelease } from '../../core/create-release.ts'
import { maximumVersion } from '../../core/manifest-layout.ts'
import { byteLengthOf } from '../../core/names.ts'
import type { Form } from '../form.ts'
import type { InvalidPart } from '../problem.ts'
import { RequestError } from '../problem.ts'

/** `current` is `/api/release`, `older` is `/release`: Kuberpult judges the same fields differently there (spec 3.4). */
export type ReleaseDialect = 'current' | 'older'

/** A release as the form says it: nobody has looked into its manifests yet. */
export interface ReleaseForm extends Omit<NewRelease, 'manifests'> {
  /** By environment. */
  readonly manifests: ReadonlyMap<string, Uint8Array>
}

/** In bytes, as for Kuberpult (spec 6.4). */
const maximumTextLength = 1000
const maximumDisplayVersionLength = 15

/** Reads the fields of a release. Throws RequestError with every invalid one, in Kuberpult's words where it has some. */
export function readReleaseForm(
  form: Form,
  dialect: ReleaseDialect,
  allowedDomains: readonly string[] | undefined,
): ReleaseForm {
  const isCurrent = dialect === 'current'
  const errors: InvalidPart[] = []
  const refuse = (path: string, message: string): undefined => {
    errors.push({ path, message })
    return undefined
  }
  for (const name of form.files.keys()) {
    if (singleValues.has(name)) refuse(name, 'must be a value, not a file: send it without a file name')
  }

  /** The one value of a field; undefined when it is absent or empty. Several are an error, or, on the older path, none. */
  const single = (name: string): string | undefined => {
    const values = form.values.get(name) ?? []
    if (values.length <= 1) return values[0] || undefined
    return isCurrent ? refuse(name, exactlyOne(name, values.length)) : undefined
  }
  const text = (name: string, maximum = maximumTextLength): string | undefined => {
    const value = single(name)
    if (value === undefined || !isCurrent || byteLengthOf(value) <= maximum) return value
    return refuse(name, `is longer than ${maximum} bytes`)
  }

  const isPrepublish = isCurrent && toBoolean(single('is_prepublish'), refuse)
  const release: ReleaseForm = {
    application: readApplication(form, isCurrent, refuse),
    version: toVersion(single('version'), isCurrent, refuse),
    team: single('team'),
    sourceCommitId: toSourceCommit(single('source_commit_id'), isCurrent, refuse),
    previousCommitId: toPreviousCommit(single('previous_commit_id'), isCurrent, refuse),
    sourceAuthor: toSourceAuthor(text('source_author'), isCurrent),
    sourceMessage: text('source_message'),
    displayVersion: readDisplayVersion(form, refuse),
    ciLink: toCiLink(text('ci_link'), allowedDomains, refuse),
    isPrepublish,
    downstreamEnvironments: isCurrent
      ? (form.values.get('deploy_to_downstream_environments') ?? []).filter(Boolean)
      : [],
    manifests: readManifests(form, isCurrent, isPrepublish, refuse),
  }
  if (!/^0*$/.test(single('revision') ?? '')) refuse('revision', 'a revision is not possible: Signalbox has none')
  if (single('experimentalArgoBracket') !== undefined) {
    refuse('experimentalArgoBracket', 'an experimentalArgoBracket is not possible: Signalbox has no brackets')
  }
  if (errors.length > 0) {
    throw new RequestError('INVALID_REQUEST', errors.map(({ message }) => message).join('; '), errors)
  }
  return release
}

type Refuse = (path: string, message: string) => undefined

const singleValues: ReadonlySet<string> = new Set([
  'application',
  'version',
  'team',
  'source_commit_id',
  'previous_commit_id',
  'source_author',
  'source_message',
  'display_version',
  'ci_link',
  'is_prepublish',
  'revision',
  'deploy_to_downstream_environments',
])

function exactlyOne(name: string, count: number): string {
  return `Exactly one '${name}' parameter should be provided, ${count} are given`
}

function readApplication({ values }: Form, isCurrent: boolean, refuse: Refuse): string {
  const names = values.get('application') ?? []
  const [name = ''] = names
  if (names.length !== 1) {
    const older = names.length === 0 ? 'Must provide application name' : 'Please provide single application name'
    refuse('application', isCurrent ? exactlyOne('application', names.length) : older)
  } else if (name === '') {
    refuse('application', "Invalid application name: '' - must not be empty")
  }
  return name
}

const manifestPattern = /^manifests\[([^[\]]+)\]$/
const signaturePattern = /^signatures\[([^[\]]+)\]$/

function readManifests(
  { files, values }: Form,
  isCurrent: boolean,
  isPrepublish: boolean,
  refuse: Refuse,
): ReadonlyMap<string, Uint8Array> {
  const manifests = new Map<string, Uint8Array>()
  for (const [name, [manifest, ...more]] of files) {
    const environment = manifestPattern.exec(name)?.[1]
    if (environment === undefined) {
      // Signatures are not looked at: where they are sent, the older path has always taken them without a key ring.
      if ((!isCurrent && signaturePattern.test(name)) || singleValues.has(name)) continue
      refuse(name, `Invalid manifest form file: '${name}'. Must match '${manifestPattern.source}'`)
    } else if (more.length > 0) {
      refuse(name, `multiple manifests submitted for ${JSON.stringify(environment)}`)
    } else if (manifest !== undefined) {
      manifests.set(environment, manifest)
    }
  }
  for (const name of values.keys()) {
    if (manifestPattern.test(name)) refuse(name, `'${name}' must be a file: send it with a file name`)
  }
  const isWithout = files.size === 0 && ![...values.keys()].some((name) => manifestPattern.test(name))
  if (isWithout && !isPrepublish) refuse('manifests', 'No manifest files provided')
  return manifests
}

function toVersion(text: string | undefined, isCurrent: boolean, refuse: Refuse): bigint | undefined {
  if (text === undefined) return undefined
  const isNumber = /^[0-9]+$/.test(text)
  // Longer than any version: not worth a number of its own.
  const version = isNumber && text.length <= 100 ? BigInt(text) : undefined
  if (version !== undefined && version <= maximumVersion) return version === 0n ? undefined : version
  const shown = text.length <= 100 ? text : `${text.slice(0, 100)}…`
  const reason = `strconv.ParseUint: parsing ${JSON.stringify(shown)}: ${isNumber ? 'value out of range' : 'invalid syntax'}`
  return refuse(
    'version',
    isCurrent ? `Provided version '${shown}' is not valid: ${reason}` : `Invalid version: ${reason}`,
  )
}

/** The older path has always dropped what does not look like a commit. */
function toSourceCommit(id: string | undefined, isCurrent: boolean, refuse: Refuse): string | undefined {
  if (id === undefined || (!isCurrent && !/^[0-9a-f]{7,40}$/.test(id))) return undefined
  return /^[0-9a-f]{40}$/i.test(id) ? id : refuse('source_commit_id', 'source_commit_id must be 40 hex digits')
}

function toPreviousCommit(id: string | undefined, isCurrent: boolean, refuse: Refuse): string | undefined {
  if (id === undefined || /^[0-9a-f]{40}$/i.test(id)) return id
  return isCurrent ? undefined : refuse('previous_commit_id', `Provided commit id (${id}) is not valid.`)
}

function toSourceAuthor(author: string | undefined, isCurrent: boolean): string | undefined {
  if (author === undefined || isCurrent) return author
  return /^[^<\n]+( <[^@\n]+@[^>\n]+>)?$/.test(author) ? author : undefined
}

function readDisplayVersion({ values }: Form, refuse: Refuse): string | undefined {
  const versions = values.get('display_version') ?? []
  const [version] = versions
  if (versions.length > 1) return refuse('display_version', exactlyOne('display_version', versions.length))
  if (version !== undefined && byteLengthOf(version) > maximumDisplayVersionLength) {
    return refuse('display_version', `DisplayVersion given should be <= ${maximumDisplayVersionLength} characters`)
  }
  return version || undefined
}

function toCiLink(
  ciLink: string | undefined,
  allowedDomains: readonly string[] | undefined,
  refuse: Refuse,
): string | undefined {
  if (ciLink === undefined || isValidCiLink(ciLink, allowedDomains)) return ciLink
  return refuse('ci_link', `provided CI Link: ${ciLink} is not valid or does not match any of the allowed domain`)
}

/** Go's syntax for booleans. */
function toBoolean(text: string | undefined, refuse: Refuse): boolean {
  if (text === undefined || /^(0|f|F|false|False|FALSE)$/.test(text)) return false
  if (/^(1|t|T|true|True|TRUE)$/.test(text)) return true
  refuse('is_prepublish', `Provided is_prepublish '${text}' is not valid: must be true or false`)
  return false
}
