import fs from 'node:fs'
import path from 'node:path'
import { DatError } from '../base/errors.js'
import { hasIndex, openDrive } from './drive.js'
import { type GateHere, gateHere } from './gate-setting.js'
import type { Identity } from './identity.js'
import { type IgnoreOptions, readIgnoreOptions } from './ignore-options.js'
import { findSource } from './source.js'

/** A folder or file that was shared or cloned before. */
export interface KnownShare {
  /** Of the share; not the whole link, which may name addresses and relays beside it. */
  key: Buffer
  role: Identity['role']
  /** Whom it serves. */
  gate: GateHere
  /** What is shared, absolute and without links on the way; a single file with its name. */
  dir: string
  store: string
  /** What the last `dat share` of it was told to leave out; null for a clone, and where nothing was shared yet. */
  ignore: IgnoreOptions | null
}

/**
 * Looks at what was shared or cloned in a place. Another dat may be at work there; nothing is changed.
 * @throws DatError NOT_A_FOLDER, SOURCE, NOT_A_CLONE, INDEX_DAMAGED
 */
export async function findKnownShare(given: {
  path: string
  store: string | null
  home: string | null
}): Promise<KnownShare> {
  const { place, file } = await findSource(given.path, given.store, given.home)
  const dir = file === null ? place.root : path.join(place.root, file)
  if (!hasIndex(place.store)) {
    throw new DatError('NOT_A_CLONE', `${dir} was neither shared nor cloned with dat, or its disk is not mounted`)
  }
  const open = await openDrive({ place, create: null, readOnly: true })
  try {
    const { role } = open.identity
    const ignore = role === 'owner' ? await readIgnoreOptions(open) : null
    const gate = await gateHere(open)
    return { key: open.drive.key, role, gate, dir, store: place.store, ignore }
  } finally {
    await open.close()
  }
}

/**
 * The same; where nothing was shared yet the index is made first, so that there is a link.
 * @throws DatError as `findKnownShare`, and INDEX_LOCKED, DISK_FULL, PERMISSION
 */
export async function prepareShare(given: {
  path: string
  store: string | null
  home: string | null
}): Promise<KnownShare> {
  const { place, file } = await findSource(given.path, given.store, given.home)
  if (!hasIndex(place.store)) {
    const create = { role: 'owner' as const, file }
    const open = await openDrive({ place, create, work: 'share', home: given.home })
    await open.close()
  }
  return findKnownShare(given)
}

/** The name of a folder or file that no link stands in, absolute. @throws DatError NOT_A_FOLDER */
export async function realPathOf(given: string): Promise<string> {
  try {
    return await fs.promises.realpath(path.resolve(given))
  } catch (error) {
    throw new DatError('NOT_A_FOLDER', `there is no file or folder ${given}`, { cause: error })
  }
}
