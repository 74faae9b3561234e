import { timingSafeEqual } from 'node:crypto'
import { isLive } from '../../transport/streams.js'
import type { NoiseStream, Peer } from '../../transport/transport.js'
import type { Role, Secrets } from './code.js'

/** The first byte of a message says what it is. */
const Frame = { json: 0, filler: 1, ping: 2, pong: 3, end: 4 } as const

/** The longest JSON message, in bytes, and how many one stream may bring. */
const MAX_JSON = 32 * 1024
const MAX_MESSAGES = 300
/** How often the other end may ask for an echo, and how long it is. */
const MAX_PINGS = 50
const PING_BYTES = 5
/** Whoever has not proved to know the code in this time is a stranger. */
const PROOF_MS = 10_000
/** Of such a stranger nothing but a proof is read. */
const MAX_PROOF = 256

/** One piece of filler: small, so that a slow line shows more than a few of them. */
export const FILLER_BYTES = 16 * 1024

/** What the owner of a wire is told, once the other end has proved that it knows the code. */
export interface WireHandlers {
  onopen(wire: Wire): void
  onclose(wire: Wire): void
  /** Something that the other end sent: to be validated. */
  onmessage(value: unknown, wire: Wire): void
  onfiller(bytes: number, wire: Wire): void
  /** The filler is over. */
  onend?(wire: Wire): void
}

/**
 * A stream between two doctors. Nothing is said and nothing is heard before each end has proved that it knows the code;
 * the proof is bound to the handshake, so that nobody in the middle can pass it on.
 */
export class Wire {
  readonly peer: Peer
  readonly #stream: NoiseStream
  readonly #handlers: WireHandlers
  readonly #expected: Buffer
  readonly #pings = new Map<number, () => void>()
  readonly #late: NodeJS.Timeout
  #proved = false
  #messages = 0
  #pinged = 0
  #nextPing = 0

  constructor(peer: Peer, secrets: Secrets, purpose: string, handlers: WireHandlers) {
    this.peer = peer
    this.#stream = peer.stream
    this.#handlers = handlers
    const [own, other]: Role[] = this.#stream.isInitiator ? ['initiator', 'responder'] : ['responder', 'initiator']
    const hash = this.#stream.handshakeHash
    this.#expected = secrets.proof(purpose, other as Role, hash)
    this.#late = setTimeout(() => this.#stream.destroy(), PROOF_MS)
    this.#stream.on('error', ignore)
    this.#stream.on('data', (data: Buffer) => this.#receive(data))
    this.#stream.once('close', () => this.#closed())
    this.#send(
      Frame.json,
      Buffer.from(JSON.stringify({ proof: secrets.proof(purpose, own as Role, hash).toString('hex') }))
    )
  }

  /** The other end knows the code, and the stream can be used. */
  get open(): boolean {
    return this.#proved && isLive(this.#stream)
  }

  /** Packets that were sent and sent again so far, where the stream runs over UDP; null elsewhere. */
  get packets(): { sent: number; again: number } | null {
    const raw = this.#stream.rawStream as { packetsTransmitted?: number; retransmits?: number }
    const { packetsTransmitted: sent, retransmits: again } = raw
    return typeof sent === 'number' && typeof again === 'number' ? { sent, again } : null
  }

  send(value: object): void {
    if (this.open) this.#send(Frame.json, Buffer.from(JSON.stringify(value)))
  }

  /** The time until an echo, in ms; null if none came in time. */
  ping(limit: number, signal: AbortSignal): Promise<number | null> {
    const id = this.#nextPing++ % 0xffff
    const body = Buffer.alloc(PING_BYTES - 1)
    body.writeUInt32LE(id)
    const began = performance.now()
    return new Promise((resolve) => {
      const settle = (ms: number | null) => {
        clearTimeout(timer)
        signal.removeEventListener('abort', onabort)
        this.#pings.delete(id)
        resolve(ms)
      }
      const onabort = () => settle(null)
      const timer = setTimeout(onabort, limit)
      signal.addEventListener('abort', onabort, { once: true })
      if (signal.aborted || !this.open) return settle(null)
      this.#pings.set(id, () => settle(performance.now() - began))
      this.#send(Frame.ping, body)
    })
  }

  /**
   * Sends bytes that mean nothing, as fast as the stream takes them, until so many were sent or the time is up.
   * @param ms milliseconds
   */
  async fill(bytes: number, ms: number, signal: AbortSignal): Promise<void> {
    const chunk = Buffer.alloc(FILLER_BYTES, 0x55)
    chunk[0] = Frame.filler
    const until = performance.now() + ms
    for (let sent = 0; sent + chunk.length <= bytes; sent += chunk.length) {
      const left = until - performance.now()
      if (left <= 0 || signal.aborted || !this.open) break
      if (!this.#stream.write(chunk)) await this.#drained(left, signal)
    }
    if (this.open) this.#send(Frame.end, Buffer.alloc(0))
  }

  /** For whoever breaks the rules. */
  destroy(): void {
    this.#stream.destroy()
  }

  #send(kind: number, body: Uint8Array): void {
    if (isLive(this.#stream)) this.#stream.write(Buffer.concat([Uint8Array.of(kind), body]))
  }

  #receive(data: Buffer): void {
    if (!this.#proved) this.#prove(data)
    else if (!this.#take(data[0], data)) this.destroy()
  }

  /** @returns false for what is against the rules */
  #take(kind: number | undefined, data: Buffer): boolean {
    const body = data.subarray(1)
    switch (kind) {
      case Frame.json:
        if (body.length > MAX_JSON || ++this.#messages > MAX_MESSAGES) return false
        this.#handlers.onmessage(parse(body), this)
        return true
      case Frame.filler:
        this.#handlers.onfiller(data.length, this)
        return true
      case Frame.end:
        this.#handlers.onend?.(this)
        return true
      case Frame.ping:
        if (data.length !== PING_BYTES || ++this.#pinged > MAX_PINGS) return false
        this.#send(Frame.pong, body)
        return true
      case Frame.pong:
        if (data.length !== PING_BYTES) return false
        this.#pings.get(body.readUInt32LE())?.()
        return true
      default:
        return false
    }
  }

  #prove(data: Buffer): void {
    const value = data[0] === Frame.json && data.length <= MAX_PROOF ? parse(data.subarray(1)) : null
    const { proof } = (value ?? {}) as { proof?: unknown }
    const given = Buffer.from(typeof proof === 'string' ? proof : '', 'hex')
    if (given.length !== this.#expected.length || !timingSafeEqual(given, this.#expected)) {
      this.destroy()
      return
    }
    clearTimeout(this.#late)
    this.#proved = true
    this.#handlers.onopen(this)
  }

  #closed(): void {
    clearTimeout(this.#late)
    if (this.#proved) this.#handlers.onclose(this)
  }

  #drained(limit: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        clearTimeout(timer)
        this.#stream.off('drain', settle)
        this.#stream.off('close', settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      const timer = setTimeout(settle, limit)
      this.#stream.on('drain', settle)
      this.#stream.on('close', settle)
      signal.addEventListener('abort', settle, { once: true })
    })
  }
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString())
  } catch {
    return null
  }
}

function ignore(): void {}
