import fs from 'node:fs'
import path from 'node:path'
import { DatError } from '../base/errors.js'
import { formatLink } from '../base/link.js'
import { startDownload } from './download-session.js'
import { openDrive, placeOf } from './drive.js'
import { alsoAt } from './places.js'
import { readSaved, SAVED_CLONE } from './saved-clone.js'
import type { PullOptions, Session } from './session.js'

/**
 * Brings a clone up to date; finishes when it is.
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, INDEX_LOCKED, INDEX_DAMAGED; later NO_PEER, PARTIAL, ALTERED, DISK_FULL
 */
export function openPull(options: PullOptions): Promise<Session> {
  return openClonedFolder(options, false)
}

/** Keeps a clone up to date and serves it to others until it is closed. */
export function followClone(options: PullOptions): Promise<Session> {
  return openClonedFolder(options, true)
}

async function openClonedFolder(options: PullOptions, follow: boolean): Promise<Session> {
  const root = await findFolder(options.dir)
  const open = await openDrive({
    place: placeOf(root, options.store, options.home),
    create: null,
    work: follow ? 'sync' : 'pull'
  })
  if (open.identity.role === 'owner') {
    await open.close()
    throw new DatError('NOT_A_CLONE', `${options.dir} is the share itself, there is nothing to pull`, {
      hint: 'changes in it are shared by `dat share`'
    })
  }
  const saved = await readSaved(open)
  // A clone of a part stays one, unless this time other parts are named.
  const all = options.include.length === 0 && options.exclude.length === 0
  const { include, exclude } = all ? saved : options
  const network = alsoAt(options.network, saved)
  const link = formatLink(open.drive.key, saved)
  const pin = options.version === undefined ? saved.version : options.version
  if (pin !== saved.version) {
    const batch = open.index.batch()
    batch.putMeta(SAVED_CLONE, { ...saved, version: pin })
    await batch.flush()
  }
  if (pin !== null) {
    const message = `this clone stays at version ${pin}; \`dat pull --version newest\` brings it up to date`
    options.report({ type: 'note', message, important: true })
  }
  return startDownload({ ...options, include, exclude, network, open, link, under: saved.under, pin, follow })
}

/** The absolute path of a folder that exists. @throws DatError NOT_A_FOLDER */
export async function findFolder(dir: string): Promise<string> {
  const absolute = path.resolve(dir)
  try {
    if ((await fs.promises.stat(absolute)).isDirectory()) return await fs.promises.realpath(absolute)
  } catch (error) {
    throw new DatError('NOT_A_FOLDER', `there is no folder ${dir}`, { cause: error })
  }
  throw new DatError('NOT_A_FOLDER', `${dir} is not a folder`)
}
