import type { EntryValue } from 'hyperdrive'
import type { FileRecord, Fingerprint } from '../storage/file-record.js'
import type { BlockRange } from '../storage/layout.js'

/** The record of a file that is in its place. */
export function doneRecord(path: string, value: EntryValue, print: Fingerprint, range: BlockRange | null): FileRecord {
  const executable = value.executable === true
  return { path, kind: 'file', state: 'done', executable, racy: false, target: '', range, ...print }
}

/** Until a file is in place its record keeps the time and inode of what it will replace. */
export function partialRecord(path: string, value: EntryValue, range: BlockRange, ours: FileRecord | null): FileRecord {
  const print = { size: range.byteLength, mtime: ours?.mtime ?? 0, inode: ours?.inode ?? 0 }
  const executable = value.executable === true
  return { path, kind: 'file', state: 'partial', executable, racy: false, target: '', range, ...print }
}

/** @param path with a slash at its end */
export function folderRecord(path: string): FileRecord {
  const nothing = { size: 0, mtime: 0, inode: 0 }
  return { path, kind: 'folder', state: 'done', executable: false, racy: false, target: '', range: null, ...nothing }
}
