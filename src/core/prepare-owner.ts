import type Hypercore from 'hypercore'
import type { FileIndex } from '../storage/file-index.js'
import { treeNode } from '../storage/tree-nodes.js'
import { openDrive } from './drive.js'
import { datKeys, readState, STATE } from './entry.js'
import { contentHashOf } from './file-hashing.js'
import { fillTree } from './fill-tree.js'
import type { KeptShare } from './kept-share.js'
import type { Place } from './place.js'
import { TOTALS, type Totals } from './totals.js'

/**
 * Gives a clone what an owner knows and a clone need not: how much the share has, contents by their hashes, all of the
 * tree. It stays a clone, to which none of it matters; so whoever is killed here does it again.
 */
export async function prepareOwner(place: Place, kept: KeptShare | null): Promise<void> {
  const open = await openDrive({ place, create: null, work: 'keys' })
  try {
    const state = readState((await open.drive.db.get<unknown>(STATE, datKeys))?.value)
    const { files = 0, bytes = 0, holes = 0 } = state ?? {}
    const batch = open.index.batch()
    batch.putMeta(TOTALS, { files, bytes, holes } satisfies Totals)
    await batch.flush()
    const content = await open.content()
    if (kept) await fillTree(content, kept)
    await nameContents(open.index, content)
  } finally {
    await open.close()
  }
}

/** By their contents an owner knows files again that were moved or copied; a clone has no need to. */
async function nameContents(index: FileIndex, content: Hypercore): Promise<void> {
  let batch = index.batch()
  let count = 0
  for await (const { kind, state, range } of index.records()) {
    if (kind !== 'file' || state !== 'done' || !range) continue
    const hashes: Buffer[] = []
    for (let i = 0; i < range.blockLength; i++) {
      const node = await treeNode(content, range.blockOffset + i)
      if (node) hashes.push(Buffer.from(node.hash))
    }
    if (hashes.length === 0 || hashes.length !== range.blockLength) continue
    batch.putContent(contentHashOf(Buffer.concat(hashes)), range)
    if (++count % 1024 > 0) continue
    await batch.flush()
    batch = index.batch()
  }
  await batch.flush()
}
