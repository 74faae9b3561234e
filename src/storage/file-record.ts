import type { Stats } from 'node:fs'
import type { BlockRange } from './layout.js'
import { parseList } from './stored-json.js'

/** What tells a file from a changed one without reading it. Times in milliseconds since 1970. */
export interface Fingerprint {
  size: number
  mtime: number
  inode: number
  /**
   * When content, name or attributes last changed, which no program can set; 0 where it is not known. It also changes
   * by what leaves the content alone, such as chmod.
   */
  ctime: number
}

/** done: the file is in place. partial: it is being downloaded. indexing: it is being hashed, blocks appear one by one. */
export type FileState = 'done' | 'partial' | 'indexing'

/** What the index knows of one path. */
export interface FileRecord extends Fingerprint {
  path: string
  kind: 'file' | 'link' | 'folder'
  state: FileState
  executable: boolean
  /** Written so shortly before it was read that its times cannot tell a later change: the next import reads it again. */
  racy: boolean
  /** null for an empty file, a link or a folder. */
  range: BlockRange | null
  /** Of a link. */
  target: string
  /** Bytes of the file that take no space on the disk; noted by the owner only. */
  holes?: number
}

const KINDS = ['file', 'link', 'folder'] as const
const STATES = ['done', 'partial', 'indexing'] as const

type Encoded = [
  kind: number,
  state: number,
  flags: number,
  size: number,
  mtime: number,
  inode: number,
  range: [number, number, number] | null,
  target?: string,
  ctime?: number,
  holes?: number
]

/** Compact JSON: an index of a million files is mostly these. */
export function encodeRecord(record: FileRecord): Buffer {
  const { range } = record
  const encoded: Encoded = [
    KINDS.indexOf(record.kind),
    STATES.indexOf(record.state),
    (record.executable ? 1 : 0) | (record.racy ? 2 : 0),
    record.size,
    record.mtime,
    record.inode,
    range ? [range.blockOffset, range.blockLength, range.byteOffset] : null
  ]
  if (record.target || record.ctime || record.holes) encoded.push(record.target)
  if (record.ctime || record.holes) encoded.push(record.ctime)
  if (record.holes) encoded.push(record.holes)
  return Buffer.from(JSON.stringify(encoded))
}

export function decodeRecord(path: string, value: Buffer): FileRecord {
  const [kind, state, flags, size, mtime, inode, range, target = '', ctime = 0, holes = 0] = parseList<Encoded>(value)
  return {
    path,
    kind: KINDS[kind] ?? 'file',
    state: STATES[state] ?? 'partial',
    executable: (flags & 1) !== 0,
    racy: (flags & 2) !== 0,
    size,
    mtime,
    inode,
    ctime,
    range: range ? { blockOffset: range[0], blockLength: range[1], byteOffset: range[2], byteLength: size } : null,
    target,
    ...(holes > 0 ? { holes } : {})
  }
}

export function fingerprintOf(stats: Stats): Fingerprint {
  return { size: stats.size, mtime: stats.mtimeMs, inode: stats.ino, ctime: stats.ctimeMs }
}

/** Smaller files are not worth counting: some file systems keep them where they take no blocks at all. */
const MIN_SPARSE_BYTES = 64 * 1024

/** Bytes of a file that take no space on the disk: holes, or what the file system compressed away. */
export function holesOf(stats: Stats): number {
  return stats.size < MIN_SPARSE_BYTES ? 0 : Math.max(0, stats.size - stats.blocks * 512)
}

/**
 * Whether a file is as it was. With a known ctime the inode says nothing more, and it is a new one after each mount on
 * file systems such as FAT and sshfs.
 */
export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  const known = a.ctime !== 0 && b.ctime !== 0
  return sameSizeAndTime(a, b) && (known ? a.ctime === b.ctime : a.inode === b.inode)
}

/** Whether it is worth reading a file to see if it is as it was: some programs set the time back after they wrote. */
export function sameSizeAndTime(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && a.mtime === b.mtime
}

export function sameRange(a: BlockRange | null, b: BlockRange | null): boolean {
  if (a === null || b === null) return a === b
  return a.blockOffset === b.blockOffset && a.blockLength === b.blockLength && a.byteLength === b.byteLength
}
