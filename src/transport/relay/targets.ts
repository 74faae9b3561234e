import { Backoff } from '../backoff.js'
import type { Member } from './protocol.js'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** The end with the higher key leaves it to the other to ask first: a second question would undo the first. */
const POLITE_MS = 400
/** A relay that says nothing about what it was asked for, is asked again: it announces a circuit at once. */
const SILENCE_MS = 6000
/** Questions that may be open at once. */
const MAX_ASKED = 8
const BUSY_MS = 500
/** Whoever was found in the DHT is given up after so many attempts, until found again. */
const MAX_TRIES = 3
/** A circuit that held for so long was good. */
const GOOD_MS = 10_000

export interface Target {
  key: Buffer
  /** The relay's name for a member of the topic; null for a peer of the DHT. */
  id: string | null
}

export interface TargetsOptions {
  /** Our own public key. */
  self: Buffer
  /** False while a peer is connected by this relay or a better way. */
  wants: (key: Buffer) => boolean
  /** Milliseconds to wait before asking, to let a direct way come first. */
  delay: () => number
  ask: (target: Target) => void
}

interface Entry extends Target {
  backoff: Backoff
  timer: NodeJS.Timeout | undefined
  /** Asked for, being connected, or connected. */
  busy: boolean
  tries: number
  /** No member any more. */
  gone: boolean
}

/** Asked for, without an answer so far. */
function isAsked({ busy, timer }: Entry): boolean {
  return busy && timer !== undefined
}

/** The peers that a relay knows of, and when to ask it for a circuit to each. */
export class Targets {
  readonly #options: TargetsOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: TargetsOptions) {
    this.#options = options
  }

  /** The list of all members of the topic. */
  members(list: readonly Member[]): void {
    const there = new Set(list.map(({ key }) => key.toString('hex')))
    for (const [name, entry] of this.#entries) {
      if (entry.id === null || there.has(name)) continue
      // Open questions count on, or a list that changes all the time would have us ask all the time.
      if (isAsked(entry)) entry.gone = true
      else this.#remove(name, entry)
    }
    for (const { key, id } of list) this.#add({ key, id })
  }

  /** Peers that announce themselves in the DHT. Who is a member too, is met here. */
  found(keys: readonly Buffer[]): void {
    for (const key of keys) if (!this.#entries.has(key.toString('hex'))) this.#add({ key, id: null })
  }

  get size(): number {
    return this.#entries.size
  }

  /** A circuit to this peer is being made, whoever asked for it. */
  begun(key: Buffer): void {
    const entry = this.#entries.get(key.toString('hex'))
    if (!entry) return
    clearTimeout(entry.timer)
    entry.timer = undefined
    entry.busy = true
  }

  /** No circuit to this peer is left. @param lasted milliseconds for which there was a stream */
  ended(key: Buffer, lasted: number): void {
    const name = key.toString('hex')
    const entry = this.#entries.get(name)
    if (!entry) return
    clearTimeout(entry.timer)
    entry.timer = undefined
    entry.busy = false
    entry.tries = lasted > 0 ? 0 : entry.tries + 1
    if (lasted > GOOD_MS) entry.backoff.reset()
    if (entry.gone || (entry.id === null && entry.tries >= MAX_TRIES)) this.#entries.delete(name)
    else this.#consider(name, entry, entry.backoff.next())
  }

  /** Asks for all that are wanted, now. */
  wake(): void {
    for (const [name, entry] of this.#entries) {
      if (entry.busy) continue
      entry.backoff.reset()
      this.#consider(name, entry, this.#polite(entry))
    }
  }

  clear(): void {
    for (const [name, entry] of this.#entries) this.#remove(name, entry)
  }

  #add({ key, id }: Target): void {
    if (key.equals(this.#options.self)) return
    const name = key.toString('hex')
    const known = this.#entries.get(name)
    if (known) known.gone = false
    if (known?.id === id) return
    const entry = known ?? {
      key,
      id,
      backoff: new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS),
      timer: undefined,
      busy: false,
      tries: 0,
      gone: false
    }
    // The same peer under a new name has come back: what it had is gone.
    entry.id = id
    this.#entries.set(name, entry)
    if (!entry.busy) this.#consider(name, entry, this.#options.delay() + this.#polite(entry))
  }

  #remove(name: string, entry: Entry): void {
    clearTimeout(entry.timer)
    this.#entries.delete(name)
  }

  #polite({ key, id }: Target): number {
    return id !== null && Buffer.compare(this.#options.self, key) > 0 ? POLITE_MS : 0
  }

  #consider(name: string, entry: Entry, wait: number): void {
    clearTimeout(entry.timer)
    entry.timer = undefined
    if (!this.#options.wants(entry.key)) return
    entry.timer = setTimeout(() => {
      entry.timer = undefined
      if (this.#entries.get(name) === entry) this.#ask(name, entry)
    }, wait)
  }

  #ask(name: string, entry: Entry): void {
    if (!this.#options.wants(entry.key)) return
    let asked = 0
    for (const one of this.#entries.values()) if (isAsked(one)) asked++
    if (asked >= MAX_ASKED) {
      this.#consider(name, entry, BUSY_MS)
      return
    }
    entry.busy = true
    entry.timer = setTimeout(() => this.ended(entry.key, 0), SILENCE_MS)
    this.#options.ask({ key: entry.key, id: entry.id })
  }
}
