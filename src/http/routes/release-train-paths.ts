import { z } from 'zod'
import type { TargetLookup } from '../../core/release-train-target.ts'

/** The paths below which a train and its prognosis are found, and how each looks its target up. */
export const releaseTrainPaths: readonly {
  readonly prefix: string
  readonly parameter: 'environment' | 'group'
  readonly lookup: TargetLookup
  /** Added to the operation's id, which must be unique. */
  readonly suffix: string
  readonly deprecated: boolean
}[] = [
  {
    prefix: '/api/environments/:environment',
    parameter: 'environment',
    lookup: 'environment-first',
    suffix: '',
    deprecated: false,
  },
  {
    prefix: '/api/environment-groups/:group',
    parameter: 'group',
    lookup: 'group',
    suffix: 'OfGroup',
    deprecated: false,
  },
  {
    prefix: '/environments/:environment',
    parameter: 'environment',
    lookup: 'group-first',
    suffix: 'OnOldPath',
    deprecated: true,
  },
  {
    prefix: '/environment-groups/:group',
    parameter: 'group',
    lookup: 'group',
    suffix: 'OfGroupOnOldPath',
    deprecated: true,
  },
]

/** The target's name stands in the path under one of two names. */
export interface TrainParams {
  readonly environment?: string
  readonly group?: string
}

export const trainParams: Readonly<Record<'environment' | 'group', z.ZodType<TrainParams>>> = {
  environment: z.strictObject({
    environment: z
      .string()
      .meta({ description: 'The environment, or the group, that the train goes to.', examples: ['staging'] }),
  }),
  group: z.strictObject({
    group: z.string().meta({ description: 'The environment group that the train goes to.', examples: ['production'] }),
  }),
}

export const trainQuery = z.strictObject({
  team: z.string().optional().describe('Only applications of this team travel.'),
})

/** All that a train takes, and what only changes how its prognosis is shown. */
export const prognosisQuery = trainQuery.extend({
  diff: z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .default('false')
    .describe(
      'With `true`, how the manifest of each application that travels would change, as a unified diff. ' +
        'It is not shown in `application/vnd.kuberpult+json`, and does not change the fingerprint.',
    ),
})

export function targetName(params: TrainParams): string {
  return params.environment ?? params.group ?? ''
}
