import type { Packet, Sender } from 'multicast-dns'
import { Dial } from './dial.js'
import type { Gate } from './gate.js'
import { type Announcement, announce, asksFor, instanceId, instanceName, readAnnouncement } from './lan-records.js'
import { type Member, Multicast } from './multicast.js'
import { interfacesToUse, MDNS_PORT } from './multicast-socket.js'
import { listenTcp, type TcpListener } from './tcp.js'
import type { Candidate, KeyPair } from './transport.js'

/** When to ask, in milliseconds after the start; then every SLOW_MS. */
const ASK_AT_MS = [0, 250, 1000, 3000, 10_000]
const SLOW_MS = 60_000
/** Answers to many questions at once are one answer. */
const ANSWER_GAP_MS = 100
/** Both ends hear of each other; one dials at once, the other after this time, in case only it can get through. */
const SECOND_DIALLER_MS = 400
/** What announces itself is not proven to exist, so memory and dialling have a limit. */
const MAX_TARGETS = 128
const FAILURES_UNTIL_FORGOTTEN = 5
const WAKE_GAP_MS = 1000

export interface LanOptions {
  topic: Buffer
  keyPair: KeyPair
  /** Address of the one interface to use; null for all. */
  interface: string | null
  /** True while the process with this id is connected by the local network. */
  covered: (id: string) => boolean
  gate: Gate
  oncandidate: (candidate: Candidate) => void
  onchange: (up: boolean) => void
}

interface Target {
  dial: Dial
  /** When it was heard last, in milliseconds of the monotonic clock. */
  seen: number
  saidGoodbye: boolean
}

/** Finds peers on the local network by multicast DNS, and connects to them by TCP. */
export class Lan {
  readonly #options: LanOptions
  readonly #name: string
  readonly #id: string
  readonly #listener: TcpListener
  readonly #targets = new Map<string, Target>()
  readonly #answered = new WeakMap<Member, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #multicast: Multicast | null = null
  #closed = false

  private constructor(options: LanOptions, listener: TcpListener) {
    this.#options = options
    this.#listener = listener
    this.#name = instanceName(options.topic)
    this.#id = instanceId(options.keyPair.publicKey)
  }

  /** Resolves when the local sockets are bound; never waits for an answer. Without multicast `up` stays false. */
  static async open(options: LanOptions): Promise<Lan> {
    const listener = await listenTcp({
      // A link-local IPv6 address needs its zone.
      host: options.interface === null ? '' : (interfacesToUse(options.interface)[0]?.address ?? options.interface),
      port: 0,
      keyPair: options.keyPair,
      route: 'lan',
      gate: options.gate,
      oncandidate: options.oncandidate
    })
    const lan = new Lan(options, listener)
    lan.#multicast = await Multicast.open({
      interface: options.interface,
      onquery: (packet, from, member) => lan.#onquery(packet, from, member),
      onresponse: (packet, from) => lan.#onannouncement(packet, from),
      onmember: (member) => lan.#ask(member),
      onchange: options.onchange
    })
    lan.#askAgain()
    return lan
  }

  get up(): boolean {
    return this.#multicast?.up ?? false
  }

  /** A process with the share announces itself here. */
  get nearby(): boolean {
    return [...this.#targets.values()].some(({ saidGoodbye }) => !saidGoodbye)
  }

  /** Asks again and dials everyone again, now. */
  refresh(): void {
    if (this.#closed) return
    for (const { dial } of this.#targets.values()) dial.wake()
    void this.#multicast?.rescan()
    this.#askAgain()
  }

  /** Dials those again that have lost their connection. */
  wake(): void {
    for (const { dial } of this.#targets.values()) dial.wake()
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const { dial } of this.#targets.values()) dial.close()
    this.#targets.clear()
    await Promise.all([this.#listener.close(), this.#multicast?.close({ answers: this.#records(true) })])
  }

  #records(goodbye: boolean) {
    return announce(this.#name, { id: this.#id, port: this.#listener.port, goodbye })
  }

  #askAgain(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    for (const wait of ASK_AT_MS) this.#later(wait, () => this.#askAll())
    const slowly = (): void => {
      this.#askAll()
      this.#later(SLOW_MS * (0.9 + Math.random() / 5), slowly)
    }
    this.#later(SLOW_MS, slowly)
  }

  #later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#closed) work()
    }, ms)
    timer.unref()
    this.#timers.add(timer)
  }

  #askAll(): void {
    for (const member of this.#multicast?.members ?? []) this.#ask(member)
  }

  /** The question carries our own announcement, so that whoever hears it knows us without asking back. */
  #ask(member: Member): void {
    member.query({ questions: [{ name: this.#name, type: 'SRV' }], additionals: this.#records(false) })
  }

  #onquery(packet: Packet, from: Sender, member: Member): void {
    if (this.#closed || !asksFor(this.#name, packet)) return
    if (readAnnouncement(this.#name, packet)?.id === this.#id) return
    this.#onannouncement(packet, from)
    const now = performance.now()
    const due = (this.#answered.get(member) ?? Number.NEGATIVE_INFINITY) + ANSWER_GAP_MS
    // An answer that is on its way serves this question too.
    if (due > now + ANSWER_GAP_MS) return
    const wait = Math.max(0, due - now)
    this.#answered.set(member, now + wait)
    const answer = () => void member.respond({ answers: this.#records(false) }, from.port === MDNS_PORT ? null : from)
    if (wait === 0) answer()
    else this.#later(wait, answer)
  }

  #onannouncement(packet: Packet, from: Sender): void {
    const found = readAnnouncement(this.#name, packet)
    if (this.#closed || !found || found.id === this.#id) return
    const known = this.#targets.get(found.id)
    if (!found.goodbye) this.#meet(found, from)
    // Anyone can say goodbye in another's name, so a connection that works is left alone.
    else if (known) known.saidGoodbye = true
  }

  /** Only the address that the packet came from is dialled: an announcement cannot point us at a third party. */
  #meet({ id, port }: Announcement, from: Sender): void {
    const to = { host: from.address, port }
    const known = this.#targets.get(id)
    const now = performance.now()
    if (known) {
      known.dial.add(to)
      if (known.dial.failures > 0 && now - known.seen > WAKE_GAP_MS) known.dial.wake()
      known.seen = now
      known.saidGoodbye = false
      return
    }
    if (this.#targets.size >= MAX_TARGETS && !this.#makeRoom()) return
    const dial = new Dial(to, {
      keyPair: this.#options.keyPair,
      route: 'lan',
      delay: this.#id < id ? 0 : SECOND_DIALLER_MS,
      covered: () => this.#options.covered(id),
      oncandidate: (candidate) => {
        // Another process took over its port; the one that was announced is gone.
        if (instanceId(candidate.stream.remotePublicKey) !== id) this.#forget(id)
        this.#options.oncandidate(candidate)
      },
      onfailure: (_to, _error, failures) => {
        const target = this.#targets.get(id)
        const silent = performance.now() - (target?.seen ?? 0) > 2 * SLOW_MS
        if (target?.saidGoodbye || (failures >= FAILURES_UNTIL_FORGOTTEN && silent)) this.#forget(id)
      }
    })
    this.#targets.set(id, { dial, seen: now, saidGoodbye: false })
  }

  #forget(id: string): void {
    const target = this.#targets.get(id)
    if (!target) return
    this.#targets.delete(id)
    target.dial.close()
  }

  /** Drops one that could not be reached. */
  #makeRoom(): boolean {
    for (const [id, { dial }] of this.#targets) {
      if (dial.failures === 0 || this.#options.covered(id)) continue
      this.#forget(id)
      return true
    }
    return false
  }
}
