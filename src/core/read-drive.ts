import type Hypercore from 'hypercore'
import type { Hyperbee } from 'hyperdrive'
import { DatError } from '../base/errors.js'
import type { Link } from '../base/link.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { firstContact } from './first-contact.js'
import { alsoAt } from './places.js'
import { findFolder } from './pull.js'
import { readSaved } from './saved-clone.js'
import type { CommonOptions } from './session.js'
import { openTemporary } from './temporary-clone.js'
import { beeAt } from './versions.js'

/** A share to look at: by its link, over the network, or a folder of this computer. */
export type ReadTarget = { link: Link } | { dir: string }

export interface ReadOptions extends CommonOptions {
  target: ReadTarget
  /** Seconds to wait for a peer; 0 for ever. */
  timeout: number
  /** Give up sooner when there is evidence that nobody can be found now. */
  endEarly?: boolean
  /** Another version than the newest. */
  version?: number | null
}

export interface ReadDrive {
  open: OpenDrive
  /** The entries, as they were in the version that was asked for. */
  bee: Hyperbee
  /** The content core; null for a folder. */
  content: Hypercore | null
  /** A file or folder inside that the link named. */
  under: string
  close(): Promise<void>
}

/**
 * Opens a share for looking only. A folder is read without its lock, so it may be in use; a link is read from a peer
 * through a temporary index, without content.
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, INDEX_DAMAGED, NO_PEER, NO_VERSION
 */
export async function readDrive(options: ReadOptions): Promise<ReadDrive> {
  if ('dir' in options.target) {
    const root = await findFolder(options.target.dir)
    const open = await openDrive({ place: placeOf(root, options.store, options.home), create: null, readOnly: true })
    try {
      const { under } = await readSaved(open)
      return { open, bee: await beeAt(open, options.version ?? null), content: null, under, close: () => open.close() }
    } catch (error) {
      await open.close()
      throw error
    }
  }
  const { link } = options.target
  const { timeout, endEarly = false, report, signal } = options
  const network = alsoAt(options.network, link)
  const clone = await openTemporary('read', { key: link.key, network, report })
  try {
    const { open, replication, close } = clone
    const content = await firstContact(open, replication, { timeout, endEarly, report, signal })
    if (!content) throw new DatError('INTERRUPTED', 'interrupted')
    const bee = await beeAt(open, options.version ?? link.version)
    return { open, bee, content, under: link.path, close }
  } catch (error) {
    await clone.close().catch(() => {})
    throw error
  }
}
