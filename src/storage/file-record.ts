import type { Stats } from 'node:fs'
import type { BlockRange } from './layout.js'
import { parseList } from './stored-json.js'

/** What tells a file from a changed one without reading it. Times in milliseconds since 1970. */
export interface Fingerprint {
  size: number
  mtime: number
  inode: number
}

/** done: the file is in place. partial: it is being downloaded. indexing: it is being hashed, blocks appear one by one. */
export type FileState = 'done' | 'partial' | 'indexing'

/** What the index knows of one path. */
export interface FileRecord extends Fingerprint {
  path: string
  kind: 'file' | 'link' | 'folder'
  state: FileState
  executable: boolean
  /** Written so shortly before it was read that its times cannot tell a later change: its blocks are re-hashed when read. */
  racy: boolean
  /** null for an empty file, a link or a folder. */
  range: BlockRange | null
  /** Of a link. */
  target: string
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
  target?: string
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
  if (record.target) encoded.push(record.target)
  return Buffer.from(JSON.stringify(encoded))
}

export function decodeRecord(path: string, value: Buffer): FileRecord {
  const [kind, state, flags, size, mtime, inode, range, target = ''] = parseList<Encoded>(value)
  return {
    path,
    kind: KINDS[kind] ?? 'file',
    state: STATES[state] ?? 'partial',
    executable: (flags & 1) !== 0,
    racy: (flags & 2) !== 0,
    size,
    mtime,
    inode,
    range: range ? { blockOffset: range[0], blockLength: range[1], byteOffset: range[2], byteLength: size } : null,
    target
  }
}

export function fingerprintOf(stats: Stats): Fingerprint {
  return { size: stats.size, mtime: stats.mtimeMs, inode: stats.ino }
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return a.size === b.size && a.mtime === b.mtime && a.inode === b.inode
}

export function sameRange(a: BlockRange | null, b: BlockRange | null): boolean {
  if (a === null || b === null) return a === b
  return a.blockOffset === b.blockOffset && a.blockLength === b.blockLength && a.byteLength === b.byteLength
}
