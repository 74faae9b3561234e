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
  /** How the key came here; null for a link that has it. */
  invite: SavedInvite | null
}

/** The invite that a clone was let in by. */
export interface SavedInvite {
  /** In hex, as are all. */
  id: string
  /** Of the key pair that it was used with: a proof of who was let in. */
  redeemer: string
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
