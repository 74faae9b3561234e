declare module 'hypercore-storage' {
  export interface RocksWrite {
    tryPut(key: Uint8Array, value: Uint8Array): void
    tryDelete(key: Uint8Array): void
    tryDeleteRange(start: Uint8Array, end: Uint8Array): void
    flush(): Promise<void>
  }
  export interface RocksRead {
    get(key: Uint8Array): Promise<Buffer | null>
    tryFlush(): void
  }
  export interface RocksRange {
    gte?: Uint8Array
    gt?: Uint8Array
    lt?: Uint8Array
    lte?: Uint8Array
  }
  /** A session on one column family of RocksDB (`rocksdb-native`). */
  export interface RocksSession {
    read(options?: { capacity?: number; autoDestroy?: boolean }): RocksRead
    write(options?: { capacity?: number; autoDestroy?: boolean }): RocksWrite
    get(key: Uint8Array): Promise<Buffer | null>
    iterator(
      range: RocksRange,
      options?: { reverse?: boolean; limit?: number; capacity?: number }
    ): AsyncIterable<{ key: Buffer; value: Buffer }>
  }
  export interface TreeNode {
    index: number
    size: number
    hash: Buffer
  }
  /** Of a core: who it is, and with which keys it is written. */
  export interface CoreAuth {
    key: Buffer
    discoveryKey: Buffer
    manifest: unknown
    /** null where it is only read. */
    keyPair: { publicKey: Buffer; secretKey: Buffer } | null
  }
  export interface CoreReader {
    getAuth(): Promise<CoreAuth | null>
    /** The questions to RocksDB so far. */
    readonly read: { readonly _operations: readonly unknown[] }
    getBlock(index: number): Promise<Buffer | null>
    getHead(): Promise<{ length: number } | null>
    getTreeNode(index: number): Promise<TreeNode | null>
    tryFlush(): void
    destroy(): void
  }
  export interface CoreWriter {
    setAuth(auth: CoreAuth): void
    putBlock(index: number, data: Buffer): void
    putTreeNode(node: TreeNode): void
    deleteTreeNode(index: number): void
    deleteTreeNodeRange(start: number, end: number): void
    deleteBlock(index: number): void
    deleteBlockRange(start: number, end: number): void
    flush(): Promise<boolean>
  }
  /** The storage of one Hypercore. */
  export interface HypercoreStorage {
    read(fork?: number): CoreReader
    write(): CoreWriter
    snapshot(): HypercoreStorage
    atomize(atom: unknown): HypercoreStorage
    createSession(name: string, head: unknown): Promise<HypercoreStorage>
    resumeSession(name: string): Promise<HypercoreStorage | null>
    createAtomicSession(atom: unknown, head: unknown): Promise<HypercoreStorage>
  }
  export interface CreateCoreOptions {
    key: Buffer
    discoveryKey: Buffer
  }
  export default class CorestoreStorage {
    constructor(
      directory: string,
      options?: {
        writeBufferSize?: number
        maxBackgroundJobs?: number
        blockCache?: boolean
        tableCacheIndexAndFilterBlocks?: boolean
        readOnly?: boolean
        allowBackup?: boolean
        id?: string
        treeCache?: { maxSize: number }
      }
    )
    readonly db: RocksSession
    ready(): Promise<void>
    compact(): Promise<void>
    /** Replaces the secret from which the keys of named cores follow. */
    setSeed(seed: Buffer): Promise<Buffer>
    getSeed(): Promise<Buffer | null>
    close(): Promise<void>
    resumeCore(discoveryKey?: Buffer): Promise<HypercoreStorage | null>
    createCore(data: CreateCoreOptions): Promise<HypercoreStorage>
  }
}
