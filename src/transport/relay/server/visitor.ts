import WebSocket from 'ws'
import {
  type ClientMessage,
  encodeMessage,
  MAX_TEXT_BYTES,
  parseClientMessage,
  type RelayMessage
} from '../protocol.js'
import { GIVE_UP_AFTER_MS, MAX_UNREAD_BYTES, PING_AFTER_MS } from './limits.js'

/** Why a socket is closed: RFC 6455, section 7.4. */
export const CLOSE = { normal: 1000, goingAway: 1001, protocol: 1002, policy: 1008, tooBig: 1009, later: 1013 } as const

/** What a socket is for decides who hears it. */
export interface VisitorHandler {
  onmessage(message: ClientMessage): void
  onbinary(data: Buffer): void
  onclose(): void
}

/**
 * One WebSocket of a client. Whatever comes through it comes from a stranger: nothing that is sent makes a handler
 * throw, what does not fit closes it, and whoever does not read is not written to for ever.
 */
export class Visitor {
  /** The address that limits count by. */
  readonly group: string
  readonly #ws: WebSocket
  #handler: VisitorHandler | null = null
  #seen = performance.now()
  #closing = false
  #holds = 0

  constructor(ws: WebSocket, group: string) {
    this.#ws = ws
    this.group = group
    ws.on('message', (data: Buffer, isBinary: boolean) => this.#onmessage(data, isBinary))
    ws.on('ping', () => this.#alive())
    ws.on('pong', () => this.#alive())
    // A frame that is none, or too long: ws closes by itself, with the code that says so.
    ws.on('error', () => {
      this.#closing = true
    })
    ws.on('close', () => {
      this.#closing = true
      const handler = this.#handler
      this.#handler = null
      handler?.onclose()
    })
  }

  get open(): boolean {
    return !this.#closing && this.#ws.readyState === WebSocket.OPEN
  }

  /** Bytes that were sent and that the kernel has not taken yet. */
  get buffered(): number {
    return this.#ws.bufferedAmount
  }

  /** The socket under it, for who needs to send and receive by its own rules. Its events stay the visitor's. */
  get socket(): WebSocket {
    return this.#ws
  }

  handle(handler: VisitorHandler): void {
    this.#handler = handler
  }

  /** Sends a message. Who has not read so many before is cut off. */
  say(message: RelayMessage): void {
    if (!this.open) return
    if (this.buffered > MAX_UNREAD_BYTES) this.#ws.terminate()
    else this.#ws.send(encodeMessage(message), ignore)
  }

  /** Passes content on. @param sent called when the kernel has taken it, or it is lost with the socket */
  pass(data: Buffer, sent: () => void): void {
    if (this.open) this.#ws.send(data, { binary: true }, sent)
    else sent()
  }

  /** Stops reading until as many calls of `release`. A few messages that were read already may still come. */
  hold(): void {
    if (this.#holds++ === 0 && this.open) this.#ws.pause()
  }

  release(): void {
    if (--this.#holds > 0) return
    this.#alive()
    if (this.open) this.#ws.resume()
  }

  /** Closes in good order; who does not answer is cut off after a second. */
  close(code: number, reason = ''): void {
    if (this.#closing) return
    this.#closing = true
    // What is not read does not show that the other end has closed.
    if (this.#ws.isPaused) this.#ws.resume()
    this.#ws.close(code, reason)
  }

  terminate(): void {
    this.#closing = true
    this.#ws.terminate()
  }

  /** Pings a socket that is silent and gives up one that stays silent: the other end may have vanished. */
  check(now: number): void {
    if (!this.open || this.#holds > 0) return
    const silence = now - this.#seen
    if (silence >= GIVE_UP_AFTER_MS) this.terminate()
    else if (silence >= PING_AFTER_MS) this.#ws.ping(undefined, undefined, ignore)
  }

  #alive(): void {
    this.#seen = performance.now()
  }

  #onmessage(data: Buffer, isBinary: boolean): void {
    if (this.#closing || !this.#handler) return
    this.#alive()
    if (isBinary) {
      this.#handler.onbinary(data)
      return
    }
    if (data.length > MAX_TEXT_BYTES) {
      this.close(CLOSE.tooBig, 'this message is too long')
      return
    }
    const message = parseClientMessage(data.toString('utf8'))
    if (message) this.#handler.onmessage(message)
    else this.close(CLOSE.protocol, 'this is no message of dat-relay-1')
  }
}

function ignore(): void {}
