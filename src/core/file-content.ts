import crypto from 'hypercore-crypto'
import { type FileRecord, sameRange } from '../storage/file-record.js'
import { blockSpan, uniformBlockSize } from '../storage/layout.js'
import { UnchangedFile } from '../storage/unchanged-file.js'
import type { OpenDrive } from './drive.js'
import type { RemoteBlocks } from './remote-blocks.js'
import type { TreeNode } from './tree-view.js'

/** here: on this computer. remote: a connected computer has it. missing: nobody who can be reached has it. */
export type Presence = 'here' | 'remote' | 'missing'

/** Why content cannot be had now: `changed` since it was shared, `missing` here and everywhere, or still `indexing`. */
export type ContentTrouble = 'changed' | 'missing' | 'indexing'

export class ContentError extends Error {
  readonly trouble: ContentTrouble

  constructor(trouble: ContentTrouble) {
    super(`the content is ${trouble}`)
    this.trouble = trouble
  }
}

/** Bytes read at a time from a file that is as it was; the next ones are read while these are sent. */
const CHUNK_BYTES = 256 * 1024
/** Blocks asked of peers ahead of the one that is sent. */
const AHEAD_BLOCKS = 8

/** Where the content of files comes from: the folder here, and peers for what is not in it. */
export interface ContentSources {
  /** The share or clone here; null if there is none. */
  local: OpenDrive | null
  remote: RemoteBlocks | null
}

/** What names the content of a file: the same name means the same bytes, since blocks of one fork never change. */
export function contentName({ local, remote }: ContentSources, { range }: TreeNode): string {
  if (!range) return 'empty'
  const drive = (local ?? remote?.open)?.drive
  const core = drive?.blobs?.core
  const { blockOffset, blockLength, byteOffset, byteLength } = range
  const text = `${core?.key.toString('hex')} ${core?.fork} ${blockOffset} ${blockLength} ${byteOffset} ${byteLength}`
  return crypto.hash(Buffer.from(text)).toString('base64url').slice(0, 27)
}

export function presenceOf({ local, remote }: ContentSources, { range, lost }: TreeNode): Presence {
  if (!range) return 'here'
  if (lost) return 'missing'
  const core = local?.drive.blobs?.core
  if (core && !core.core.bitfield.hasUnset(range.blockOffset, range.blockLength)) return 'here'
  return remote?.has(range.blockOffset, range.blockLength) ? 'remote' : 'missing'
}

/**
 * Reads a part of a file. Bytes are yielded only if they are those that were shared: from a file that is as it was when
 * it was hashed, or else block by block, each compared with the signed tree.
 * @param end exclusive
 * @throws ContentError; after the first chunk too, if the file changes meanwhile
 */
export async function* readContent(
  sources: ContentSources,
  node: TreeNode,
  start: number,
  end: number
): AsyncGenerator<Buffer> {
  if (end <= start || !node.range) return
  if (node.lost) throw new ContentError('missing')
  let at = start
  const file = sources.local && (await unchangedFile(sources.local, node))
  if (file) {
    let next: Promise<Buffer | null> | null = null
    try {
      next = file.read(at, Math.min(CHUNK_BYTES, end - at))
      while (next !== null) {
        const data: Buffer | null = await next
        next = null
        if (!data) break
        const after = at + data.length
        if (after < end) next = file.read(after, Math.min(CHUNK_BYTES, end - after))
        yield data
        at = after
      }
    } finally {
      await next
      await file.close()
    }
  }
  // It changed, or perhaps only its attributes did: now every block is looked at.
  if (at < end) yield* readBlocks(sources, node, at, end)
}

/** Of files of several blocks alone: one block is quickly hashed. */
async function unchangedFile(open: OpenDrive, node: TreeNode): Promise<UnchangedFile | null> {
  if ((node.range?.blockLength ?? 0) < 2) return null
  const record = await recordOf(open, node)
  return record && UnchangedFile.open({ root: open.root, path: node.path }, record)
}

/** What the index knows of the file, if it has the content that is asked for. */
async function recordOf(open: OpenDrive, node: TreeNode): Promise<FileRecord | null> {
  const record = await open.index.get(node.path)
  return record && record.kind === 'file' && sameRange(record.range, node.range) ? record : null
}

async function* readBlocks(
  sources: ContentSources,
  node: TreeNode,
  start: number,
  end: number
): AsyncGenerator<Buffer> {
  const range = node.range
  if (!range) return
  const blockSize = node.pieces ? null : uniformBlockSize(range)
  if (blockSize === null) {
    yield* readPieces(sources, node, start, end)
    return
  }
  const first = range.blockOffset + Math.floor(start / blockSize)
  const last = range.blockOffset + Math.ceil(end / blockSize) - 1
  const local = sources.local && isHere(sources.local, first, last) ? sources.local : null
  const record = local && (await recordOf(local, node))
  const ahead: Promise<Buffer | null>[] = []
  let asked = first
  for (let index = first; index <= last; index++) {
    const window = local ? index : Math.min(last, index + AHEAD_BLOCKS - 1)
    for (; asked <= window; asked++) {
      const block = readBlock(sources, record, asked)
      block.catch(() => {})
      ahead.push(block)
    }
    const block = await ahead.shift()
    const span = blockSpan(range, blockSize, index)
    if (!block || block.length !== span.length) throw new ContentError(await whyNot(sources, node, index))
    const from = Math.max(0, start - span.start)
    const to = Math.min(span.length, end - span.start)
    yield from === 0 && to === span.length ? block : block.subarray(from, to)
  }
}

function isHere({ drive }: OpenDrive, first: number, last: number): boolean {
  return drive.blobs !== null && !drive.blobs.core.core.bitfield.hasUnset(first, last - first + 1)
}

async function readBlock(
  { local, remote }: ContentSources,
  record: FileRecord | null,
  index: number
): Promise<Buffer | null> {
  if (local?.drive.blobs?.core.core.bitfield.get(index)) {
    // First from the file itself: of many that are the same, the block map may have another in mind.
    const block = (record && (await local.files.readFrom(record, index))) ?? (await local.files.readBlock(index))
    if (block) return block
    // Not in a file: in the index itself.
    if (block === undefined) {
      const kept = await local.drive.blobs.core.get(index, { wait: false })
      if (kept) return kept
    }
  }
  return (await remote?.get(index)) ?? null
}

/** The rare blob whose blocks are of any size, made by another program. */
async function* readPieces(
  { local, remote }: ContentSources,
  node: TreeNode,
  start: number,
  end: number
): AsyncGenerator<Buffer> {
  const blobs = (presenceOf({ local, remote: null }, node) === 'here' ? local : remote?.open)?.drive.blobs
  if (!blobs || !node.range) throw new ContentError('missing')
  let at = 0
  for await (const chunk of blobs.createReadStream({ ...node.range, blockMap: node.pieces }) as AsyncIterable<Buffer>) {
    const from = Math.max(0, start - at)
    const to = Math.min(chunk.length, end - at)
    at += chunk.length
    if (to > from) yield chunk.subarray(from, to)
    if (at >= end) return
  }
  throw new ContentError('missing')
}

async function whyNot({ local }: ContentSources, node: TreeNode, index: number): Promise<ContentTrouble> {
  const record = await local?.index.get(node.path)
  if (record?.state === 'indexing') return 'indexing'
  return local?.drive.blobs?.core.core.bitfield.get(index) ? 'changed' : 'missing'
}
