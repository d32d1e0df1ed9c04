import type { CredentialOptions } from './credentials.ts'
import type { RemoteAddress } from './remote-address.ts'
import type { SshOptions } from './ssh-command.ts'

/** How a remote is reached. */
export interface RemoteConfig {
  readonly address: RemoteAddress
  /** As git's `--filter` takes it, such as `blob:limit=2k`; undefined for none. */
  readonly cloneFilter: string | undefined
  /** How many commits of the history a clone has; undefined for all. */
  readonly cloneDepth: number | undefined
  readonly ssh: Omit<SshOptions, 'connectTimeout'>
  readonly credentials: CredentialOptions
  /** In PEM: whose certificates are believed instead of the machine's. */
  readonly certificateAuthorityFile: string | undefined
  /** Milliseconds for each thing that is asked of the server; a clone may take longer, as long as it goes on. */
  readonly networkTimeout: number
}
