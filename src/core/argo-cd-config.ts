/** The `argocd` section of an environment's config: how Argo CD reaches its cluster (spec 1.4). */
export interface ArgoCdConfig {
  readonly destination: {
    readonly name?: string | undefined
    readonly server?: string | undefined
    readonly namespace?: string | undefined
    readonly appProjectNamespace?: string | undefined
    readonly applicationNamespace?: string | undefined
  }
  readonly syncWindows: readonly {
    readonly schedule?: string | undefined
    readonly duration?: string | undefined
    readonly kind?: string | undefined
    readonly applications: readonly string[]
  }[]
  readonly accessList: readonly { readonly group?: string | undefined; readonly kind?: string | undefined }[]
  readonly applicationAnnotations: Readonly<Record<string, string>>
  readonly ignoreDifferences: readonly {
    readonly group?: string | undefined
    readonly kind?: string | undefined
    readonly name?: string | undefined
    readonly namespace?: string | undefined
    readonly jsonPointers: readonly string[]
    readonly jqPathExpressions: readonly string[]
    readonly managedFieldsManagers: readonly string[]
  }[]
  readonly syncOptions: readonly string[]
}

/** One cluster under the environment's own name, or several (active/active) under names of their own. */
export type ArgoCdDestinations =
  | { readonly kind: 'single'; readonly config: ArgoCdConfig }
  | {
      readonly kind: 'several'
      readonly commonEnvPrefix: string
      readonly configs: readonly { readonly concreteEnvName: string; readonly config: ArgoCdConfig }[]
    }
