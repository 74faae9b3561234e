declare module 'hyperdht' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex, Readable } from 'streamx'
  import type { HostPort, KeyPair, NoiseStream } from '../transport/transport.js'

  export interface DHTOptions {
    /** Nodes to start from; leave out for the public ones. */
    bootstrap?: HostPort[]
    /** Address to bind the UDP sockets to (default 0.0.0.0). */
    host?: string
    port?: number
    keyPair?: KeyPair
    ephemeral?: boolean
    firewalled?: boolean
    /** Least time between two random punches, in milliseconds (default 20 s). */
    randomPunchInterval?: number
    /** Time between keep-alives on streams, in milliseconds; false for none (default 5 s). */
    connectionKeepAlive?: number | false
  }
  export interface DHTConnectOptions {
    /** The default is the node's own. */
    keyPair?: KeyPair
    relayAddresses?: HostPort[]
    /** Try addresses of the local network too. */
    localConnection?: boolean
    /** The key of a blind relay that is to carry the stream until, or unless, a hole is punched. */
    relayThrough?: Buffer | null
    /** Asked before holes are punched; false gives that up. */
    holepunch?: () => boolean
    /** Send to the peer while it is being asked how to punch (the default): enough where NATs are kind. */
    fastOpen?: boolean
    createHandshake?: (keyPair: KeyPair, remotePublicKey: Buffer) => object
    createSecretStream?: (...args: never[]) => object
  }
  export interface DHTServer extends EventEmitter {
    readonly publicKey: Buffer | null
    listen(keyPair?: KeyPair): Promise<this>
    /** Announces again soon. */
    refresh(): void
    close(): Promise<void>
  }
  export interface DHTQuery extends Readable {
    /** Nodes that have answered. */
    readonly successes: number
    finished(): Promise<void>
  }
  class DHT extends EventEmitter {
    constructor(options?: DHTOptions)
    static readonly BOOTSTRAP: readonly string[]
    static keyPair(seed?: Buffer): KeyPair
    static bootstrapper(port: number, host: string, options?: DHTOptions): DHT
    readonly defaultKeyPair: KeyPair
    readonly destroyed: boolean
    readonly bootstrapped: boolean
    /** The public address as DHT nodes see it; null while unknown. */
    readonly host: string | null
    readonly port: number
    readonly randomized: boolean
    readonly firewalled: boolean
    readonly stats: {
      requests: { active: number; total: number; responses: number; timeouts: number; retries: number }
    }
    address(): HostPort | null
    remoteAddress(): HostPort | null
    fullyBootstrapped(): Promise<void>
    connect(publicKey: Buffer, options?: DHTConnectOptions): NoiseStream
    createServer(options?: object, onconnection?: (stream: NoiseStream) => void): DHTServer
    /** What requests belong to; ending it ends them. */
    session(): object
    lookup(target: Buffer, options?: object): DHTQuery
    /** A UDX stream, without encryption. */
    createRawStream(options?: object): Duplex
    /** Puts a node into the routing table. */
    addNode(node: HostPort): void
    ping(to: HostPort, options?: { retry?: boolean }): Promise<{ to: HostPort; from: HostPort; rtt: number }>
    destroy(options?: { force?: boolean }): Promise<void>
  }
  export default DHT
}

declare module 'hyperdht/testnet.js' {
  import type DHT from 'hyperdht'
  import type { DHTOptions } from 'hyperdht'
  import type { HostPort } from '../transport/transport.js'

  export interface Testnet extends Iterable<DHT> {
    readonly nodes: DHT[]
    readonly bootstrap: HostPort[]
    createNode(options?: DHTOptions): DHT
    destroy(): Promise<void>
  }
  /** Starts a DHT of its own, on 127.0.0.1 unless told otherwise. Four nodes or more are needed to connect quickly. */
  export default function createTestnet(size?: number, options?: { host?: string; port?: number }): Promise<Testnet>
}
