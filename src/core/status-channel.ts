import c from 'compact-encoding'
import Protomux, { type Message } from 'protomux'
import type { Peer } from '../transport/transport.js'
import type { OwnerClaim } from './ownership.js'

/**
 * What two dats tell each other beside the data, on a Protomux channel of the same stream: whether the other has
 * everything. Hypercore does not say it when parts of the history are left out. docs/storage-format.md, "On the wire".
 */
export const STATUS_PROTOCOL = 'dat/status/1'
/** The longest message, in bytes: two small fields in JSON. */
const MAX_MESSAGE_BYTES = 1024
const ACK_MS = 1500

export interface PeerStatus {
  /** Of the drive. */
  version: number
  /** Everything that was asked for is there, up to `version`. */
  complete: boolean
}

/** What a peer may say, unchecked but for its form. */
type Said = PeerStatus | 'ack' | { owner: unknown }

export interface StatusHandlers {
  onstatus(peer: Peer, status: PeerStatus): void
  /** What an owner says of itself, once to each peer; null for everybody else. */
  claim?(peer: Peer): OwnerClaim | null
  /** What a peer says of itself, unchecked. */
  onclaim?(peer: Peer, claim: unknown): void
}

interface Open {
  message: Message<Uint8Array>
  acked: (() => void) | null
}

/** The status channels to all peers. */
export class StatusChannels {
  readonly #handlers: StatusHandlers
  readonly #open = new Map<Peer, Open>()
  #own: PeerStatus | null = null

  constructor(handlers: StatusHandlers) {
    this.#handlers = handlers
  }

  add(peer: Peer): void {
    const channel = Protomux.from(peer.stream).createChannel({
      protocol: STATUS_PROTOCOL,
      onopen: () => {
        const owner = this.#handlers.claim?.(peer)
        if (owner) this.#open.get(peer)?.message.send(encode({ owner }))
        this.#send(peer)
      },
      onclose: () => this.#open.delete(peer)
    })
    if (!channel) return
    const message = channel.addMessage<Uint8Array>({
      encoding: c.raw,
      onmessage: (data) => this.#receive(peer, readStatus(data))
    })
    this.#open.set(peer, { message, acked: null })
    channel.open()
  }

  /** Tells all peers, now and when they come. */
  set(status: PeerStatus): void {
    this.#own = status
    for (const peer of this.#open.keys()) this.#send(peer)
  }

  /** Waits until the peers that are there have heard of the status, for at most a second and a half. */
  async delivered(): Promise<void> {
    const waiting = [...this.#open.values()].map((open) => {
      return new Promise<void>((resolve) => {
        open.acked = resolve
      })
    })
    for (const peer of this.#open.keys()) this.#send(peer)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ACK_MS)
    })
    // One that heard of it is enough: a peer without this channel would never answer.
    if (waiting.length > 0) await Promise.race([Promise.any(waiting), timeout])
    clearTimeout(timer)
  }

  #send(peer: Peer): void {
    if (this.#own) this.#open.get(peer)?.message.send(encode(this.#own))
  }

  #receive(peer: Peer, message: Said | null): void {
    if (typeof message === 'object' && message !== null && 'owner' in message) {
      this.#handlers.onclaim?.(peer, message.owner)
      return
    }
    const open = this.#open.get(peer)
    if (message === 'ack') {
      open?.acked?.()
      return
    }
    if (!message) return
    this.#handlers.onstatus(peer, message)
    open?.message.send(encode({ ack: true }))
  }
}

/** Reads a message of another; null if it is none. */
export function readStatus(data: Uint8Array): Said | null {
  let value: unknown
  try {
    const state = { buffer: data, start: 0, end: data.byteLength }
    value = data.byteLength > MAX_MESSAGE_BYTES ? null : JSON.parse(c.utf8.decode(state))
  } catch {
    return null
  }
  const { version, complete, ack, owner } = (value ?? {}) as Record<string, unknown>
  if (owner !== undefined) return { owner }
  if (ack === true) return 'ack'
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || typeof complete !== 'boolean') return null
  return { version, complete }
}

/** JSON, with its length in front. */
function encode(message: PeerStatus | { ack: true } | { owner: OwnerClaim }): Uint8Array {
  return c.encode(c.utf8, JSON.stringify(message))
}
