import type { OpenDrive } from './drive.js'
import type { Places } from './places.js'

/** Index meta of a clone: what its link said beside the key. */
export const SAVED_CLONE = 'clone'
export interface SavedClone extends Places {
  under: string
  /** What was asked for: `--include` and `--exclude`. */
  include: string[]
  exclude: string[]
  /** The version that it stays at; null for the newest. */
  version: number | null
  /** The id in hex of the invite that it came by; null for a link with a key. */
  invite: string | null
}

export async function readSaved(open: OpenDrive): Promise<SavedClone> {
  const nothing: SavedClone = {
    addresses: [],
    relays: [],
    under: '',
    include: [],
    exclude: [],
    version: null,
    invite: null
  }
  return { ...nothing, ...(await open.index.getMeta<Partial<SavedClone>>(SAVED_CLONE)) }
}
