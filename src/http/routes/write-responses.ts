import type { ResponseDescription } from '../endpoint.ts'

/** What every write can answer, beside success and its own refusals. */
export const writeResponses = {
  400: { description: 'A part of the request is invalid, or the git server refuses the commit. Nothing was done.' },
  403: { description: 'You may not do that there.' },
  404: { description: 'What it is about does not exist.' },
  406: { description: 'None of the forms is acceptable. Nothing was done.' },
  408: { description: 'The request took too long to arrive.' },
  409: { description: 'Others changed the repository again and again meanwhile. Nothing was done; try again.' },
  413: { description: 'The body is too large.' },
  500: { description: 'A fault of Signalbox.' },
  503: { description: 'The repository cannot be written. Nothing was done; try again after `Retry-After` seconds.' },
} as const satisfies Record<number, ResponseDescription>
