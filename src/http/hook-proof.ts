import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** Headers with the HMAC-SHA-256 of the body in hex digits. Gitea and its descendants send GitHub's beside their own. */
const signatures = [
  { header: 'x-hub-signature-256', prefix: 'sha256=' },
  { header: 'x-gitea-signature', prefix: '' },
  { header: 'x-forgejo-signature', prefix: '' },
] as const

/**
 * Whether a webhook is from somebody who knows the secret: by GitHub's or Gitea's signature of the body, or by GitLab's token,
 * which is the secret itself. Every proof that is there must be right. What is compared takes the same time however wrong it is.
 */
export function isProven(headers: IncomingHttpHeaders, body: Uint8Array, secret: string): boolean {
  const proofs: boolean[] = []
  for (const { header, prefix } of signatures) {
    const value = headers[header]
    if (value === undefined) continue
    proofs.push(isSame(String(value), prefix + createHmac('sha256', secret).update(body).digest('hex')))
  }
  const token = headers['x-gitlab-token']
  if (token !== undefined) proofs.push(isSame(String(token), secret))
  return proofs.length > 0 && proofs.every(Boolean)
}

function isSame(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => createHash('sha256').update(text).digest()) as [Buffer, Buffer]
  return timingSafeEqual(one, other)
}
