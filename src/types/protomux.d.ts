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
    createChannel(options: {
      protocol: string
      id?: Buffer
      unique?: boolean
      onopen?: () => void
      onclose?: () => void
    }): Channel | null
    pair(options: { protocol: string; id?: Buffer }, onopen: () => void): void
    unpair(options: { protocol: string; id?: Buffer }): void
  }
}
declare module 'compact-encoding' {
  const encodings: { json: unknown; buffer: unknown; utf8: unknown; uint: unknown }
  export default encodings
}
