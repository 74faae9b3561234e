declare module 'hypercore' {
  import type { EventEmitter } from 'node:events'
  import type { HypercoreStorage } from 'hypercore-storage'
  import type { NoiseStream } from '../transport/transport.js'

  export interface PeerRequest {
    id: number
    block?: { index: number } | null
  }
  export interface PeerRange {
    drop: boolean
    start: number
    length: number
  }
  export interface OutgoingRequest {
    /** A tree node, by its index in the flat tree, with so many of those above it. */
    hash: { index: number; nodes: number } | null
  }
  /** The way into another fork. */
  export interface ForkRequest {
    readonly fork: number
    readonly batch: { want: { nodes: number; start: number; end: number } | null } | null
    readonly inflight: OutgoingRequest[]
  }
  export interface ReplicationPeer {
    /** Requests of the other end that wait for an answer, by id. */
    readonly remoteRequests: Map<number, PeerRequest>
    readonly receiverQueue: { readonly length: number; push(request: PeerRequest): void }
    onrequest(request: PeerRequest): Promise<void>
    onrange(range: PeerRange): Promise<void>
    onbitfield(field: { start: number; bitfield: Uint32Array }): void
    /** Forgets a request. */
    _cancel(id: number): void
    /** Answers what is in the queue. */
    _handleRequests(): Promise<void>
    readonly stream: NoiseStream
    readonly remotePublicKey: Buffer
    readonly remoteLength: number
    readonly remoteSynced: boolean
    readonly remoteOpened: boolean
    readonly remoteContiguousLength: number
    /** What the peer says that it has. */
    readonly remoteBitfield: { get(index: number): boolean }
    readonly inflight: number
    /** Whether the peer says that it has a block. */
    _remoteHasBlock(index: number): boolean
    /** Messages with data that have arrived and are not dealt with yet. */
    readonly dataProcessing: number
    /** How many requests may be under way. */
    getMaxInflight(): number
    paused: boolean
    readonly replicator: { readonly _inflight: { get(id: number): { block: { index: number } | null } | null } }
    /** Takes "not available" from the peer. */
    onnodata(message: { request: number; reason: number }): void
    /** Asks for one missing block of a range; false if there is none to be asked for. */
    _requestRangeBatch(start: number, end: number, length: number): boolean
    readonly remoteFork: number
    /** Asks for what is missing to follow the peer into another fork; false if there is nothing to be asked for. */
    _requestForkRange(reorg: ForkRequest): boolean
    /** Null while no more may be asked for. */
    _makeRequest(needsUpgrade: boolean, priority: number, minLength: number): OutgoingRequest | null
    _send(request: OutgoingRequest): void
    stats: { notAvailableBackoffs: number; backoffs: number; invalidData: number; invalidRequests: number }
  }
  export interface Replicator {
    readonly peers: ReplicationPeer[]
    readonly inflightRange: [number, number]
    setInflightRange(min: number, max: number): void
    updateAll(): void
  }
  export interface CoreInternals {
    readonly replicator: Replicator
    readonly storage: HypercoreStorage
    readonly bitfield: {
      get(index: number): boolean
      hasUnset(start: number, length: number): boolean
      count(start: number, length: number, value: boolean): number
      findFirst(value: boolean, position: number): number
    }
    readonly discoveryKey: Buffer
    readonly state: { readonly fork: number }
    /** Checks that a proof of another fork is signed, before anything is done with it. */
    verifyReorg(proof: { fork: number }): Promise<unknown>
    /** Checks a block against the signed tree as if a peer had sent it, and commits it. */
    verify(proof: Proof, from: null): Promise<boolean>
  }
  export interface Proof {
    fork: number
    block: { index: number; value: Buffer; nodes: { index: number; size: number; hash: Buffer }[] }
    hash: null
    seek: null
    upgrade: null
    manifest: null
  }
  export interface RangeDownload {
    done(): Promise<boolean>
    destroy(): void
  }
  export interface SessionOptions {
    encodeBatch?: (blocks: unknown[]) => unknown[]
    snapshot?: boolean
  }
  class Hypercore extends EventEmitter {
    readonly key: Buffer
    readonly discoveryKey: Buffer
    readonly id: string
    readonly length: number
    /** Blocks from the first on that are here without a gap. */
    readonly contiguousLength: number
    readonly byteLength: number
    readonly fork: number
    readonly opened: boolean
    readonly closed: boolean
    readonly writable: boolean
    readonly core: CoreInternals
    readonly peers: ReplicationPeer[]
    readonly manifest: unknown
    /** Of a core that is written here. */
    readonly keyPair: { publicKey: Buffer; secretKey: Buffer } | null
    ready(): Promise<void>
    close(): Promise<void>
    get(index: number, options?: { wait?: boolean; timeout?: number }): Promise<Buffer | null>
    has(start: number, end?: number): Promise<boolean>
    append(blocks: unknown): Promise<{ length: number; byteLength: number }>
    truncate(length: number, options?: { fork?: number }): Promise<void>
    clear(start: number, end?: number): Promise<unknown>
    update(options?: { wait?: boolean }): Promise<boolean>
    download(range?: { start?: number; end?: number; blocks?: number[]; linear?: boolean }): RangeDownload
    session(options?: SessionOptions): Hypercore
    findingPeers(): () => void
    static key(manifest: unknown): Buffer
  }
  export default Hypercore
}
