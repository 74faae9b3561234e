import type { EntryValue, Hyperbee } from 'hyperdrive'
import SubEncoder from 'sub-encoder'
import { type SafePath, safePath } from '../base/safe-path.js'
import type { FileRecord } from '../storage/file-record.js'
import { type BlockRange, isValidRange } from '../storage/layout.js'

/** What dat writes into a drive beside what every Hyperdrive has. docs/storage-format.md explains it to people. */

/**
 * Keys are UTF-8, but a peer may write any bytes. Those that are not would all be read as U+FFFD, so that two keys become
 * one path and the order of keys is not that of paths: they get a lone surrogate instead, which no path may have.
 */
const strictText = {
  encode: (text: string): Buffer => Buffer.from(text),
  decode: (bytes: Buffer): string => {
    const text = bytes.toString()
    return !text.includes('\ufffd') || Buffer.from(text).equals(bytes) ? text : `${text}\ud800`
  }
}

/** Bytes of a value that are read. Entries have some 200; a thousand of them are in memory at a time. */
const MAX_VALUE_BYTES = 256 * 1024

/** Values are JSON. One that is not, or is absurdly large, is no value: reading on must not end there. */
const patientJson = {
  encode: (value: unknown): Buffer => Buffer.from(JSON.stringify(value)),
  decode: (bytes: Buffer): unknown => {
    if (bytes.length > MAX_VALUE_BYTES) return null
    try {
      return JSON.parse(bytes.toString())
    } catch {
      return null
    }
  }
}

/** The keys of files: the same as Hyperdrive's own. */
export const fileKeys = { keyEncoding: new SubEncoder('files', strictText), valueEncoding: patientJson }
/** The keys of what only dat reads; plain Hyperdrive clients do not see them. */
export const datKeys = { keyEncoding: new SubEncoder('dat', strictText), valueEncoding: patientJson }

/** All keys at once, with their prefixes. */
export const historyKeys = { keyEncoding: strictText, valueEncoding: patientJson }
const FILES_PREFIX = 'files\0'
const DAT_PREFIX = 'dat\0'

/** The key, under `fileKeys`, of one of all keys; null if it is not that of a file. */
export function fileKeyIn(key: string): string | null {
  return key.startsWith(FILES_PREFIX) ? key.slice(FILES_PREFIX.length) : null
}

/** The marker, if one of all entries is it. */
export function stateIn({ key, value }: { key: string; value: unknown }): ShareState | null {
  return key === DAT_PREFIX + STATE ? readState(value) : null
}

/** The path of a file in the clone. Hyperdrive begins all keys with a slash: one without would be a path's second key. */
export function pathOfKey(key: string): SafePath {
  return key.startsWith('/') ? safePath(key) : { ok: false, reason: 'the name does not begin with a slash' }
}

/** The same for an empty folder. */
export function folderPathOfKey(key: string): SafePath {
  const inside = safePath(`${folderOfKey(key).replace(/\/$/, '')}/x`)
  return inside.ok ? { ok: true, relative: inside.relative.slice(0, -2) } : inside
}

/** The range, under `fileKeys`, of all that is below a folder; '' for everything. */
export function below(folder: string): { gt: string; lt: string } {
  return folder === '' ? { gt: '/', lt: '0' } : { gt: `/${folder}/`, lt: `/${folder}0` }
}

/** Key, under `datKeys`, of what a share is called. Written once. */
export const INFO = 'info'
export interface ShareInfo {
  /** The folder's name, which a clone proposes for its own. */
  name: string
  /** The share is one file, not a folder. */
  file: boolean
}

/** Key, under `datKeys`, of the marker that closes each batch of changes. */
export const STATE = 'state'
export interface ShareState {
  /** False while the first index is being made: a clone that has everything so far waits for more. */
  complete: boolean
  /** When this batch was written, in milliseconds since 1970. */
  time: number
  /** Of the whole share at this point. */
  files: number
  bytes: number
  /** Of the bytes, those that are zeros and take no space on the owner's disk, nor on that of a clone. */
  holes: number
  /** Of the content core that the entries speak of; another one has other content in the same places. */
  fork: number
}

/** Key, under `datKeys`, of what an owner keeps of older versions; there is none where nothing is kept. */
export const HISTORY = 'history'
export interface HistoryInfo {
  /** The oldest version of which every file is kept. */
  from: number
}

/** Reads it as a peer wrote it. */
export function readHistory(value: unknown): HistoryInfo | null {
  const from = (value as Partial<HistoryInfo> | null)?.from
  return typeof from === 'number' && Number.isSafeInteger(from) && from > 0 ? { from } : null
}

/** Keys, under `datKeys`, of folders that have nothing in them. */
const FOLDER = 'folder/'

export function folderKey(path: string): string {
  return FOLDER + path
}

/** The range of all empty folders. */
export const FOLDERS = { gt: FOLDER, lt: 'folder0' }

export function folderOfKey(key: string): string {
  return key.slice(FOLDER.length)
}

/** Keys, under `datKeys`, of files and folders that are shared, but that the owner's computer cannot read now. */
const UNREADABLE = 'unreadable/'
/** More of them are not told to peers, and not kept by them: each is in the memory of a download. */
export const MAX_UNREADABLE = 1000

/** @param path of a folder with a slash at its end: it stands for all below it */
export function unreadableKey(path: string): string {
  return UNREADABLE + path
}

/** The range of everything that cannot be read. */
export const UNREADABLES = { gt: UNREADABLE, lt: 'unreadable0' }

/** What the owner says cannot be read, by path, as a peer wrote it. */
export async function readUnreadable(bee: Hyperbee): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for await (const { key, value } of bee.createReadStream<unknown>(
    { ...UNREADABLES, limit: MAX_UNREADABLE },
    datKeys
  )) {
    const reason = (value as { reason?: unknown } | null)?.reason
    found.set(key.slice(UNREADABLE.length), typeof reason === 'string' ? reason : '')
  }
  return found
}

/** The drive's entry for a file or a link of the index. */
export function entryOf(record: FileRecord): EntryValue {
  return {
    executable: record.executable,
    linkname: record.kind === 'link' ? record.target : null,
    blob: record.range,
    metadata: record.kind === 'link' ? null : { mtime: record.mtime }
  }
}

/** Whether an entry is one: the other side may have written anything under the key of a file. */
export function isEntry(value: unknown): value is EntryValue {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { blob = null, linkname = null } = value as Partial<Record<keyof EntryValue, unknown>>
  if (linkname !== null && typeof linkname !== 'string') return false
  return blob === null || (typeof blob === 'object' && isValidRange(blob as BlockRange))
}

/** The modification time that an entry carries, in milliseconds; null for a drive that was not made by dat. */
export function mtimeOf(value: EntryValue): number | null {
  const mtime = (value.metadata as { mtime?: unknown } | null)?.mtime
  // A Date reaches 8.64e15 ms from 1970; anything else is not a time.
  return typeof mtime === 'number' && Math.abs(mtime) <= 8.64e15 ? mtime : null
}

/** Reads the marker as a peer wrote it. */
export function readState(value: unknown): ShareState | null {
  const state = value as Partial<ShareState> | null
  if (typeof state !== 'object' || state === null) return null
  const { complete, time, files, bytes, holes, fork } = state
  if (typeof complete !== 'boolean') return null
  const totals = { files: count(files), bytes: count(bytes), holes: count(holes) }
  return { complete, time: count(time), ...totals, fork: count(fork) }
}

export function readInfo(value: unknown): ShareInfo | null {
  const info = value as Partial<ShareInfo> | null
  if (typeof info !== 'object' || info === null || typeof info.name !== 'string') return null
  return { name: info.name, file: info.file === true }
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0
}
