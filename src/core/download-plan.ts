import fs from 'node:fs'
import path from 'node:path'
import type Hypercore from 'hypercore'
import type { EntryValue } from 'hyperdrive'
import type { Report } from '../base/events.js'
import { isStoreName, STORE_NAME, safeLinkText } from '../base/safe-path.js'
import { pathOf } from '../storage/beneath.js'
import { type FileRecord, sameRange } from '../storage/file-record.js'
import { type BlockRange, isValidRange, uniformBlockSize } from '../storage/layout.js'
import { holdsBlocks } from './content-check.js'
import type { Destination } from './destination.js'
import { isAssembledFrom } from './download-records.js'
import type { OpenDrive } from './drive.js'
import { mtimeOf } from './entry.js'
import { recognise } from './recognise.js'

/** What it takes to make a path of the clone like the entry of the drive. */
export type Action =
  /** It is like that already. */
  | { act: 'nothing' }
  /** Its content is in place; only time or executable bit differ. */
  | { act: 'redress' }
  /** The file was moved to its place just before an interruption: only the record is missing. */
  | { act: 'adopt' }
  | { act: 'link' }
  | { act: 'empty' }
  /** Another file of this clone has the same blocks. */
  | { act: 'copy'; from: FileRecord }
  /** Some blocks are to be fetched into its partial file. `have` of them are there. */
  | { act: 'fetch'; range: BlockRange; blockSize: number; have: number }
  /** Its blocks do not map onto a file: they go through the index. */
  | { act: 'assemble' }
  | { act: 'altered'; reason: string }
  | { act: 'refuse'; reason: string }

export interface PlanContext {
  open: OpenDrive
  content: Hypercore
  destination: Destination
  report: Report
  force: boolean
}

/** Decides what to do for one entry. Changes nothing on the disk or in the index but stale claims on blocks. */
export async function decide(
  context: PlanContext,
  relative: string,
  value: EntryValue,
  record: FileRecord | null
): Promise<Action> {
  if (value.linkname !== null && value.linkname !== undefined) return decideLink(context, relative, value, record)
  const { blob } = value
  if (blob && !isValidRange(blob)) return { act: 'refuse', reason: 'its entry is not valid' }
  if (!blob || blob.byteLength === 0) return decideSettled(context, relative, value, record, 'empty')
  const blockSize = blob.blockMap ? null : uniformBlockSize(blob)
  if (blockSize === null) return decideSettled(context, relative, value, record, 'assemble')
  return decideFile(context, relative, value, record, blockSize)
}

async function decideLink(
  { destination }: PlanContext,
  relative: string,
  value: EntryValue,
  record: FileRecord | null
): Promise<Action> {
  const target = value.linkname as string
  // Such a link could lead dat to files of the share, as if they were its index.
  if (isStoreName(path.posix.basename(relative)))
    return { act: 'refuse', reason: `${STORE_NAME} belongs to dat itself` }
  const checked = safeLinkText(target)
  if (!checked.ok) return { act: 'refuse', reason: checked.reason }
  const stats = await destination.look(relative)
  if (stats?.isSymbolicLink() && (await fs.promises.readlink(pathOf(destination.at(relative)))) === target) {
    return record?.kind === 'link' && record.target === target ? { act: 'nothing' } : { act: 'adopt' }
  }
  return { act: 'link' }
}

/** For entries without blocks in place: empty files, and blobs that were assembled. */
async function decideSettled(
  context: PlanContext,
  relative: string,
  value: EntryValue,
  record: FileRecord | null,
  act: 'empty' | 'assemble'
): Promise<Action> {
  if (record?.kind !== 'file' || record.state !== 'done' || record.range) return { act }
  if (act === 'assemble' ? !isAssembledFrom(record, value) : record.size !== 0) return { act }
  return (await checkDisk(context, relative, value, record)) ?? { act }
}

async function decideFile(
  context: PlanContext,
  relative: string,
  value: EntryValue,
  record: FileRecord | null,
  blockSize: number
): Promise<Action> {
  const { content, open } = context
  const blob = value.blob as BlockRange
  const range = {
    blockOffset: blob.blockOffset,
    blockLength: blob.blockLength,
    byteOffset: blob.byteOffset,
    byteLength: blob.byteLength
  }
  const mine = record?.kind === 'file' && sameRange(record.range, range)
  const end = range.blockOffset + range.blockLength
  // Counted as far as there are blocks: a peer may claim more of them than can be counted in a lifetime.
  const known = Math.max(0, Math.min(end, content.length) - range.blockOffset)
  const have = content.core.bitfield.count(range.blockOffset, known, true)
  if (mine && record.state === 'done') {
    const settled = await checkDisk(context, relative, value, record)
    const whole = have === range.blockLength
    if (settled && !whole && !context.force) return { act: 'altered', reason: 'it is damaged here' }
    if (settled && (whole || settled.act === 'altered')) return settled
  }
  if (have > 0) {
    // Whichever path it was begun for: taking back its blocks would count them twice, and end the file too early.
    if (fs.existsSync(pathOf(open.files.partials.file(range)))) return { act: 'fetch', range, blockSize, have }
    // It came to its place just before an interruption, by a download, a move or a copy.
    if (have === range.blockLength && (await isInPlace(context, relative, range))) return { act: 'adopt' }
    const twin = await findTwin(context, relative, range)
    if (twin && have === range.blockLength) return { act: 'copy', from: twin }
    // The tree says that these blocks are here, but no file has them all: they were deleted, altered or left behind.
    await content.clear(range.blockOffset, Math.min(end, content.length))
  }
  return { act: 'fetch', range, blockSize, have: 0 }
}

/** Compares a file that dat put in place with the disk; null if its content is to be got again. */
async function checkDisk(
  { destination, force }: PlanContext,
  relative: string,
  value: EntryValue,
  record: FileRecord
): Promise<Action | null> {
  const stats = await destination.look(relative)
  if (!stats) return null
  if (!stats.isFile() || stats.size !== record.size || stats.mtimeMs !== record.mtime) {
    return force ? null : { act: 'altered', reason: 'it was altered here' }
  }
  const mtime = mtimeOf(value)
  // File systems round times: what the disk made of the owner's time is good enough, if it is near.
  const dressed = record.executable === value.executable && (mtime === null || Math.abs(stats.mtimeMs - mtime) < 2000)
  return dressed ? { act: 'nothing' } : { act: 'redress' }
}

/** Whether the file at a path has the content of these blocks, all of which the tree knows: it is read. */
async function isInPlace({ open, destination }: PlanContext, relative: string, range: BlockRange): Promise<boolean> {
  const stats = await destination.look(relative)
  if (!stats?.isFile() || stats.size !== range.byteLength) return false
  return holdsBlocks(open, destination.at(relative), range)
}

/** Another finished file of this clone with the same blocks, untouched. */
async function findTwin(context: PlanContext, relative: string, range: BlockRange): Promise<FileRecord | null> {
  const { open, destination } = context
  const owners = await open.index.rangesFrom(range.blockOffset, 16)
  for (const { blockOffset, path } of owners) {
    if (blockOffset !== range.blockOffset || path === relative) continue
    const known = await open.index.get(path)
    if (known?.state !== 'done' || !sameRange(known.range, range)) continue
    const record = await recognise(context, known)
    const stats = await destination.look(path)
    if (stats?.isFile() && stats.size === record.size && stats.mtimeMs === record.mtime) return record
  }
  return null
}
