import { DatError } from '../../base/errors.js'
import type { Report } from '../../base/events.js'
import { connect } from '../../transport/connector.js'
import type { Outlook } from '../../transport/outlook.js'
import type { Network, NetworkOptions, NoiseStream, Peer } from '../../transport/transport.js'
import { deadline } from '../deadline.js'
import type { Secrets } from './code.js'
import { asRecord } from './side.js'
import { Wire } from './wire.js'

const PURPOSE = 'meet'
/** Messages that may wait to be read. */
const MAX_WAITING = 32
/** How long the other computer may be away before it counts as gone, in ms. */
const GONE_MS = 8000
/** Streams that may be in their proof at once. */
const MAX_STRANGERS = 16
/** What the last words may take. */
const FAREWELL_MS = 400

/** A message of the other computer: its type is known, the rest is to be validated. */
export interface Message {
  type: string
  [field: string]: unknown
}

/**
 * The conversation of the two computers. They meet by every way that there is; while they talk, the connector may move
 * from one stream to a better one, and each end does so when it likes. So messages are numbered and acknowledged, and
 * what is not acknowledged is said again on the next stream.
 */
export class Control {
  readonly #secrets: Secrets
  readonly #wires = new Set<Wire>()
  readonly #seen = new WeakSet<NoiseStream>()
  readonly #unheard = new Map<number, Message>()
  readonly #inbox: Message[] = []
  readonly #gone = new AbortController()
  readonly #listeners = new Set<() => void>()
  #network: Network | null = null
  #leads = false
  #strangers = 0
  #current: Wire | null = null
  #other: Buffer | null = null
  #sent = 0
  #heard = 0
  #goneTimer: NodeJS.Timeout | undefined

  private constructor(secrets: Secrets) {
    this.#secrets = secrets
  }

  /**
   * Starts to look for the other computer. Resolves as soon as the local sockets are bound.
   * @throws DatError USAGE as `connect`
   */
  static async open(network: NetworkOptions, secrets: Secrets, report: Report): Promise<Control> {
    const control = new Control(secrets)
    control.#network = await connect({
      ...network,
      topic: secrets.topic(PURPOSE),
      report,
      onpeer: (peer, network) => control.#onpeer(peer, network)
    })
    return control
  }

  /** The way by which they talk now; null while they don't. */
  get peer(): Peer | null {
    return this.#current?.peer ?? null
  }

  /** Fires when the other computer was there, and is gone for good. */
  get gone(): AbortSignal {
    return this.#gone.signal
  }

  get outlook(): Outlook {
    return this.#network?.outlook ?? 'unknown'
  }

  /** Of the two this one asks, and the other answers; both come to the same result. Known once they have met. */
  get leads(): boolean {
    return this.#leads
  }

  /** Resolves when the other computer is there; false when the signal fires first. */
  met(signal: AbortSignal): Promise<boolean> {
    return this.#until(() => this.#current !== null, signal)
  }

  say(message: Message): void {
    this.#unheard.set(++this.#sent, message)
    this.#current?.send({ n: this.#sent, body: message })
  }

  /**
   * The next message of one of these types; what came before it is forgotten.
   * @param limit in ms
   * @throws DatError NO_PEER when it does not come
   */
  async next(types: readonly string[], limit: number, signal: AbortSignal): Promise<Message> {
    const ends = AbortSignal.any([signal, this.#gone.signal])
    const time = deadline(limit, ends)
    try {
      for (;;) {
        const came = await this.#until(() => this.#inbox.length > 0, time.signal)
        const message = came ? this.#inbox.shift() : undefined
        if (message && types.includes(message.type)) return message
        if (message) continue
        signal.throwIfAborted()
        const what = this.#gone.signal.aborted ? 'is gone' : 'says nothing more'
        throw new DatError('NO_PEER', `the other computer ${what}: the test was not finished`, {
          hint: 'run `dat doctor` there again, and use the new code'
        })
      }
    } finally {
      time.close()
    }
  }

  /** Waits until what was said has been heard, then ends the conversation. */
  async close(): Promise<void> {
    clearTimeout(this.#goneTimer)
    if (this.#current) {
      this.say({ type: 'bye' })
      const time = deadline(FAREWELL_MS, this.#gone.signal)
      await this.#until(() => this.#unheard.size === 0, time.signal)
      time.close()
    }
    clearTimeout(this.#goneTimer)
    await this.#network?.close()
  }

  #onpeer(peer: Peer, network: Network): void {
    const { stream } = peer
    if (this.#seen.has(stream)) return
    this.#seen.add(stream)
    const stranger = this.#other === null || !peer.publicKey.equals(this.#other)
    if (stranger && ++this.#strangers > MAX_STRANGERS) {
      stream.destroy()
      this.#strangers--
      return
    }
    if (stranger) stream.once('close', () => this.#strangers--)
    new Wire(peer, this.#secrets, PURPOSE, {
      onopen: (wire) => {
        network.trust(stream)
        this.#onopen(wire)
      },
      onclose: (wire) => this.#onclose(wire),
      onmessage: (value, wire) => this.#onmessage(value, wire),
      // There is nothing to measure here.
      onfiller: (_bytes, wire) => wire.destroy()
    })
  }

  #onopen(wire: Wire): void {
    const { publicKey, stream } = wire.peer
    this.#other ??= publicKey
    this.#leads = Buffer.compare(stream.publicKey, this.#other) < 0
    // A third computer with the same code, or the other one started again: this conversation is with the first.
    if (!this.#other.equals(wire.peer.publicKey)) {
      wire.destroy()
      return
    }
    this.#wires.add(wire)
    clearTimeout(this.#goneTimer)
    this.#use(wire)
  }

  #onclose(wire: Wire): void {
    if (!this.#wires.delete(wire) || this.#current !== wire) return
    const [next] = [...this.#wires].filter(({ open }) => open)
    if (next) {
      this.#use(next)
      return
    }
    this.#current = null
    clearTimeout(this.#goneTimer)
    this.#goneTimer = setTimeout(() => this.#lose(), GONE_MS)
  }

  #use(wire: Wire): void {
    this.#current = wire
    for (const [n, body] of this.#unheard) wire.send({ n, body })
    this.#notify()
  }

  #onmessage(value: unknown, wire: Wire): void {
    const { n, body, ack } = asRecord(value) ?? {}
    if (typeof ack === 'number') {
      this.#unheard.delete(ack)
      this.#notify()
      return
    }
    const message = asRecord(body)
    if (typeof n !== 'number' || typeof message?.type !== 'string') {
      wire.destroy()
      return
    }
    // Said again, or not its turn: the same will come again in order, on the next stream.
    if (n <= this.#heard) {
      wire.send({ ack: n })
      return
    }
    if (n !== this.#heard + 1 || this.#inbox.length >= MAX_WAITING) return
    this.#heard = n
    wire.send({ ack: n })
    if (message.type === 'bye') {
      this.#lose()
      return
    }
    this.#inbox.push(message as Message)
    this.#notify()
  }

  #lose(): void {
    this.#gone.abort(new Error('the other computer is gone'))
    this.#notify()
  }

  #notify(): void {
    for (const look of [...this.#listeners]) look()
  }

  #until(holds: () => boolean, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (result: boolean) => {
        this.#listeners.delete(look)
        signal.removeEventListener('abort', onabort)
        resolve(result)
      }
      const onabort = () => settle(holds())
      const look = () => {
        if (holds()) settle(true)
      }
      this.#listeners.add(look)
      signal.addEventListener('abort', onabort, { once: true })
      if (signal.aborted) onabort()
      else look()
    })
  }
}
