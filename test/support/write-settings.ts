import type { WriteSettings } from '../../src/core/write-settings.ts'

/** The settings that a server has by itself, without Argo CD files, and what differs from them. */
export function writeSettings(different: Partial<WriteSettings> = {}): WriteSettings {
  return { argoCd: undefined, releaseVersionsLimit: 20, writesCommitData: false, ...different }
}
