declare module 'protomux' {
  import type { NoiseStream } from '../transport/transport.js'
  export interface Message<T> {
    send(message: T): boolean
  }
  export interface Channel {
    readonly opened: boolean
    readonly closed: boolean
    open(handshake?: unknown): void
    close(): void
    addMessage<T>(options: { encoding: unknown; onmessage: (message: T) => void }): Message<T>
  }
  export default class Protomux {
    static from(stream: NoiseStream): Protomux
    readonly stream: NoiseStream
    /** What happens when a message cannot be read, or dealt with. */
    _safeDestroy: (error: unknown) => void
    _safeDestroyBound: (error: unknown) => void
    _warn: (error: unknown) => void
    createChannel(options: {
      protocol: string
      id?: Buffer
      unique?: boolean
      handshake?: unknown
      onopen?: () => void
      onclose?: () => void
    }): Channel | null
    pair(options: { protocol: string; id?: Buffer }, onopen: () => void | Promise<void>): void
    unpair(options: { protocol: string; id?: Buffer }): void
  }
}
declare module 'compact-encoding' {
  export interface Codec<T> {
    decode(state: { buffer: Uint8Array; start: number; end: number }): T
  }
  const encodings: { raw: unknown; buffer: unknown; utf8: Codec<string>; uint: unknown } & {
    encode<T>(codec: Codec<T>, value: T): Uint8Array
  }
  export default encodings
}
