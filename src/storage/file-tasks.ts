import type { Fingerprint } from './file-record.js'

/** What file workers can do: plain messages, each answered in order. Lengths and positions in bytes, times in ms. */

/** Hash the blocks of a file, or of a stretch of one that begins at a block. */
export interface HashJob {
  file: string
  start: number
  length: number
  blockSize: number
}
export type HashResult = ({ hashes: Uint8Array; executable: boolean } & Fingerprint) | TaskError

/** Read a whole small file. */
export interface ReadJob {
  file: string
  length: number
}
export type ReadResult = ({ data: Uint8Array } & Fingerprint) | TaskError

/** Make a whole small file, or overwrite the one that is there. */
export interface WriteJob {
  file: string
  data: Uint8Array
}
export type WriteResult = { written: true } | TaskError

/** Give a finished file its time, mode and name. */
export interface PlaceJob {
  from: string
  to: string
  mtime: number | null
  mode: number | null
  /** Replace a file or link with this time and inode; nothing else. */
  replace: { mtime: number; inode: number } | null
  /** Replace any file or link. */
  force: boolean
}
export type PlaceResult = Fingerprint | { inTheWay: 'folder' | 'altered' | 'foreign' } | TaskError

/** A system error, which does not survive the way between threads by itself. */
export interface TaskError {
  error: { code: string; message: string }
}

export type Task =
  | { kind: 'hash'; jobs: HashJob[] }
  | { kind: 'read'; jobs: ReadJob[] }
  | { kind: 'write'; jobs: WriteJob[] }
  | { kind: 'place'; jobs: PlaceJob[] }

export function isTaskError(result: object): result is TaskError {
  return 'error' in result
}

/** The error as it was thrown in the worker. */
export function toError({ error }: TaskError): NodeJS.ErrnoException {
  return Object.assign(new Error(error.message), { code: error.code })
}
