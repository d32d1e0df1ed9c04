import { randomBytes } from 'node:crypto'
import type { RequestBody } from './request.ts'

/** A part of a form: a value, or a file with its name. */
export interface FormPart {
  readonly name: string
  readonly content: string | Uint8Array
  readonly fileName?: string
}

/**
 * A form as `multipart/form-data`, the way Go writes it. Node's own FormData would turn the line breaks of values into
 * CRLF, and so change what a commit says.
 */
export function toFormBody(parts: readonly FormPart[]): RequestBody {
  const boundary = randomBytes(30).toString('hex')
  const pieces = parts.flatMap(({ name, content, fileName }, index) => {
    const file =
      fileName === undefined ? '' : `; filename="${escape(fileName)}"\r\nContent-Type: application/octet-stream`
    const delimiter = `${index === 0 ? '' : '\r\n'}--${boundary}\r\n`
    const header = `Content-Disposition: form-data; name="${escape(name)}"${file}\r\n\r\n`
    return [Buffer.from(delimiter + header), Buffer.from(content)]
  })
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  }
}

function escape(name: string): string {
  return name
    .replaceAll(/[\\"]/gu, String.raw`\$&`)
    .replaceAll('\r', '%0D')
    .replaceAll('\n', '%0A')
}
