import type { Report } from '../base/events.js'
import type { Beneath } from '../storage/beneath.js'
import { type FileRecord, fingerprintOf, sameFingerprint, sameSizeAndTime } from '../storage/file-record.js'
import { contentHash, holdsBlocks } from './content-check.js'
import type { Destination } from './destination.js'
import { hashOfAssembled } from './download-records.js'
import type { OpenDrive } from './drive.js'

/** No file was ever written at this time: a record that has it is of a file that was altered. */
const NEVER = -1
/** To read a file of this size takes so long that it is said. */
const LONG_BYTES = 1024 ** 3
const longMessage = (path: string) => `reading ${path}, which was touched here, to see whether it was altered`

export interface RecogniseContext {
  open: OpenDrive
  destination: Destination
  report: Report
}

/**
 * Looks whether a file of a clone is as dat put it there. Where size and time say so but the ctime does not, its content
 * decides: chmod, a backup or another mount leave it alone, a program that sets the time back after it wrote does not.
 * @returns the record; with the present fingerprint if that is all that changed; with a time that matches nothing if the
 * content is another
 */
export async function recognise(
  { open, destination, report }: RecogniseContext,
  record: FileRecord
): Promise<FileRecord> {
  if (record.kind !== 'file') return record
  const stats = await destination.look(record.path)
  if (!stats?.isFile()) return record
  const print = fingerprintOf(stats)
  if (!sameSizeAndTime(print, record)) return record
  // Another inode after another mount: a later look at the file may go by it.
  if (sameFingerprint(print, record)) return print.inode === record.inode ? record : { ...record, ...print }
  if (record.size >= LONG_BYTES) report({ type: 'note', message: longMessage(record.path), important: true })
  const same = await isContentOf(open, destination.at(record.path), record)
  return same ? { ...record, ...print } : { ...record, mtime: NEVER }
}

/** Whether a file has the content that a record describes, as far as that can be told. Its size was compared. */
export async function isContentOf(open: OpenDrive, file: Beneath, record: FileRecord): Promise<boolean> {
  if (record.range) return holdsBlocks(open, file, record.range)
  const expected = hashOfAssembled(record)
  return expected === null || expected === (await contentHash(open, file, record.size))
}
