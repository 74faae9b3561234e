import CorestoreStorage, {
  type CoreReader,
  type CoreWriter,
  type CreateCoreOptions,
  type HypercoreStorage,
  type TreeNode
} from 'hypercore-storage'
import { HashedBlock } from './hashed-block.js'
import { RecentBlocks } from './recent-blocks.js'
import { TreeNodes } from './tree-nodes.js'

/**
 * Where the blocks of the content core really are. `undefined` or `false` mean "not in a file": then the block is in
 * RocksDB, as in any Hypercore.
 */
export interface BlockPlace {
  /** Reads a block from its file; null if the file no longer holds it, so that a peer is told "not available". */
  readBlock(index: number): Promise<Buffer | null | undefined>
  /** Starts to write a block into its file. The promise never rejects unhandled: `flush` awaits it. */
  writeBlock(index: number, data: Buffer): Promise<void> | false
  /** Called once blocks that went into files are committed: tree and bitfield are in RocksDB. */
  committed(indexes: readonly number[]): void
}

/**
 * RocksDB buffers this much before it writes a table. The default of 64 MiB makes RocksDB preallocate 75 MB of log for
 * a share of one file.
 */
const WRITE_BUFFER_BYTES = 1024 * 1024
/**
 * Threads of RocksDB that write and merge tables: RocksDB's own default. The package's default is 6, and each thread
 * keeps freed memory in a part of malloc of its own.
 */
const BACKGROUND_JOBS = 2
/** hypercore-storage's own cache of tree nodes, which `TreeNodes` makes superfluous. */
const TREE_CACHE_NODES = 256

/**
 * Storage for a Corestore whose content core leaves its blocks in the shared folder. Everything else, tree, bitfield
 * and the drive's own core, is in RocksDB as usual. Depends on internals of hypercore 11.37.1 and hypercore-storage
 * 3.3.1: pinned, and held by test/unit/core-storage.test.ts.
 */
export class InPlaceStorage extends CorestoreStorage {
  #place: BlockPlace | null = null
  #content: string | null = null

  constructor(directory: string, options: { readOnly?: boolean } = {}) {
    super(directory, {
      writeBufferSize: WRITE_BUFFER_BYTES,
      maxBackgroundJobs: BACKGROUND_JOBS,
      // What is read twice is in the page cache already; RocksDB's own cache would hold the whole index once more.
      blockCache: false,
      tableCacheIndexAndFilterBlocks: false,
      treeCache: { maxSize: TREE_CACHE_NODES },
      // Without its lock file a read-only opening can look at an index that another dat is using.
      ...(options.readOnly ? { readOnly: true, allowBackup: true } : {})
    })
  }

  /** Names the core whose blocks lie in files, and who knows where. To be called before that core is read or written. */
  setContent(discoveryKey: Buffer, place: BlockPlace): void {
    this.#content = discoveryKey.toString('hex')
    this.#place = place
  }

  override async resumeCore(discoveryKey?: Buffer): Promise<HypercoreStorage | null> {
    const storage = await super.resumeCore(discoveryKey)
    return storage && discoveryKey ? this.#decorate(storage, discoveryKey) : storage
  }

  override async createCore(options: CreateCoreOptions): Promise<HypercoreStorage> {
    return this.#decorate(await super.createCore(options), options.discoveryKey)
  }

  // Which core is the content core is known only after the drive's own core was opened, so every core is decorated and
  // asks at each use.
  async #decorate(storage: HypercoreStorage, discoveryKey: Buffer): Promise<HypercoreStorage> {
    const id = discoveryKey.toString('hex')
    const reader = storage.read()
    const head = reader.getHead()
    reader.tryFlush()
    const memory: Memory = {
      nodes: new TreeNodes(((await head)?.length ?? 0) === 0),
      blocks: new RecentBlocks(),
      generation: 0
    }
    return decorate(storage, () => (this.#content === id ? this.#place : null), memory)
  }
}

/** What is kept in memory of a core's own state. */
interface Memory {
  nodes: TreeNodes
  blocks: RecentBlocks
  /** Counts deletions: a snapshot from before one may see what is no longer there, and so must not look here. */
  generation: number
}

/**
 * @param memory null for named and atomic sessions, which may see another tree
 * @param generation at which a snapshot was made; null for the state itself
 */
function decorate(
  storage: HypercoreStorage,
  place: () => BlockPlace | null,
  memory: Memory | null,
  generation: number | null = null
): HypercoreStorage {
  const original = {
    read: storage.read,
    write: storage.write,
    snapshot: storage.snapshot,
    atomize: storage.atomize,
    createSession: storage.createSession,
    resumeSession: storage.resumeSession,
    createAtomicSession: storage.createAtomicSession
  }
  storage.read = function read(fork) {
    const reader = original.read.call(this, fork)
    const files = place()
    if (memory && (generation ?? memory.generation) === memory.generation) answerFromMemory(reader, memory)
    return files ? decorateReader(reader, files, () => original.read.call(this, fork)) : reader
  }
  storage.write = function write() {
    const writer = original.write.call(this)
    const files = place()
    if (memory) remember(writer, memory)
    return files ? decorateWriter(writer, files) : writer
  }
  storage.snapshot = function snapshot() {
    return decorate(original.snapshot.call(this), place, memory, generation ?? memory?.generation ?? null)
  }
  storage.atomize = function atomize(atom) {
    // What an atom writes reaches RocksDB without passing through here.
    if (memory) forget(memory)
    return decorate(original.atomize.call(this, atom), place, null)
  }
  storage.createSession = async function createSession(name, head) {
    return decorate(await original.createSession.call(this, name, head), place, null)
  }
  storage.resumeSession = async function resumeSession(name) {
    const session = await original.resumeSession.call(this, name)
    return session && decorate(session, place, null)
  }
  // createAtomicSession of hypercore-storage calls atomize, which is decorated above.
  storage.createAtomicSession = original.createAtomicSession
  return storage
}

function answerFromMemory(reader: CoreReader, { nodes, blocks }: Memory): void {
  const { getTreeNode, getBlock, tryFlush } = reader
  reader.getTreeNode = function get(index) {
    const known = nodes.get(index)
    return known === undefined ? getTreeNode.call(this, index) : Promise.resolve(known)
  }
  reader.getBlock = function get(index) {
    const known = blocks.get(index)
    return known === null ? getBlock.call(this, index) : Promise.resolve(known)
  }
  // An empty question would still change threads twice.
  reader.tryFlush = function flushIfAsked() {
    if (this.read._operations.length > 0) tryFlush.call(this)
    else this.destroy()
  }
}

function remember(writer: CoreWriter, memory: Memory): void {
  const { nodes, blocks } = memory
  const { putTreeNode, deleteTreeNode, deleteTreeNodeRange, putBlock, deleteBlock, deleteBlockRange, flush } = writer
  const newNodes: TreeNode[] = []
  const newBlocks: [number, Uint8Array][] = []
  let deleted = false
  writer.putTreeNode = function putNode(node) {
    newNodes.push(node)
    putTreeNode.call(this, node)
  }
  writer.deleteTreeNode = function deleteNode(index) {
    deleted = true
    deleteTreeNode.call(this, index)
  }
  writer.deleteTreeNodeRange = function deleteRange(start, end) {
    deleted = true
    deleteTreeNodeRange.call(this, start, end)
  }
  writer.putBlock = function put(index, data) {
    newBlocks.push([index, data])
    putBlock.call(this, index, data)
  }
  writer.deleteBlock = function deleteOne(index) {
    deleted = true
    deleteBlock.call(this, index)
  }
  writer.deleteBlockRange = function deleteMany(start, end) {
    deleted = true
    deleteBlockRange.call(this, start, end)
  }
  writer.flush = async function flushAndRemember() {
    if (deleted) forget(memory)
    const flushed = await flush.call(this)
    if (deleted) forget(memory)
    else {
      nodes.add(newNodes)
      for (const [index, data] of newBlocks) blocks.add(index, data)
    }
    return flushed
  }
}

function forget(memory: Memory): void {
  memory.generation++
  memory.nodes.forget()
  memory.blocks.clear()
}

function decorateReader(reader: CoreReader, place: BlockPlace, reopen: () => CoreReader): CoreReader {
  // A reader is sent off (tryFlush) right after the questions were put, before a file can say whether it has the block:
  // what turns out to be in RocksDB is asked of a second reader.
  reader.getBlock = async (index) => {
    const block = await place.readBlock(index)
    if (block !== undefined) return block
    const fallback = reopen()
    const pending = fallback.getBlock(index)
    fallback.tryFlush()
    return pending
  }
  return reader
}

function decorateWriter(writer: CoreWriter, place: BlockPlace): CoreWriter {
  const { putBlock, deleteTreeNode, deleteTreeNodeRange, flush } = writer
  const writes: Promise<void>[] = []
  const indexes: number[] = []
  writer.putBlock = function put(index, data) {
    if ((data as unknown) instanceof HashedBlock) return
    const written = place.writeBlock(index, data)
    if (written === false) return putBlock.call(this, index, data)
    writes.push(written)
    indexes.push(index)
  }
  // To clear blocks Hypercore 11.37.1 deletes nodes that the proofs of their neighbours need (`clear` in session-state.js
  // takes what lies before the range for empty): peers that ask for those would be cut off for ever. All nodes stay, 100
  // bytes a block, but where the tree is cut: that begins with a range.
  let cut = false
  writer.deleteTreeNodeRange = function deleteRange(start, end) {
    cut = true
    deleteTreeNodeRange.call(this, start, end)
  }
  writer.deleteTreeNode = function deleteNode(index) {
    if (cut) deleteTreeNode.call(this, index)
  }
  writer.flush = async function flushFiles() {
    if (writes.length === 0) return flush.call(this)
    // The file first: tree and bitfield must never claim a block that a crash left unwritten.
    for (const result of await Promise.allSettled(writes)) {
      if (result.status === 'rejected') throw writeFailed(result.reason)
    }
    const flushed = await flush.call(this)
    place.committed(indexes)
    return flushed
  }
  return writer
}

/** With this code the replicator stops asking the peer for more instead of blaming it for bad data. */
function writeFailed(cause: unknown): Error {
  return Object.assign(new Error('a block could not be written', { cause }), { code: 'WRITE_FAILED' })
}
