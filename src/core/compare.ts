import type { FileIndex } from '../storage/file-index.js'
import { type FileRecord, sameFingerprint } from '../storage/file-record.js'
import { compareBytes, type Found, look, type WalkOptions, walk } from './walk.js'

/** A path of the folder, of the index, or of both. */
export interface Compared {
  found: Found | null
  record: FileRecord | null
}

/**
 * Joins what is in a folder with what the index knows, both sorted: neither has to fit into memory.
 * @param only the one file that is shared; null for the folder of `options`
 */
export async function* compareWithIndex(
  options: WalkOptions,
  index: FileIndex,
  only: string | null
): AsyncGenerator<Compared> {
  const found = only === null ? walk(options) : lookAtOne(options, only)
  const records = index.records(options.folder)
  try {
    let here = await found.next()
    let known = await records.next()
    while (!here.done || !known.done) {
      const order = here.done ? 1 : known.done ? -1 : compareBytes(here.value.path, known.value.path)
      yield { found: order <= 0 ? here.value : null, record: order >= 0 ? known.value : null }
      if (order <= 0) here = await found.next()
      if (order >= 0) known = await records.next()
    }
  } finally {
    await records.return(undefined)
  }
}

async function* lookAtOne(options: WalkOptions, name: string): AsyncGenerator<Found> {
  const found = await look(options, name)
  if (found) yield found
}

/** Whether nothing tells that a path changed since it was last read. */
export function isSame(found: Found, record: FileRecord): boolean {
  if (found.kind !== record.kind || record.state !== 'done') return false
  if (found.kind === 'folder') return true
  if (found.kind === 'link') return found.target === record.target
  return !record.racy && isUnchanged(found, record)
}

/** The same of a file, whose content may be another for all that was known then. */
export function isUnchanged(found: Found, record: FileRecord): boolean {
  return found.kind === 'file' && sameFingerprint(found, record) && found.executable === record.executable
}
