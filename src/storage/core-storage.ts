import CorestoreStorage, {
  type CoreReader,
  type CoreWriter,
  type CreateCoreOptions,
  type HypercoreStorage
} from 'hypercore-storage'
import { HashedBlock } from './hashed-block.js'

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
/** Tree nodes kept in memory: serving a block needs about log2(blocks) of them, neighbours share most. */
const TREE_CACHE_NODES = 32 * 1024

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
    return storage && discoveryKey ? this.#decorate(storage, discoveryKey.toString('hex')) : storage
  }

  override async createCore(options: CreateCoreOptions): Promise<HypercoreStorage> {
    return this.#decorate(await super.createCore(options), options.discoveryKey.toString('hex'))
  }

  // Which core is the content core is known only after the drive's own core was opened, so every core is decorated and
  // asks at each use.
  #decorate(storage: HypercoreStorage, id: string): HypercoreStorage {
    return decorate(storage, () => (this.#content === id ? this.#place : null))
  }
}

function decorate(storage: HypercoreStorage, place: () => BlockPlace | null): HypercoreStorage {
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
    return files ? decorateReader(reader, files, () => original.read.call(this, fork)) : reader
  }
  storage.write = function write() {
    const writer = original.write.call(this)
    const files = place()
    return files ? decorateWriter(writer, files) : writer
  }
  storage.snapshot = function snapshot() {
    return decorate(original.snapshot.call(this), place)
  }
  storage.atomize = function atomize(atom) {
    return decorate(original.atomize.call(this, atom), place)
  }
  storage.createSession = async function createSession(name, head) {
    return decorate(await original.createSession.call(this, name, head), place)
  }
  storage.resumeSession = async function resumeSession(name) {
    const session = await original.resumeSession.call(this, name)
    return session && decorate(session, place)
  }
  // createAtomicSession of hypercore-storage calls atomize, which is decorated above.
  storage.createAtomicSession = original.createAtomicSession
  return storage
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
  const putBlock = writer.putBlock
  const flush = writer.flush
  const writes: Promise<void>[] = []
  const indexes: number[] = []
  writer.putBlock = function put(index, data) {
    if ((data as unknown) instanceof HashedBlock) return
    const written = place.writeBlock(index, data)
    if (written === false) return putBlock.call(this, index, data)
    writes.push(written)
    indexes.push(index)
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
