import { Backoff } from './backoff.js'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** For how long a lost peer is dialled by its key. A new process has a new key, which the topic leads to. */
const REDIAL_MS = 10 * 60_000
const REDIAL_CLEAN_MS = 30_000
const MAX_KNOWN = 1000

interface LostPeer {
  publicKey: Buffer
  backoff: Backoff
  until: number
  timer: NodeJS.Timeout | undefined
}

export interface RedialsOptions {
  /** False while a peer has a connection that is good enough. */
  wants: (publicKey: Buffer) => boolean
  dial: (publicKey: Buffer) => void
  /** It is not dialled any more. */
  ongiveup: (publicKey: Buffer) => void
}

/** Peers that were connected once: who is lost is dialled again, with growing waits. */
export class Redials {
  readonly #options: RedialsOptions
  readonly #known = new Map<string, Buffer>()
  readonly #lost = new Map<string, LostPeer>()
  #closed = false

  constructor(options: RedialsOptions) {
    this.#options = options
  }

  /** True while this peer is being dialled again and again. */
  has(publicKey: Buffer): boolean {
    return this.#lost.has(publicKey.toString('hex'))
  }

  /** A peer is connected. */
  found(publicKey: Buffer): void {
    const key = publicKey.toString('hex')
    this.#known.delete(key)
    this.#known.set(key, publicKey)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break
      this.#known.delete(oldest)
    }
    const peer = this.#lost.get(key)
    if (peer) this.#giveUp(key, peer)
  }

  /** Dials a peer that has no stream left, if it was found once. @param clean it left in good order */
  lost(publicKey: Buffer, clean: boolean): void {
    const key = publicKey.toString('hex')
    if (!this.#known.has(key) || this.#lost.has(key) || this.#closed) return
    const peer: LostPeer = {
      publicKey,
      backoff: new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS),
      until: performance.now() + (clean ? REDIAL_CLEAN_MS : REDIAL_MS),
      timer: undefined
    }
    this.#lost.set(key, peer)
    peer.timer = setTimeout(() => this.#dial(key, peer), peer.backoff.next())
  }

  /** Dials all that are lost, now. */
  wake(): void {
    for (const [key, peer] of this.#lost) {
      clearTimeout(peer.timer)
      peer.backoff.reset()
      peer.until = performance.now() + REDIAL_MS
      this.#dial(key, peer)
    }
  }

  close(): void {
    this.#closed = true
    for (const { timer } of this.#lost.values()) clearTimeout(timer)
    this.#lost.clear()
  }

  #dial(key: string, peer: LostPeer): void {
    if (!this.#options.wants(peer.publicKey) || performance.now() > peer.until) {
      this.#giveUp(key, peer)
      return
    }
    this.#options.dial(peer.publicKey)
    peer.timer = setTimeout(() => this.#dial(key, peer), peer.backoff.next())
  }

  #giveUp(key: string, peer: LostPeer): void {
    clearTimeout(peer.timer)
    this.#lost.delete(key)
    this.#options.ongiveup(peer.publicKey)
  }
}
