/** A part of a multipart body. It is a file when it has a file name. */
export interface Part {
  readonly name: string
  readonly content: string | Uint8Array
  readonly fileName?: string
}

export const boundary = 'b0undary'
export const multipartType = `multipart/form-data; boundary=${boundary}`

export function value(name: string, content: string): Part {
  return { name, content }
}

/** The manifest for an environment, as a release has it. */
export function manifest(environment: string, content: string | Uint8Array): Part {
  return { name: `manifests[${environment}]`, content, fileName: 'manifests.yaml' }
}

/** The body that these parts make. */
export function toMultipart(parts: readonly Part[]): Buffer {
  const chunks = parts.flatMap(({ name, content, fileName }) => [
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`,
    fileName === undefined ? '' : `; filename="${fileName}"`,
    '\r\n\r\n',
    content,
    '\r\n',
  ])
  return Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk)))
}

/** The headers and body of a request with these parts, for `send`. */
export function aForm(...parts: readonly Part[]): {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
} {
  return { headers: { 'content-type': multipartType }, body: toMultipart(parts) }
}
