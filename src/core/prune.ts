import type { EntryValue } from 'hyperdrive'
import { DatError } from '../base/errors.js'
import type { BlockRange } from '../storage/layout.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { fileKeyIn, fileKeys, historyKeys, isEntry } from './entry.js'
import { type Keep, parseKeep } from './history-amount.js'
import { historySetting } from './history-setting.js'
import { findFolder } from './pull.js'
import type { CommonOptions } from './session.js'
import { completeVersions, oldestVersion, tellHistory } from './versions.js'

export interface PruneOptions extends CommonOptions {
  dir: string
  /** As `--keep` has it; null for what the share was told to keep. */
  keep: string | null
}

/**
 * Frees what only old versions have, in a share that is not running.
 * @throws DatError USAGE, NOT_A_FOLDER, NOT_A_CLONE, INDEX_LOCKED
 */
export async function pruneShare({ dir, keep, store, home }: PruneOptions): Promise<Pruned> {
  const wanted = keep === null ? null : parseKeep(keep)
  const root = await findFolder(dir)
  const open = await openDrive({ place: placeOf(root, store, home), create: null, work: 'prune', home })
  try {
    const pruned = await pruneHistory(open, wanted ?? parseKeep((await historySetting(open)) ?? 'all'))
    if (pruned) return pruned
    throw new DatError('USAGE', `${dir} keeps no older versions`, { hint: 'that begins with `dat share --history`' })
  } finally {
    await open.close()
  }
}

export interface Pruned {
  /** Contents that are no longer kept, and their bytes. */
  contents: number
  bytes: number
  /** The oldest version of which everything is still kept. */
  from: number
}

/**
 * Frees what only versions have that are not to be kept.
 * @returns null where no history is kept
 */
export async function pruneHistory(open: OpenDrive, keep: Keep): Promise<Pruned | null> {
  const { index, archive } = open
  const known = await oldestVersion(open)
  if (known === null) return null
  const from = Math.max(known, await oldestKept(open, keep))
  const pruned: Pruned = { contents: 0, bytes: 0, from }
  if (from === known) return pruned
  const needed = await contentsSince(open, from)
  const content = await open.content()
  const gone: BlockRange[] = []
  for await (const range of index.archived()) if (!needed.has(range.blockOffset)) gone.push(range)
  // Told first: whoever comes now does not count on them.
  if (gone.length > 0) await tellHistory(open, from)
  for (const range of gone) {
    pruned.bytes += await archive.remove(range)
    pruned.contents++
    if (await index.hasOwner(range.blockOffset)) continue
    await content.clear(range.blockOffset, Math.min(range.blockOffset + range.blockLength, content.length))
  }
  return pruned
}

/** The oldest version to keep: the one that was the newest at that time. */
async function oldestKept(open: OpenDrive, keep: Keep): Promise<number> {
  if ('all' in keep) return 1
  const since = 'ms' in keep ? Date.now() - keep.ms : 0
  let count = 0
  for await (const { version, state } of completeVersions(open)) {
    count++
    if ('versions' in keep ? count >= keep.versions : state.time <= since) return version
  }
  return 1
}

/** The first blocks of all contents that a version from `from` on has. */
async function contentsSince({ drive }: OpenDrive, from: number): Promise<Set<number>> {
  const needed = new Set<number>()
  const bee = drive.db.checkout(from)
  try {
    for await (const { value } of bee.createReadStream<EntryValue>({}, fileKeys)) {
      if (isEntry(value) && value.blob) needed.add(value.blob.blockOffset)
    }
  } finally {
    await bee.close()
  }
  for await (const { type, key, value } of drive.db.createHistoryStream({ ...historyKeys, gte: from })) {
    if (type === 'put' && fileKeyIn(key) !== null && isEntry(value) && value.blob) needed.add(value.blob.blockOffset)
  }
  return needed
}
