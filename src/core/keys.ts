import fs from 'node:fs'
import path from 'node:path'
import { DatError } from '../base/errors.js'
import { formatLink } from '../base/link.js'
import { FILE_STORE_PREFIX } from '../base/safe-path.js'
import { openDrive } from './drive.js'
import { isGatedHere } from './gate-setting.js'
import type { Ceded } from './identity.js'
import { keptId } from './keep.js'
import { KeptShare } from './kept-share.js'
import { type Place, placeOf } from './place.js'
import { findFolder } from './pull.js'
import { readSaved } from './saved-clone.js'

/** What `dat keys` shows. */
export interface KeysReport {
  /** null where it lets nobody in: by invitation only. */
  link: string | null
  /** `former`: the ownership was exported from here, and this is a clone now. */
  role: 'owner' | 'clone' | 'former'
  dir: string
  /** The folders in which the secret key is; of a former owner, where it is until the export is cancelled or imported. */
  secrets: string[]
  /** Of a former owner: the export. */
  exported: { id: string; time: string; file: string } | null
}

/** Where commands on keys are given a home. @throws DatError PERMISSION */
export function homeOf(home: string | null | undefined): string {
  if (home) return home
  throw new DatError('PERMISSION', 'there is no folder for what dat keeps of its shares', {
    hint: 'name one: DAT_HOME=/path/to/a/folder'
  })
}

/** The place of a folder that was shared or cloned, or of a single file that was shared. @throws DatError NOT_A_FOLDER */
export async function placeOfKeys(dir: string, store: string | null, home: string | null): Promise<Place> {
  const absolute = path.resolve(dir)
  const stats = await fs.promises.stat(absolute).catch(() => null)
  if (!stats?.isFile()) return placeOf(await findFolder(dir), store, home)
  const root = await fs.promises.realpath(path.dirname(absolute))
  return { root, store: store ?? path.join(root, FILE_STORE_PREFIX + path.basename(absolute)) }
}

/** Looks at a share or clone of this computer, without the network and without its lock. */
export async function readKeys(options: {
  dir: string
  store: string | null
  home?: string | null
}): Promise<KeysReport> {
  const home = options.home ?? null
  const place = await placeOfKeys(options.dir, options.store, home)
  const open = await openDrive({ place, create: null, readOnly: true })
  try {
    const { identity, ceded } = open
    const kept = home ? await KeptShare.open(home, keptId(open.drive)) : null
    const owner = identity.role === 'owner' && !ceded
    const secrets = owner ? [place.store] : []
    if (kept && (owner || ceded)) secrets.push(kept.folder)
    return {
      link: (await isGatedHere(open)) ? null : formatLink(open.drive.key, await readSaved(open)),
      role: owner ? 'owner' : ceded ? 'former' : 'clone',
      dir: identity.file === null ? place.root : path.join(place.root, identity.file),
      secrets,
      exported: ceded ? toExported(ceded) : null
    }
  } finally {
    await open.close()
  }
}

export function toExported({ id, time, file }: Ceded): { id: string; time: string; file: string } {
  return { id, time: new Date(time).toISOString(), file }
}
