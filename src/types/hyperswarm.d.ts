declare module 'hyperswarm' {
  import type { EventEmitter } from 'node:events'
  import type DHT from 'hyperdht'
  import type { DHTServer } from 'hyperdht'
  import type { HostPort, KeyPair, NoiseStream } from '../transport/transport.js'

  export interface PeerInfo extends EventEmitter {
    readonly publicKey: Buffer
    readonly relayAddresses: HostPort[] | null
    readonly banned: boolean
    /** Whether Hyperswarm dials again by itself when the connection is lost. */
    reconnect(again: boolean): void
    ban(banned: boolean): void
  }
  export interface PeerDiscoverySession {
    /** Announces and looks up again. False when the network did not answer. */
    refresh(options?: { server?: boolean; client?: boolean }): Promise<boolean>
    flushed(): Promise<boolean>
    destroy(): Promise<void>
  }
  export interface SwarmOptions {
    dht?: DHT
    keyPair?: KeyPair
    maxPeers?: number
    maxParallel?: number
    /** The key of a blind relay for a connection, or null. `force`: no hole could be punched at the last attempt. */
    relayThrough?: (force?: boolean) => Buffer | null
    /** True refuses: with a payload for a peer that dials us, with null for one that we are about to dial. */
    firewall?: (remotePublicKey: Buffer, payload: unknown) => boolean
  }
  class Hyperswarm extends EventEmitter {
    constructor(options?: SwarmOptions)
    readonly dht: DHT
    readonly server: DHTServer
    readonly keyPair: KeyPair
    readonly connections: Set<NoiseStream>
    /** Who was announced and is not given up, by public key in hex. Never ourselves. */
    readonly peers: ReadonlyMap<string, PeerInfo>
    readonly destroyed: boolean
    join(topic: Buffer, options?: { server?: boolean; client?: boolean }): PeerDiscoverySession
    joinPeer(publicKey: Buffer): void
    leavePeer(publicKey: Buffer): void
    destroy(options?: { force?: boolean }): Promise<void>
    on(event: 'connection', listener: (stream: NoiseStream, info: PeerInfo) => void): this
    on(event: 'ban', listener: (info: PeerInfo, error: Error) => void): this
    on(event: 'update', listener: () => void): this
  }
  export default Hyperswarm
}
