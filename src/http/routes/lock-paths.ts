import { z } from 'zod'
import type { LockTarget } from '../../core/lock-commands.ts'

/** The parts of a lock's path. Which of them there are says what is locked. */
export interface LockParams {
  readonly environment?: string
  readonly application?: string
  readonly team?: string
  readonly group?: string
  readonly lockId: string
}

interface LockPath {
  readonly kind: LockTarget['kind']
  /** Completes the operation's id. */
  readonly name: string
  readonly url: string
  readonly params: z.ZodType<LockParams>
}

const environment = z.string().describe("The environment's name.")
const lockId = z.string().describe('The id of the lock: 2 to 99 bytes without slashes.')

/** Kuberpult's paths for locks (spec 3.3). */
export const lockPaths: readonly LockPath[] = [
  {
    kind: 'environment',
    name: 'EnvironmentLock',
    url: '/environments/:environment/locks/:lockId',
    params: z.strictObject({ environment, lockId }),
  },
  {
    kind: 'application',
    name: 'ApplicationLock',
    url: '/environments/:environment/applications/:application/locks/:lockId',
    params: z.strictObject({ environment, application: z.string().describe("The application's name."), lockId }),
  },
  {
    kind: 'team',
    name: 'TeamLock',
    url: '/api/environments/:environment/lock/team/:team/:lockId',
    params: z.strictObject({ environment, team: z.string().describe("The team's name."), lockId }),
  },
  {
    kind: 'group',
    name: 'GroupLock',
    url: '/environment-groups/:group/locks/:lockId',
    params: z.strictObject({ group: z.string().describe("The environment group's name."), lockId }),
  },
]

/** What the path says is to be locked or unlocked. */
export function toLockTarget(kind: LockTarget['kind'], params: LockParams): LockTarget {
  const { environment: name = '', application = '', team = '', group = '' } = params
  switch (kind) {
    case 'environment':
      return { kind, environment: name }
    case 'application':
      return { kind, environment: name, application }
    case 'team':
      return { kind, environment: name, team }
    case 'group':
      return { kind, group }
  }
}

/** What Kuberpult answers about group locks; the other kinds are answered without content. */
export const groupLockContent = {
  'application/json': { type: 'object', properties: { Result: { type: 'null' } }, required: ['Result'] },
}
export const groupLockBody = '{"Result":null}'

/** Kuberpult's words. */
export function unsupportedMethod(method: string): string {
  return `unsupported method '${method}'`
}
