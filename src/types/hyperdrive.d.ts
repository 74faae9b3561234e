declare module 'hyperdrive' {
  import type { EventEmitter } from 'node:events'
  import type Corestore from 'corestore'
  import type Hypercore from 'hypercore'
  import type { Readable, Writable } from 'streamx'

  export interface Blob {
    blockOffset: number
    blockLength: number
    byteOffset: number
    byteLength: number
    blockMap?: boolean
  }
  export interface EntryValue {
    executable: boolean
    linkname: string | null
    blob: Blob | null
    metadata: unknown
  }
  export interface DriveEntry {
    seq: number
    key: string
    value: EntryValue
  }
  export interface Range {
    gt?: string
    gte?: string
    lt?: string
    lte?: string
    limit?: number
  }
  export interface KeyEncoding {
    keyEncoding?: unknown
    valueEncoding?: unknown
  }
  export interface BeeEntry<V> {
    seq: number
    key: string
    value: V
  }
  export interface BeeBatch {
    readonly length: number
    put(key: string, value: unknown, options?: KeyEncoding): Promise<void>
    del(key: string, options?: KeyEncoding): Promise<void>
    get<V>(key: string, options?: KeyEncoding): Promise<BeeEntry<V> | null>
    flush(): Promise<void>
    close(): Promise<void>
  }
  export interface HistoryEntry {
    type: 'put' | 'del'
    seq: number
    key: string
    value: unknown
  }
  export interface Hyperbee {
    readonly core: Hypercore
    readonly version: number
    batch(options?: object): BeeBatch
    get<V>(key: string, options?: KeyEncoding & { wait?: boolean; timeout?: number }): Promise<BeeEntry<V> | null>
    createReadStream<V>(range: Range, options?: KeyEncoding): AsyncIterable<BeeEntry<V>>
    createHistoryStream(
      options?: KeyEncoding & { gte?: number; live?: boolean; reverse?: boolean }
    ): AsyncIterable<HistoryEntry>
    createDiffStream<V>(
      other: number,
      range: Range,
      options?: KeyEncoding
    ): AsyncIterable<{ left: BeeEntry<V> | null; right: BeeEntry<V> | null }>
    checkout(version: number): Hyperbee
    getHeader(options?: { wait?: boolean; timeout?: number }): Promise<unknown>
    close(): Promise<void>
  }
  export interface Hyperblobs {
    readonly core: Hypercore
    createReadStream(blob: Blob): Readable
    getBlockMap(blob: Blob): Promise<{ blocks: { index: number; byteLength: number }[] } | null>
  }
  class Hyperdrive extends EventEmitter {
    /** Of the content core, as it follows from the drive's; null for drives made by old programs. */
    static getContentKey(manifest: unknown, key: Buffer): Buffer | null
    constructor(store: Corestore, key?: Buffer | null, options?: object)
    readonly key: Buffer
    readonly discoveryKey: Buffer
    readonly contentKey: Buffer | null
    readonly version: number
    readonly writable: boolean
    readonly core: Hypercore
    readonly db: Hyperbee
    readonly blobs: Hyperblobs | null
    ready(): Promise<void>
    close(): Promise<void>
    getBlobs(): Promise<Hyperblobs>
    put(path: string, data: Buffer, options?: { executable?: boolean; metadata?: unknown }): Promise<void>
    get(path: string, options?: { wait?: boolean; timeout?: number }): Promise<Buffer | null>
    entry(path: string, options?: { wait?: boolean; timeout?: number }): Promise<DriveEntry | null>
    symlink(path: string, target: string): Promise<void>
    del(path: string): Promise<void>
    entries(range?: Range): AsyncIterable<DriveEntry>
    list(folder?: string): AsyncIterable<DriveEntry>
    checkout(version: number): Hyperdrive
    mirror(out: unknown, options?: object): { done(): Promise<void> } & AsyncIterable<unknown>
    createReadStream(path: string, options?: object): Readable
    createWriteStream(path: string, options?: object): Writable
  }
  export default Hyperdrive
}
