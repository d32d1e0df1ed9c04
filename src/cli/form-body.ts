import type { RequestBody } from './request.ts'

/** The form as bytes: every try sends the same. */
export async function toFormBody(form: FormData): Promise<RequestBody> {
  const encoded = new Response(form)
  return {
    contentType: encoded.headers.get('content-type') ?? '',
    bytes: new Uint8Array(await encoded.arrayBuffer()),
  }
}
