import { addressGroup } from './address-group.js'
import { isLive, unsent } from './streams.js'
import type { NoiseStream } from './transport.js'

/** Strangers at once: in total, and from one address. Who has the link proves it within two round trips. */
const MAX_STRANGERS = 128
const MAX_STRANGERS_EACH = 32
/** Time to prove to know the link, once the handshake is over. */
const PROOF_MS = 20_000
/** What a stranger may send in one message, and altogether: openings of channels take about 100 bytes each. */
const STRANGER_MESSAGE_BYTES = 64 * 1024
const STRANGER_BYTES = 256 * 1024
/**
 * What may wait for a peer that does not read. Whoever keeps to the protocol stops answering long before: at most one
 * batch of blocks (8 MiB), or one block of another program (16 MiB), is on its way.
 */
const MAX_UNSENT_BYTES = 32 * 1024 * 1024
const MAX_UNSENT_MESSAGES = 64 * 1024

/** What secret-stream knows of the message that is arriving. */
interface Parser {
  readonly _len: number
}

interface Stranger {
  group: string
  evict: () => void
}

/** A stream that was let in, as long as it has not proved that it knows the link. */
interface Watched {
  known: boolean
  leave: () => void
}

/**
 * Whoever finds a port, or the topic in the DHT, can connect and complete a handshake: that takes no link. The gate
 * bounds what such strangers can take up, on all transports together, until they have proved that they know the link,
 * and what anyone can make us keep in memory after that. Where strangers are too many, the oldest has to go, not the
 * newest: a peer with the link needs a moment only, so it gets in even while others hold all the places.
 */
export class Gate {
  readonly #longest: number
  readonly #groups = new Map<string, Set<Stranger>>()
  readonly #watched = new WeakMap<NoiseStream, Watched>()
  #total = 0

  /** @param longest the longest message that a peer may send, in bytes */
  constructor(longest: number) {
    this.#longest = longest
  }

  /** Strangers that are here now. */
  get strangers(): number {
    return this.#total
  }

  /**
   * Counts a stranger, and sends the oldest away where there are too many.
   * @param address as a socket names it; null where it says nothing about who it is
   * @param evict to be called when this one has to go
   * @returns a function that ends the counting, to be called as often as one likes
   */
  admit(address: string | null, evict: () => void): () => void {
    const group = address === null ? '' : addressGroup(address)
    const stranger = { group, evict }
    const mine = this.#groups.get(group)
    if (mine && group !== '' && mine.size >= MAX_STRANGERS_EACH) this.#evictOldest(mine)
    if (this.#total >= MAX_STRANGERS) this.#evictOldest(this.#largest)
    const set = this.#groups.get(group) ?? new Set()
    this.#groups.set(group, set.add(stranger))
    this.#total++
    return () => this.#leave(stranger)
  }

  /** Watches a stream whose handshake is over. @param address as for `admit` */
  watch(stream: NoiseStream, address: string | null): void {
    const timer = setTimeout(() => stream.destroy(new Error('it does not know the link')), PROOF_MS)
    timer.unref()
    const left = this.admit(address, () => stream.destroy(new Error('too many strangers')))
    const leave = () => {
      clearTimeout(timer)
      left()
    }
    const watched = { known: false, leave }
    this.#watched.set(stream, watched)
    stream.once('close', leave)
    let heard = 0
    stream.rawStream.on('data', (data: Uint8Array) => {
      heard += data.byteLength
      if (isLive(stream) && !this.#behaves(stream, watched, heard)) stream.destroy(new Error('it sends too much'))
    })
  }

  /** The other end of this stream has proved that it knows the link. */
  trust(stream: NoiseStream): void {
    const watched = this.#watched.get(stream)
    if (!watched) return
    watched.known = true
    watched.leave()
  }

  #behaves(stream: NoiseStream, { known }: Watched, heard: number): boolean {
    if (!known && heard > STRANGER_BYTES) return false
    // The length stands before a message: it is known before anything of that size is kept.
    const { _len: length } = stream as unknown as Parser
    if (length > (known ? this.#longest : STRANGER_MESSAGE_BYTES)) return false
    const { bytes, messages } = unsent(stream)
    return bytes <= (known ? MAX_UNSENT_BYTES : STRANGER_BYTES) && messages <= MAX_UNSENT_MESSAGES
  }

  get #largest(): Set<Stranger> {
    return [...this.#groups.values()].reduce((a, b) => (b.size > a.size ? b : a))
  }

  #evictOldest(group: Set<Stranger>): void {
    const [oldest] = group
    if (!oldest) return
    this.#leave(oldest)
    oldest.evict()
  }

  #leave(stranger: Stranger): void {
    const set = this.#groups.get(stranger.group)
    if (!set?.delete(stranger)) return
    this.#total--
    if (set.size === 0) this.#groups.delete(stranger.group)
  }
}
