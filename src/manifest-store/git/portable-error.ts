import * as gitErrors from './git-errors.ts'

/** An error on its way from one thread to another, which does not take classes and fields along by itself. */
export interface PortableError {
  readonly error: unknown
  readonly fields: object
  readonly cause: PortableError | undefined
}

export function toPortable(error: unknown): PortableError {
  if (!(error instanceof Error)) return { error, fields: {}, cause: undefined }
  const { cause } = error
  return {
    error,
    fields: Object.fromEntries(Object.entries(error)),
    cause: cause === undefined ? undefined : toPortable(cause),
  }
}

/** The error as it was thrown, if it is one of git's files or of the file system. */
export function fromPortable({ error, fields, cause }: PortableError): unknown {
  if (!(error instanceof Error)) return error
  const name = 'name' in fields ? fields.name : undefined
  const known = Object.values(gitErrors).find((each) => each.name === name)
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype)
  if (cause !== undefined) error.cause = fromPortable(cause)
  return Object.assign(error, fields)
}
