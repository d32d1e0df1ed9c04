import type { Application } from '../core/application.ts'
import type { EnvironmentName } from '../core/names.ts'
import type { ReleaseDetails } from '../core/release-details.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { messageType } from './messages.ts'
import type { ReleaseMessage } from './to-application-message.ts'
import { findDeployments, toReleaseMessage } from './to-application-message.ts'

/** api.v1.GetManifestsResponse */
export interface ManifestsMessage {
  readonly release: ReleaseMessage
  readonly manifests: Readonly<Record<string, ManifestMessage>>
}

/** api.v1.Manifest */
export interface ManifestMessage {
  readonly environment?: string | undefined
  readonly content?: string | undefined
}

export const manifestsMessageType = messageType<ManifestsMessage>('api.v1.GetManifestsResponse')

/** A release with its manifests. What of a manifest is not UTF-8 becomes U+FFFD, as in Kuberpult's JSON. */
export function toManifestsMessage(
  snapshot: Snapshot,
  application: Application,
  release: ReleaseDetails,
  manifests: ReadonlyMap<EnvironmentName, Uint8Array>,
): ManifestsMessage {
  return {
    release: toReleaseMessage(release, findDeployments(snapshot, application).deployments),
    manifests: Object.fromEntries(
      [...manifests].map(([environment, bytes]) => [environment, { environment, content: decoder.decode(bytes) }]),
    ),
  }
}

/** A byte order mark is part of the manifest. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
