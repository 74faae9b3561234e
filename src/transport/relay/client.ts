import { Alarm } from '../alarm.js'
import { Backoff } from '../backoff.js'
import { formatHostPort } from '../host-port.js'
import type { DhtEvidence } from '../outlook.js'
import type { Candidate, KeyPair, RelayAccess } from '../transport.js'
import { Circuit } from './circuit.js'
import { Control } from './control.js'
import type { ClientMessage, RelayMessage } from './protocol.js'
import { type Target, Targets } from './targets.js'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** The relay looks for us this often at first, and ever more seldom: it is other people's network. */
const FIRST_LOOK_MS = 3000
const LONGEST_LOOK_MS = 60_000
/** How often it is considered whether the relay should look. */
const CONSIDER_MS = 500
/** Circuits at once, with those that others ask for. */
const MAX_CIRCUITS = 256
/** The same while they are being made. */
const MAX_PENDING = 16

export interface RelayClientOptions {
  url: string
  access: RelayAccess
  topic: Buffer
  keyPair: KeyPair
  /** False while a peer is connected by a relay or a better way. */
  wants: (publicKey: Buffer) => boolean
  /** Milliseconds to leave to direct ways before a peer is connected by the relay. */
  delay: () => number
  /** Milliseconds from the start that our own DHT gets to answer before the relay is asked to look there. */
  lookAfter: number
  /** True while there is no peer, and our own DHT leads to none: then the relay is to look there. */
  stranded: () => boolean
  oncandidate: (candidate: Candidate) => void
  /** The relay has let us in, or was lost, or its blind relay has come or gone. */
  onchange: () => void
  /** Called after each attempt that failed. The message is for a person. */
  onfailure: (error: Error) => void
}

/** Meets peers at one relay, for ever: connects again when it was lost, and asks for circuits to those who are there. */
export class RelayClient {
  readonly url: string
  readonly #options: RelayClientOptions
  readonly #since = performance.now()
  readonly #address: string
  readonly #targets: Targets
  readonly #circuits = new Map<string, Circuit>()
  readonly #backoff = new Backoff(FIRST_WAIT_MS, LONGEST_WAIT_MS)
  readonly #looks = new Backoff(FIRST_LOOK_MS, LONGEST_LOOK_MS)
  readonly #alarm = new Alarm()
  readonly #abort = new AbortController()
  #control: Control | null = null
  #joined: Extract<RelayMessage, { type: 'joined' }> | null = null
  #lookTimer: NodeJS.Timeout | undefined
  #emptyLookups = 0

  constructor(options: RelayClientOptions) {
    this.#options = options
    this.url = options.url
    const { hostname, port, protocol } = new URL(options.url)
    this.#address = formatHostPort(hostname.replace(/^\[|\]$/g, ''), Number(port) || (protocol === 'wss:' ? 443 : 80))
    this.#targets = new Targets({
      self: options.keyPair.publicKey,
      wants: options.wants,
      delay: options.delay,
      ask: (target) => this.#ask(target)
    })
    void this.#run()
  }

  /** True while the relay lets us in. */
  get up(): boolean {
    return this.#joined !== null
  }

  /** The key of its blind relay for UDP in the DHT; null for none. */
  get blind(): Buffer | null {
    return this.#joined?.blind ?? null
  }

  /** What the relay has shown so far. */
  get evidence(): DhtEvidence & { met: boolean } {
    return { answered: this.up, emptyLookups: this.#emptyLookups, met: this.#targets.size > 0 }
  }

  /** Connects to all who are wanted and to the relay, now. */
  wake(): void {
    this.#backoff.reset()
    this.#looks.reset()
    if (this.#joined) {
      this.#targets.wake()
      this.#lookAfter(0)
    } else this.#alarm.ring()
  }

  close(): void {
    this.#alarm.close()
    this.#leave()
    // Ends the control socket too.
    this.#abort.abort()
    for (const circuit of [...this.#circuits.values()]) circuit.close()
  }

  async #run(): Promise<void> {
    while (!this.#alarm.closed) {
      const error = await this.#session()
      if (this.#alarm.closed) return
      if (this.#joined) this.#backoff.reset()
      this.#leave()
      this.#options.onfailure(error)
      await this.#alarm.sleep(this.#backoff.next())
    }
  }

  /** Resolves when it is over, with the reason. */
  async #session(): Promise<Error> {
    const { access, topic, keyPair } = this.#options
    const { signal } = this.#abort
    const onmessage = (message: RelayMessage) => this.#receive(message)
    try {
      this.#control = await Control.open({ url: this.url, access, topic, key: keyPair.publicKey, signal, onmessage })
      return await this.#control.closed
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  #leave(): void {
    const was = this.up
    this.#joined = null
    this.#control = null
    clearTimeout(this.#lookTimer)
    this.#targets.clear()
    for (const circuit of [...this.#circuits.values()]) circuit.fail()
    if (was && !this.#alarm.closed) this.#options.onchange()
  }

  #say(message: ClientMessage): void {
    this.#control?.say(message)
  }

  #receive(message: RelayMessage): void {
    if (this.#alarm.closed) return
    switch (message.type) {
      case 'joined':
        this.#joined = message
        this.#lookAfter(Math.max(0, this.#options.lookAfter - (performance.now() - this.#since)))
        this.#options.onchange()
        break
      case 'blind':
        if (this.#joined) this.#joined = { ...this.#joined, blind: message.key }
        this.#options.onchange()
        break
      case 'members':
        this.#targets.members(message.members)
        break
      case 'found':
        this.#targets.found(message.keys)
        this.#emptyLookups = this.#targets.size > 0 ? 0 : this.#emptyLookups + 1
        break
      case 'circuit':
        this.#begin(message)
        break
      case 'noise':
        this.#circuits.get(message.circuit.toString('hex'))?.noise(message.step, message.data)
        break
      case 'open':
        this.#circuits.get(message.circuit.toString('hex'))?.open()
        break
      case 'failed':
        if (message.circuit) this.#circuits.get(message.circuit.toString('hex'))?.fail()
        else if (!this.#connecting(message.key)) this.#targets.ended(message.key, 0)
    }
  }

  #ask({ key, id }: Target): void {
    this.#say(id === null ? { type: 'dial', key } : { type: 'connect', id })
  }

  #begin(message: Extract<RelayMessage, { type: 'circuit' }>): void {
    const name = message.circuit.toString('hex')
    const pending = [...this.#circuits.values()].filter(({ isUp }) => !isUp).length
    const full = pending >= MAX_PENDING || this.#circuits.size >= MAX_CIRCUITS || this.#circuits.has(name)
    // A bridge leads to whom we asked for; what we did not ask for is a trick.
    if (full || (message.bridge && !message.initiator)) {
      this.#say({ type: 'drop', circuit: message.circuit })
      return
    }
    const { url, access, keyPair, oncandidate } = this.#options
    this.#targets.begun(message.key)
    const circuit = new Circuit({
      url,
      access,
      keyPair,
      message,
      lanes: this.#joined?.lanes ?? 1,
      say: (answer) => this.#say(answer),
      onstream: (stream) => oncandidate({ stream, route: 'relay', address: this.#address }),
      onclose: (lasted) => {
        this.#circuits.delete(name)
        if (!this.#connecting(message.key)) this.#targets.ended(message.key, lasted)
      }
    })
    this.#circuits.set(name, circuit)
  }

  #connecting(key: Buffer): boolean {
    return [...this.#circuits.values()].some((circuit) => circuit.key.equals(key))
  }

  /** Has the relay look into the DHT for us, as long as that is the only way. */
  #lookAfter(ms: number): void {
    clearTimeout(this.#lookTimer)
    if (!this.#joined?.dht) return
    this.#lookTimer = setTimeout(() => {
      const stranded = this.#options.stranded()
      if (stranded) this.#say({ type: 'look' })
      this.#lookAfter(stranded ? this.#looks.next() : CONSIDER_MS)
    }, ms)
  }
}
