import type { FastifyRequest } from 'fastify'

/** How often a request has a header, by its name in lower case. Of those that may come once Node keeps the first, and says nothing. */
export function headerCount({ raw: { rawHeaders } }: FastifyRequest, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}
