import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { networkOf } from './client-address.ts'
import { callerOf } from './guard.ts'
import { TooManyRequestsError } from './problem.ts'

/** Each counts a request, and throws TooManyRequestsError when it is one too many in its minute. */
export interface RateLimits {
  /** One whose caller is known: by whose budget that is, wherever they are. Many pipelines may share an address. */
  readonly countCaller: (request: FastifyRequest) => Promise<void>
  /** One that nobody was asked for: by address, that of an IPv6 network for all in it. */
  readonly countAddress: (request: FastifyRequest) => Promise<void>
  /**
   * One whose credentials were missing or not good: by address. Others at that address are not kept out by it; guessing a
   * signature is hopeless, so this is about load and logs alone.
   */
  readonly countFailure: (request: FastifyRequest) => Promise<void>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked by a machine again and again to see whether the process lives: never one too many. */
    isProbe?: boolean
  }
}

const minute = 60_000

/** How many failed authentications a minute an address has, of the requests that it has. */
const failureShare = 1 / 10

export async function registerRateLimits(app: FastifyInstance, requestsPerMinute: number): Promise<RateLimits> {
  await app.register(rateLimit, { global: false })
  const createLimit = (max: number, keyOf: (request: FastifyRequest) => string) => {
    const count = app.createRateLimit({ max, timeWindow: minute, keyGenerator: keyOf })
    return async (request: FastifyRequest): Promise<void> => {
      if (request.routeOptions.config.isProbe === true) return
      const counted = await count(request)
      if (!counted.isAllowed && counted.isExceeded) throw new TooManyRequestsError(max, counted.ttlInSeconds)
    }
  }
  return {
    countCaller: createLimit(requestsPerMinute, (request) => callerOf(request).budget),
    countAddress: createLimit(requestsPerMinute, networkOf),
    countFailure: createLimit(Math.ceil(requestsPerMinute * failureShare), networkOf),
  }
}
