import type { OpenDrive } from './drive.js'
import { historyKeys, readState } from './entry.js'

/** A version at which a share was complete. */
export interface Version {
  version: number
  /** Milliseconds since 1970; null for a share that was not made by dat. */
  time: number | null
  files: number
  bytes: number
}

const STATE_KEY = 'dat\0state'
/** Of a long history the newest part is enough to choose from: so many versions, found in so many changes. */
const MAX_VERSIONS = 100
const MAX_CHANGES = 20_000

/** The newest versions of a share, the newest first. */
export async function recentVersions({ drive }: OpenDrive): Promise<Version[]> {
  const found: Version[] = []
  let changes = 0
  for await (const { type, seq, key, value } of drive.db.createHistoryStream({ ...historyKeys, reverse: true })) {
    if (++changes > MAX_CHANGES) break
    const state = type === 'put' && key === STATE_KEY ? readState(value) : null
    if (!state?.complete) continue
    found.push({ version: seq + 1, time: state.time || null, files: state.files, bytes: state.bytes })
    if (found.length >= MAX_VERSIONS) break
  }
  return found
}
