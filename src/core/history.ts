import { randomInt } from 'node:crypto'
import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type Hyperdrive from 'hyperdrive'
import type { FileIndex } from '../storage/file-index.js'
import { HashedBlock, hashedBlocks } from '../storage/hashed-block.js'
import { treeNode } from '../storage/tree-nodes.js'
import type { KeptShare } from './kept-share.js'

/** Blocks appended at a time. */
const APPEND_BLOCKS = 4096

/** Of an owner: its cores, and what is known of contents. */
export interface OwnHistory {
  drive: Hyperdrive
  content: Hypercore
  index: FileIndex
}

/** Whether an index is behind what its share had reached: it must not go on as if nothing had been told to anybody. */
export async function isBehind({ drive, content }: OwnHistory, kept: KeptShare): Promise<boolean> {
  const { fork, version } = kept.state
  if (fork > drive.core.fork || fork > content.fork) return true
  return version > drive.core.length || (await kept.length()) > content.length
}

/** The number of a fork is a generation, and below it a random part. */
const GENERATION = 2 ** 20

/**
 * The number of a fork after `fork`: of the next generation, and never twice the same. Two computers that begin one at
 * the same point, since both believe to be the owner, have two numbers and not two histories under one: whoever meets
 * both follows the higher.
 */
export function nextFork(fork: number): number {
  return (Math.floor(fork / GENERATION) + 1) * GENERATION + randomInt(GENERATION)
}

/**
 * Begins a new fork of the history, at the end that is known here. Whoever has more of the old one, or another end of
 * it, goes back to where both are the same and follows this one: Hypercore signs the number of the fork with the tree.
 * Blocks that are known to have been shared get their old places again, so that nothing is sent twice.
 * @param after a fork that others are known to have: this one will be a later one
 */
export async function renewHistory(own: OwnHistory, kept: KeptShare | null, after = 0): Promise<void> {
  const { drive, content } = own
  const fork = nextFork(Math.max(drive.core.fork, content.fork, kept?.state.fork ?? 0, after))
  // Told first: a fork that was begun twice would be two histories again.
  await kept?.save({ fork })
  await content.truncate(content.length, { fork })
  await drive.core.truncate(drive.core.length, { fork })
  if (kept) await appendKept(own, kept)
}

async function appendKept({ content, index }: OwnHistory, kept: KeptShare): Promise<void> {
  const hashed = content.session(hashedBlocks)
  await hashed.ready()
  try {
    let blocks: HashedBlock[] = []
    let run: HashedBlock[] = []
    let contents = index.batch()
    let start = content.length
    let byteOffset = content.byteLength
    const endOfRun = (): void => {
      const first = run[0]
      if (!first) return
      const byteLength = run.reduce((sum, block) => sum + block.byteLength, 0)
      const hash = run.length === 1 ? first.leafHash : crypto.hash(Buffer.concat(run.map(({ leafHash }) => leafHash)))
      contents.putContent(hash, { blockOffset: start, blockLength: run.length, byteOffset, byteLength })
      start += run.length
      byteOffset += byteLength
      run = []
    }
    const append = async (): Promise<void> => {
      if (blocks.length > 0) await hashed.append(blocks)
      await contents.flush()
      contents = index.batch()
      blocks = []
    }
    for await (const { block, first } of kept.blocks(content.length)) {
      if (first) endOfRun()
      run.push(block)
      blocks.push(block)
      if (blocks.length >= APPEND_BLOCKS) await append()
    }
    endOfRun()
    await append()
  } finally {
    await hashed.close()
  }
}

/** Brings what is kept in step with the share: blocks that it has too many, or has not. */
export async function keepUp({ drive, content, index }: OwnHistory, kept: KeptShare): Promise<void> {
  await kept.cut(content.length)
  let next = await kept.length()
  const firsts = index.firstBlocks(next)
  try {
    let first = await firsts.next()
    while (next < content.length && kept.failed === null) {
      const blocks: HashedBlock[] = []
      const begins = new Set<number>()
      for (; next < content.length && blocks.length < APPEND_BLOCKS; next++) {
        while (!first.done && first.value < next) first = await firsts.next()
        if (!first.done && first.value === next) begins.add(blocks.length)
        const node = await treeNode(content, next)
        if (!node) return
        blocks.push(new HashedBlock(node.size, Buffer.from(node.hash)))
      }
      await kept.add(blocks, (i) => begins.has(i))
    }
  } finally {
    await firsts.return(undefined)
  }
  await kept.mark({ fork: content.fork, version: drive.core.length })
}

/** Blocks that were shared once, and that no file has any more: peers are told that they are not available. */
export async function withdrawUnowned({ content, index }: OwnHistory, kept: KeptShare): Promise<void> {
  let start = 0
  let next = 0
  const withdraw = async (): Promise<void> => {
    if (next > start && !(await index.hasOwner(start))) await content.clear(start, Math.min(next, content.length))
    start = next
  }
  for await (const { first } of kept.blocks(0)) {
    if (first) await withdraw()
    next++
  }
  await withdraw()
}
