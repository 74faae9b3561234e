import type { Fingerprint } from './file-record.js'

/** The keys of the index, of a first byte which hypercore-storage does not use. docs/storage-format.md has them. */

const PREFIX = 0xfe
export const PATH = 0x70 // p ‖ path → record
export const BLOCK = 0x62 // b ‖ uint64 first block ‖ path → nothing
const HASH = 0x68 // h ‖ content hash → range of a file with that content
const INODE = 0x69 // i ‖ inode, size, mtime → path of a large file
const SIZE = 0x73 // s ‖ uint64 size → nothing: a large file of this size is known
const META = 0x6d // m ‖ name → JSON
export const ARCHIVED = 0x61 // a ‖ uint64 first block → range of a content of which the archive has a copy

function key(kind: number, rest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([PREFIX, kind]), rest])
}

/** All keys of one kind. */
export function allOf(kind: number): { gte: Buffer; lt: Buffer } {
  return { gte: Buffer.from([PREFIX, kind]), lt: Buffer.from([PREFIX, kind + 1]) }
}

export function pathKey(path: string): Buffer {
  return key(PATH, Buffer.from(path))
}

export function blockKey(blockOffset: number, path: string): Buffer {
  return key(BLOCK, Buffer.concat([uint64(blockOffset), Buffer.from(path)]))
}

export function sizeKey(size: number): Buffer {
  return key(SIZE, uint64(size))
}

export function archivedKey(blockOffset: number): Buffer {
  return key(ARCHIVED, uint64(blockOffset))
}

/** The block in a key of `blockKey` or `archivedKey`. */
export function blockIn(key: Buffer): number {
  return Number(key.readBigUInt64BE(2))
}

export function hashKey(hash: Buffer): Buffer {
  return key(HASH, hash)
}

export function metaKey(name: string): Buffer {
  return key(META, Buffer.from(name))
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

export function inodeKey({ inode, size, mtime }: Fingerprint): Buffer {
  const value = Buffer.alloc(24)
  value.writeDoubleBE(inode, 0)
  value.writeDoubleBE(size, 8)
  value.writeDoubleBE(mtime, 16)
  return key(INODE, value)
}
