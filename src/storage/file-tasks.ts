import { systemCode } from '../base/errors.js'
import type { Beneath } from './beneath.js'
import type { Fingerprint } from './file-record.js'

/** What file workers can do: plain messages, each answered in order. Lengths and positions in bytes, times in ms. */

/** Hash the blocks of a file, or of a stretch of one that begins at a block. */
export interface HashJob {
  file: Beneath
  start: number
  length: number
  blockSize: number
}
export type HashResult = ({ hashes: Uint8Array; executable: boolean } & Fingerprint) | TaskError

/** Read a whole small file. */
export interface ReadJob {
  file: Beneath
  length: number
}
export type ReadResult = ({ data: Uint8Array } & Fingerprint) | TaskError

/** Make a whole small file, or overwrite the one that is there. */
export interface WriteJob {
  file: Beneath
  data: Uint8Array
}
export type WriteResult = { written: true } | TaskError

/** Give a finished file its time, mode and name, and make the folders above it. */
export interface PlaceJob {
  from: Beneath
  to: Beneath
  mtime: number | null
  mode: number | null
  /** Replace a file or link with this time and inode; nothing else. */
  replace: { mtime: number; inode: number } | null
  /** Replace any file or link. */
  force: boolean
}
/** What is at a path instead of what was expected. */
export interface InTheWay {
  inTheWay: 'folder' | 'altered' | 'foreign'
}
export type PlaceResult = Fingerprint | InTheWay | TaskError

/** Change what a folder has under one name, or look at it. */
export type EditJob = { at: Beneath } & (
  | { edit: 'look' }
  /** Make a folder and those above it. */
  | { edit: 'make'; mode: number }
  /** Remove a folder if it is empty, and those above that become empty. */
  | { edit: 'prune' }
  /** Remove a file or link, if it has this time and inode; null removes any. */
  | { edit: 'remove'; unless: PlaceJob['replace'] }
  | { edit: 'link'; target: string; replace: PlaceJob['replace']; force: boolean }
  /** Set time and mode of a file. */
  | { edit: 'dress'; mtime: number | null; mode: number }
  /** Make a new file: empty, or a copy of another (a reflink where possible). */
  | { edit: 'copy'; from: Beneath | null }
  /** Rename, replacing what is there. */
  | { edit: 'move'; to: Beneath }
)
/** What `look` finds. */
export interface Seen extends Fingerprint {
  kind: 'file' | 'link' | 'folder' | 'other'
  /** Of a link. */
  target: string
  executable: boolean
  /** Bytes of a file that take no space on the disk. */
  holes: number
}
export type EditResult = Seen | Fingerprint | InTheWay | Record<string, never>

/** A system error, which does not survive the way between threads by itself. */
export interface TaskError {
  error: { code: string; message: string }
}

/** List a folder. */
export interface ListJob {
  folder: Beneath
}
/** What is in a folder, in no order: columns instead of rows, which cross threads for less. */
export type ListResult =
  | {
      names: string[]
      /** Of each name: FOLDER, FILE, LINK, OTHER, or GONE if it vanished meanwhile. */
      kinds: Uint8Array
      /** PRINT numbers of each name, one after the other: size, mtime, inode, ctime, bytes in holes; zeros for folders. */
      prints: Float64Array
      /** 1 for each file that its owner may execute. */
      executable: Uint8Array
      /** By position: what links say, and why a name could not be looked at (a system code). */
      targets: Record<number, string>
      failures: Record<number, string>
    }
  | TaskError

export const FOLDER = 0
export const FILE = 1
export const LINK = 2
export const OTHER = 3
export const GONE = 4

/** Numbers that a listing has for each name. */
export const PRINT = 5

export type Task =
  | { kind: 'list'; jobs: ListJob[] }
  | { kind: 'hash'; jobs: HashJob[] }
  | { kind: 'read'; jobs: ReadJob[] }
  | { kind: 'write'; jobs: WriteJob[] }
  | { kind: 'place'; jobs: PlaceJob[] }
  | { kind: 'edit'; jobs: EditJob[] }

export function isTaskError(result: object): result is TaskError {
  return 'error' in result
}

/** An error on its way out of a worker: by the name that the system has for it, also where libuv has none. */
export function taskError(error: unknown): TaskError {
  return { error: { code: systemCode(error), message: (error as Error).message } }
}

/** The error as it was thrown in the worker. */
export function toError({ error }: TaskError): NodeJS.ErrnoException {
  return Object.assign(new Error(error.message), { code: error.code })
}

/**
 * A time for `utimes`. Node takes seconds, and truncates them to microseconds: a half is added, or .123 would become
 * .122999. Numbers below zero mean "now" to it, so times before 1970 go as a Date.
 * @param mtime milliseconds since 1970
 */
export function fileTime(mtime: number): number | Date {
  return mtime < 0 ? new Date(mtime) : (mtime + 0.0005) / 1000
}
