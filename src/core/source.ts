import fs from 'node:fs'
import path from 'node:path'
import { DatError, reasonOf, systemCode } from '../base/errors.js'
import type { Report } from '../base/events.js'
import { FILE_STORE_PREFIX } from '../base/safe-path.js'
import { awayStore, hasIndex, type OpenDrive, type Place, placeOf } from './drive.js'

export interface Source {
  place: Place
  /** The name of the single file that is shared. */
  file: string | null
  name: string
  /** The index is not beside the files, since they are on a disk that cannot be written to. */
  away: boolean
}

/**
 * What is to be shared, and where its index is or will be.
 * @throws DatError NOT_A_FOLDER, SOURCE
 */
export async function findSource(given: string, store: string | null, home: string | null): Promise<Source> {
  const absolute = path.resolve(given)
  let stats: fs.Stats
  try {
    stats = await fs.promises.stat(absolute)
    if (stats.isDirectory()) await fs.promises.access(absolute, fs.constants.R_OK | fs.constants.X_OK)
    else if (stats.isFile()) await fs.promises.access(absolute, fs.constants.R_OK)
  } catch (error) {
    const missing = ['ENOENT', 'ENOTDIR'].includes(systemCode(error))
    if (missing) throw new DatError('NOT_A_FOLDER', `there is no file or folder ${given}`, { cause: error })
    throw new DatError('SOURCE', `cannot read ${given}: ${reasonOf(error)}`, { cause: error })
  }
  const root = await fs.promises.realpath(absolute)
  if (!stats.isDirectory() && !stats.isFile()) {
    throw new DatError('NOT_A_FOLDER', `${given} is not a file or a folder`)
  }
  const name = path.basename(root)
  const file = stats.isFile() ? name : null
  const folder = file === null ? root : path.dirname(root)
  const usual = file === null ? placeOf(root, store).store : (store ?? path.join(folder, FILE_STORE_PREFIX + name))
  const away = store === null && home !== null && !hasIndex(usual) && !(await isWritable(folder))
  return { place: { root: folder, store: away ? awayStore(home, root) : usual }, file, name, away }
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await fs.promises.access(folder, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Enough of a link to know it again, too little to use it. */
const SHOWN_OF_LINK = 14

/** Says what the user would want to know of an earlier share of this folder. */
export function tellOfKept(open: OpenDrive, report: Report): void {
  if (open.earlier) {
    const message = `a folder was shared here before as ${open.earlier.slice(0, SHOWN_OF_LINK)}…; this one gets a new link. To go on with that one: remove ${open.place.store}, then run \`dat share --moved\``
    report({ type: 'note', message, important: true })
  }
  if (open.renewed) report({ type: 'note', message: 'the index is not the newest: the share goes on in a new fork' })
  if (open.kept?.failed) {
    const message = `cannot keep a copy of the key (${reasonOf(open.kept.failed)}): if ${open.place.store} is lost, so is the link`
    report({ type: 'note', message, important: true })
  }
}
