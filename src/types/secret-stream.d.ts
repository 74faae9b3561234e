declare module '@hyperswarm/secret-stream' {
  import type { Duplex as NodeDuplex } from 'node:stream'
  import { Duplex } from 'streamx'
  import type { KeyPair, NoiseStream } from '../transport/transport.js'

  export interface SecretStreamOptions {
    keyPair?: KeyPair
    /** Sends an empty message after this many milliseconds without a write, and swallows those of the other end. */
    keepAlive?: number
    /** The result of a handshake that was made elsewhere. */
    handshake?: { tx: Buffer; rx: Buffer; hash: Buffer; publicKey: Buffer; remotePublicKey: Buffer }
    /** Datagrams beside the stream; of use on UDX only. */
    enableSend?: boolean
  }
  /** Noise XX for the handshake, then XChaCha20-Poly1305 frames with a length of 24 bits. Writes are atomic messages. */
  export default class NoiseSecretStream extends Duplex implements NoiseStream {
    constructor(isInitiator: boolean, rawStream: Duplex | NodeDuplex | null, options?: SecretStreamOptions)
    static keyPair(seed?: Buffer): KeyPair
    readonly isInitiator: boolean
    readonly publicKey: Buffer
    readonly remotePublicKey: Buffer
    readonly handshakeHash: Buffer
    readonly rawStream: Duplex
    readonly noiseStream: NoiseStream
    readonly opened: Promise<boolean>
    readonly rawBytesRead: number
    readonly rawBytesWritten: number
    userData: unknown
    keepAlive: number
    setKeepAlive(ms: number): void
    setTimeout(ms: number): void
    sendKeepAlive(): void
    alloc(length: number): Buffer
  }
}
