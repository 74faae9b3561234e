declare module 'multicast-dns' {
  import type { Socket } from 'node:dgram'
  import type { EventEmitter } from 'node:events'

  export interface Question {
    name: string
    type: string
  }
  export interface ServiceData {
    port: number
    target: string
    priority?: number
    weight?: number
  }
  export interface Answer {
    name: string
    type: string
    /** Seconds; 0 takes the record back. */
    ttl?: number
    /** A Buffer list for TXT, a ServiceData for SRV; from the network: anything. */
    data: unknown
  }
  export interface Packet {
    type?: string
    questions?: Question[]
    answers?: Answer[]
    additionals?: Answer[]
  }
  export interface Sender {
    address: string
    port: number
  }
  export interface MulticastDns extends EventEmitter {
    query(packet: Packet, to: Sender | null, callback: (error?: Error | null) => void): void
    respond(packet: Packet, to: Sender | null, callback: (error?: Error | null) => void): void
    destroy(callback?: () => void): void
    on(event: 'query' | 'response', listener: (packet: Packet, from: Sender) => void): this
    on(event: 'error' | 'warning', listener: (error: Error) => void): this
  }
  export default function multicastDns(options?: {
    /** A socket that is bound already; then `bind` and `multicast` are to be false. */
    socket?: Socket
    bind?: string | false
    multicast?: boolean
    port?: number
    /** The group to send to. */
    ip?: string
    interface?: string
  }): MulticastDns
}
