declare module 'blind-relay' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex, Readable } from 'streamx'
  import type { NoiseStream } from '../transport/transport.js'

  export interface Session extends EventEmitter {
    readonly stream: NoiseStream
    destroy(error?: Error): void
    on(event: 'pair', listener: (isInitiator: boolean, token: Buffer, stream: Duplex, remoteId: number) => void): this
    on(event: 'error', listener: (error: Error) => void): this
    on(event: 'close', listener: () => void): this
  }
  class Server {
    constructor(options: { createStream(options: object): Duplex })
    accept(stream: NoiseStream, options: { id: Buffer }): Session
    close(): Promise<void>
  }
  class Client extends EventEmitter {
    static from(stream: NoiseStream, options: { id: Buffer }): Client
    pair(isInitiator: boolean, token: Buffer, stream: Duplex): Readable
    on(event: 'pair', listener: (isInitiator: boolean, token: Buffer, stream: Duplex, remoteId: number) => void): this
  }
  const relay: { Server: typeof Server; Client: typeof Client }
  export default relay
}

declare module 'hyperdht/lib/messages.js' {
  interface State {
    start: number
    end: number
    buffer: Buffer | null
  }
  interface Encoding {
    preencode(state: State, value: unknown): void
    encode(state: State, value: unknown): void
    decode(state: State): unknown
  }
  /** CommonJS: what hyperdht says inside the handshake. */
  const messages: { noisePayload: Encoding }
  export default messages
}
