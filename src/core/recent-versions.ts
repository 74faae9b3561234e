import type { OpenDrive } from './drive.js'
import { completeVersions } from './versions.js'

/** A version at which a share was complete. */
export interface Version {
  version: number
  /** Milliseconds since 1970; null for a share that was not made by dat. */
  time: number | null
  files: number
  bytes: number
}

/** Of a long history the newest part is enough to choose from: so many versions, found in so many changes. */
const MAX_VERSIONS = 100
const MAX_CHANGES = 20_000

/** The newest versions of a share, the newest first. */
export async function recentVersions(open: OpenDrive): Promise<Version[]> {
  const found: Version[] = []
  for await (const { version, state } of completeVersions(open, MAX_CHANGES)) {
    found.push({ version, time: state.time || null, files: state.files, bytes: state.bytes })
    if (found.length >= MAX_VERSIONS) break
  }
  return found
}
