import { once } from 'node:events'
import { WebSocket } from 'ws'
import { LaneStream } from '../../src/transport/relay/lane-stream.js'
import {
  type ClientMessage,
  encodeMessage,
  parseRelayMessage,
  type RelayMessage,
  SUBPROTOCOL
} from '../../src/transport/relay/protocol.js'

type Type = RelayMessage['type']
export type MessageOf<T extends Type> = Extract<RelayMessage, { type: T }>

export interface SocketOptions {
  headers?: Record<string, string>
  ca?: string
  autoPong?: boolean
}

/** One WebSocket to a relay that keeps what it is told: a client without the cleverness of the real one. */
export class RelaySocket {
  readonly ws: WebSocket
  readonly messages: RelayMessage[] = []
  readonly binary: Buffer[] = []
  /** The code, and the reason given. */
  readonly closed: Promise<{ code: number; reason: string }>
  #onnews = () => {}

  private constructor(url: string, options: SocketOptions) {
    this.ws = new WebSocket(url, SUBPROTOCOL, { perMessageDeflate: false, ...options })
    this.ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.binary.push(data)
      else {
        const message = parseRelayMessage(data.toString())
        if (!message) throw new Error(`the relay said ${data.toString()}`)
        this.messages.push(message)
      }
      this.#onnews()
    })
    this.ws.on('error', () => {})
    this.closed = once(this.ws, 'close').then(([code, reason]) => {
      this.#onnews()
      return { code: code as number, reason: String(reason) }
    })
  }

  static async open(url: string, options: SocketOptions = {}): Promise<RelaySocket> {
    const socket = new RelaySocket(url, options)
    await Promise.race([once(socket.ws, 'open'), socket.closed.then(() => Promise.reject(new Error('not accepted')))])
    return socket
  }

  say(message: ClientMessage): void {
    this.ws.send(encodeMessage(message))
  }

  /** Takes the first message of this type that fits, past ones included, and forgets it. Fails when the socket closes. */
  async next<T extends Type>(type: T, fits: (message: MessageOf<T>) => boolean = () => true): Promise<MessageOf<T>> {
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type && fits(message as MessageOf<T>))
      if (at >= 0) return this.messages.splice(at, 1)[0] as MessageOf<T>
      await this.#news(`no "${type}" came`)
    }
  }

  /** Waits for so many bytes of binary messages. */
  async bytes(count: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.binary)
      if (all.length >= count) return all
      await this.#news(`${all.length} of ${count} bytes came`)
    }
  }

  #news(complaint: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onnews = () => {
        if (this.ws.readyState >= WebSocket.CLOSING) reject(new Error(`${complaint}, and the socket was closed`))
        else resolve()
      }
      if (this.ws.readyState >= WebSocket.CLOSING) this.#onnews()
    })
  }
}

/** Joins a topic. */
export async function joinRelay(
  url: string,
  topic: Buffer,
  key: Buffer,
  options: SocketOptions = {}
): Promise<RelaySocket> {
  const socket = await RelaySocket.open(url, options)
  socket.say({ type: 'join', topic, key })
  return socket
}

/** Opens a lane. */
export async function openLane(url: string, circuit: Buffer, lane = 0): Promise<RelaySocket> {
  const socket = await RelaySocket.open(url)
  socket.say({ type: 'lane', circuit, lane })
  return socket
}

/** A stream over so many lanes of a circuit, all of them paired. */
export async function openStream(url: string, circuit: Buffer, lanes = 1): Promise<LaneStream> {
  const stream = new LaneStream()
  const opening = Array.from({ length: lanes }, async (_, lane) => {
    const socket = await openLane(url, circuit, lane)
    await socket.next('paired')
    attach(stream, socket)
  })
  await Promise.all(opening)
  return stream
}

/** Makes a socket a lane, with what came by it until now. */
export function attach(stream: LaneStream, { ws, binary }: RelaySocket): void {
  const input = stream.addLane({
    send: (frame) => ws.send(frame, { binary: true }),
    get buffered() {
      return ws.bufferedAmount
    },
    close: () => ws.close(1000)
  })
  for (const data of binary.splice(0)) input.receive(data)
  ws.removeAllListeners('message')
  ws.on('message', (data: Buffer) => input.receive(data))
  ws.once('close', () => input.closed())
}

/** Waits for something in this process that tells nobody when it happens. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
