import fs from 'node:fs'
import path from 'node:path'
import crypto from 'hypercore-crypto'
import { STORE_NAME } from '../base/safe-path.js'

/** Below the store, since Corestore moves files that it does not know out of its own folder. */
export const INDEX_FOLDER = 'index'

/** Where a share or a clone keeps its files and its index. */
export interface Place {
  /** The folder of the files, absolute. */
  root: string
  /** The folder of the index, absolute: `<root>/.dat` unless --store says otherwise. */
  store: string
}

/** Whether a folder has an index of dat in it. */
export function hasIndex(store: string): boolean {
  return fs.existsSync(path.join(store, INDEX_FOLDER, 'CORESTORE'))
}

/** What is left of an index whose making failed at once, on a full disk or for lack of locks: there is nothing in it. */
export async function removeStillborn(folder: string): Promise<void> {
  const file = path.join(folder, 'CORESTORE')
  const stats = await fs.promises.stat(file).catch(() => null)
  if (stats?.size !== 0 || fs.existsSync(path.join(folder, 'db'))) return
  await fs.promises.rm(file, { force: true }).catch(() => {})
}

/** The place of a share or clone in `root`: the usual one, or where the index of a folder is that cannot be written. */
export function placeOf(root: string, store: string | null, home: string | null = null): Place {
  if (store !== null) return { root, store }
  const usual = path.join(root, STORE_NAME)
  const away = home && !hasIndex(usual) ? awayStore(home, root) : null
  return { root, store: away && hasIndex(away) ? away : usual }
}

/**
 * Where the index of a folder or file is that lies on a read-only disk. Named after the path and the inode, which all
 * computers that mount the disk see alike.
 */
export function awayStore(home: string, source: string): string {
  const { ino } = fs.statSync(source)
  const name = crypto
    .hash(Buffer.from(`dat/away ${ino} ${source}`))
    .toString('hex')
    .slice(0, 32)
  return path.join(home, 'indexes', name)
}
