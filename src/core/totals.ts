import type { FileRecord } from '../storage/file-record.js'

/** Index meta of an owner. */
export const TOTALS = 'totals'

/** Of a whole share. Folders do not count; a link is a file of 0 bytes. */
export interface Totals {
  files: number
  bytes: number
  /** Of the bytes, those that take no space on the owner's disk. */
  holes: number
}

export const NOTHING: Readonly<Totals> = { files: 0, bytes: 0, holes: 0 }

/** The totals with a record, or with `sign` -1 without it. */
export function counted(totals: Readonly<Totals>, record: FileRecord | null, sign: 1 | -1): Readonly<Totals> {
  if (!record || record.kind === 'folder') return totals
  return added(totals, { files: 1, bytes: record.size, holes: record.holes ?? 0 }, sign)
}

export function added(a: Readonly<Totals>, b: Readonly<Totals>, sign: 1 | -1): Readonly<Totals> {
  return { files: a.files + sign * b.files, bytes: a.bytes + sign * b.bytes, holes: a.holes + sign * b.holes }
}
