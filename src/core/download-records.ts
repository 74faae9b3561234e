import type { EntryValue } from 'hyperdrive'
import type { FileRecord, Fingerprint } from '../storage/file-record.js'
import type { BlockRange } from '../storage/layout.js'

/** The record of a file that is in its place. */
export function doneRecord(path: string, value: EntryValue, print: Fingerprint, range: BlockRange | null): FileRecord {
  const executable = value.executable === true
  return { path, kind: 'file', state: 'done', executable, racy: false, target: '', range, ...print }
}

/** Until a file is in place its record keeps times and inode of what it will replace. */
export function partialRecord(path: string, value: EntryValue, range: BlockRange, ours: FileRecord | null): FileRecord {
  const { mtime = 0, inode = 0, ctime = 0 } = ours ?? {}
  const print = { size: range.byteLength, mtime, inode, ctime }
  const executable = value.executable === true
  return { path, kind: 'file', state: 'partial', executable, racy: false, target: '', range, ...print }
}

/** What an assembled file was made of, and what came out: the record's `target`. */
export function assembledText(value: EntryValue, hash: string): string {
  return JSON.stringify({ blob: value.blob, hash })
}

/** Whether a record is of a file that was assembled from the blob of this entry. */
export function isAssembledFrom(record: FileRecord, value: EntryValue): boolean {
  const hash = hashOfAssembled(record)
  return hash !== null && record.target === assembledText(value, hash)
}

/** The content hash of an assembled file, in hex; null for any other. */
export function hashOfAssembled({ kind, target }: FileRecord): string | null {
  if (kind !== 'file' || !target) return null
  try {
    const { hash } = (JSON.parse(target) ?? {}) as { hash?: unknown }
    return typeof hash === 'string' ? hash : null
  } catch {
    return null
  }
}

/** @param path with a slash at its end */
export function folderRecord(path: string): FileRecord {
  const nothing = { size: 0, mtime: 0, inode: 0, ctime: 0 }
  return { path, kind: 'folder', state: 'done', executable: false, racy: false, target: '', range: null, ...nothing }
}
