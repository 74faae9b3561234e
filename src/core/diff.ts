import type { EntryValue } from 'hyperdrive'
import { sameRange } from '../storage/file-record.js'
import { fileKeys, isEntry } from './entry.js'
import { type ReadOptions, readDrive } from './read-drive.js'
import { Selection } from './selection.js'
import { settledVersion } from './versions.js'

export interface Difference {
  op: 'added' | 'changed' | 'removed'
  path: string
  /** In the older and in the newer version; null where it is not in it. */
  before: number | null
  after: number | null
}

/**
 * What is different between two versions of a share, in the order of the paths.
 * @param options `version` is the newer one; without it, the newest
 */
export async function* diffVersions(options: ReadOptions & { from: number }): AsyncGenerator<Difference> {
  const { open, bee, under, close } = await readDrive(options)
  try {
    const selection = new Selection([], [], under)
    const from = await settledVersion(open, options.from)
    for await (const { left, right } of bee.createDiffStream<EntryValue>(from, {}, fileKeys)) {
      if (options.signal.aborted) return
      const path = ((left ?? right)?.key ?? '').replace(/^\//, '')
      if (!selection.wants(path)) continue
      const [before, after] = [entryIn(right), entryIn(left)]
      if (!before && !after) continue
      // Only its time is another.
      if (before && after && sameContent(before, after)) continue
      const op = !before ? 'added' : after ? 'changed' : 'removed'
      yield { op, path, before: sizeOf(before), after: sizeOf(after) }
    }
  } finally {
    await close()
  }
}

function entryIn(entry: { value: EntryValue } | null): EntryValue | null {
  return entry && isEntry(entry.value) ? entry.value : null
}

function sameContent(a: EntryValue, b: EntryValue): boolean {
  return a.linkname === b.linkname && a.executable === b.executable && sameRange(a.blob, b.blob)
}

function sizeOf(value: EntryValue | null): number | null {
  return value && (value.blob?.byteLength ?? 0)
}
