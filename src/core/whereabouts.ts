import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import crypto from 'hypercore-crypto'
import { DatError } from '../base/errors.js'

/** Where an index was when it was last used: a copy of it is somewhere else. */
export interface Whereabouts {
  machine: string
  /** The folders of the files and of the index, absolute. */
  root: string
  store: string
  /** The inode of the folder of the database: a rename keeps it, a copy has another, all computers see it alike. */
  inode: number
}

/** Names this computer, without telling which it is. */
export function thisMachine(): string {
  let id = os.hostname()
  try {
    id = fs.readFileSync('/etc/machine-id', 'utf8').trim() || id
  } catch {
    // Other systems, and some containers, have none.
  }
  return crypto
    .hash(Buffer.from(`dat/machine ${id}`))
    .toString('hex')
    .slice(0, 32)
}

export async function whereabouts(place: { root: string; store: string }, database: string): Promise<Whereabouts> {
  const { ino } = await fs.promises.stat(database)
  return { machine: thisMachine(), root: place.root, store: place.store, inode: ino }
}

/**
 * Whether this is the index that was last used at `last`, perhaps under another name.
 * File systems without lasting inodes give it another one at each mount; then the name has to do.
 */
function isSamePlace(last: Whereabouts, now: Whereabouts): boolean {
  return last.inode === now.inode || (last.machine === now.machine && last.store === now.store)
}

/**
 * Two copies of an owner's index would write two histories under one link. So a copy may write only when the original
 * is known to be gone.
 * @param database the name of the database's folder in the store
 * @throws DatError INDEX_COPIED
 */
export async function refuseSecondCopy(last: Whereabouts, now: Whereabouts, database: string): Promise<void> {
  if (isSamePlace(last, now)) return
  if (last.machine !== now.machine) {
    throw new DatError('INDEX_COPIED', `${now.root} comes from another computer, and may still be shared there`, {
      hint:
        `if it moved here for good, and is no longer shared there: run \`dat share --moved\`. ` +
        `For a link of its own: remove ${now.store}, then run \`dat share --new-link\``
    })
  }
  const original = await fs.promises.stat(path.join(last.store, database)).catch(() => null)
  if (original?.ino !== last.inode) return
  throw new DatError(
    'INDEX_COPIED',
    `${now.root} is a copy of ${last.root}, which is still there, with the same link`,
    {
      hint:
        `to share this copy under a link of its own: remove ${now.store}, then run \`dat share --new-link\`. ` +
        `To share it in place of the other: remove ${last.store}, then run the same command again`
    }
  )
}
