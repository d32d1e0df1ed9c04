import { z } from 'zod'
import { toTagName } from '../../core/git-tag.ts'
import type { ReleaseTrainRequest } from '../../core/release-train-prognosis.ts'
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
  gitTag: z
    .string()
    .optional()
    .describe('The commit of the train gets this git tag, which must not exist yet. Without a commit there is no tag.'),
  sourceGitTag: z
    .string()
    .optional()
    .describe(
      'A replay: what travels are the versions that the upstream had at the commit of this git tag, `latest` the highest of that ' +
        'time. Releases that have been removed since come back. Locks, teams and permissions are those of now.',
    ),
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

/** What a train, or its prognosis, is asked for. */
export function toTrainRequest(
  params: TrainParams,
  lookup: TargetLookup,
  { team, gitTag, sourceGitTag }: z.infer<typeof trainQuery>,
): ReleaseTrainRequest {
  return {
    target: params.environment ?? params.group ?? '',
    lookup,
    team,
    gitTag: toTagName(gitTag),
    sourceGitTag: toTagName(sourceGitTag),
  }
}
