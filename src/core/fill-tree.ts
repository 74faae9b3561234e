import type Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type { TreeNode } from 'hypercore-storage'
import type { KeptShare } from './kept-share.js'

/** Nodes written together, about 50 bytes each. */
const BATCH_NODES = 4096

/**
 * Gives a content core the nodes of its tree that a clone never got, since their blocks were gone before it came: those
 * who are behind ask an owner for them. They are made of the hashes of all blocks, and nothing is written unless these
 * lead to the tree that is signed.
 * @returns false when they are not the blocks of this core
 */
export async function fillTree({ core, length }: Hypercore, kept: KeptShare): Promise<boolean> {
  const build = async (write: ((node: TreeNode) => Promise<void>) | null): Promise<boolean> => {
    // Roots of what was read so far, as binary digits of its length.
    const roots: TreeNode[] = []
    let blocks = 0
    for await (const { block } of kept.blocks(0)) {
      if (blocks === length) break
      let node: TreeNode = { index: 2 * blocks, size: block.byteLength, hash: block.leafHash }
      if (write) await write(node)
      for (let bits = ++blocks; bits % 2 === 0; bits /= 2) {
        const left = roots.pop() as TreeNode
        const hash = crypto.parent(left, node)
        node = { index: (left.index + node.index) / 2, size: left.size + node.size, hash }
        if (write) await write(node)
      }
      roots.push(node)
    }
    if (blocks !== length) return false
    for (const root of roots) {
      const signed = await nodeAt(core.storage, root.index)
      if (!signed?.hash.equals(root.hash) || signed.size !== root.size) return false
    }
    return true
  }
  if (!(await build(null))) return false
  let writer = core.storage.write()
  let count = 0
  await build(async (node) => {
    if (await nodeAt(core.storage, node.index)) return
    writer.putTreeNode(node)
    if (++count % BATCH_NODES > 0) return
    await writer.flush()
    writer = core.storage.write()
  })
  await writer.flush()
  return true
}

function nodeAt(storage: Hypercore['core']['storage'], index: number): Promise<TreeNode | null> {
  const reader = storage.read()
  const pending = reader.getTreeNode(index)
  reader.tryFlush()
  return pending
}
