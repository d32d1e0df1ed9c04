import type { ArgoCdConfig } from '../core/argo-cd-config.ts'
import type { EnvironmentConfig } from '../core/environment.ts'
import { messageType } from './messages.ts'

/** api.v1.EnvironmentConfig */
export interface EnvironmentConfigMessage {
  readonly upstream?: { readonly environment?: string | undefined; readonly latest?: boolean | undefined } | undefined
  readonly argocd?: ArgoCdConfigMessage | undefined
  readonly environmentGroup?: string | undefined
  readonly argoConfigs?:
    | { readonly configs: readonly ArgoCdConfigMessage[]; readonly commonEnvPrefix?: string | undefined }
    | undefined
  readonly isActiveActive?: boolean | undefined
}

/** api.v1.ArgoCDEnvironmentConfiguration */
export interface ArgoCdConfigMessage extends ArgoCdConfig {
  readonly concreteEnvName?: string | undefined
}

export const environmentConfigMessageType = messageType<EnvironmentConfigMessage>('api.v1.EnvironmentConfig')

/** The config in the form in which an environment is created. */
export function toEnvironmentConfigMessage(config: EnvironmentConfig): EnvironmentConfigMessage {
  const { upstream, environmentGroup, argoCd } = config
  return {
    upstream: upstream && { environment: upstream.environment, latest: upstream.latest || undefined },
    environmentGroup,
    ...(argoCd?.kind === 'single' && { argocd: argoCd.config }),
    ...(argoCd?.kind === 'several' && {
      argoConfigs: {
        configs: argoCd.configs.map(({ concreteEnvName, config: one }) => ({ ...one, concreteEnvName })),
        commonEnvPrefix: argoCd.commonEnvPrefix,
      },
      isActiveActive: true,
    }),
  }
}
