import c from 'compact-encoding'
import Protomux, { type Channel, type Message } from 'protomux'
import type { NoiseStream } from '../transport/transport.js'
import type { Refusal } from './invite-journal.js'

/**
 * How invites are used, on a Protomux channel of a stream on which nothing has been proved yet. Requests and their
 * answers are sealed by `blind-pairing-core`. Both ends may ask: there is one message for requests, and one for all that
 * is said by who may be asked. docs/storage-format.md, "On the wire".
 */
export const INVITE_PROTOCOL = 'dat/invite/1'
/** The longest message, in bytes. */
export const MAX_INVITE_MESSAGE = 2048

/** What is answered to a request. */
export interface Answer {
  /** For who has the invite; null when nobody here knows it. */
  sealed: Buffer | null
  /** Of a refusal, and as far to be trusted as it is: when the invite expired. */
  date: number | null
}

/** What is said without being asked, and no more to be trusted than whoever says it. */
export type Told =
  | ({ type: 'answer' } & Answer)
  /** Nobody is served here but who has an invite. `owner` is what an owner says of itself, unchecked. */
  | { type: 'gated'; owner: unknown }
  /** Who was let in on this stream is served no more. */
  | { type: 'over'; why: Refusal; date: number | null }

const WHY: ReadonlySet<unknown> = new Set<Refusal>(['revoked', 'expired', 'used'])
const channels = new WeakMap<NoiseStream, InviteChannel>()

/** The channel of a stream: one for all who use it at this end, one after the other. */
export class InviteChannel {
  onrequest: (data: Uint8Array) => void = ignore
  ontold: (told: Told) => void = ignore
  readonly #mux: Protomux
  #channel: Channel | null = null
  #requests: Message<Uint8Array> | null = null
  #answers: Message<Uint8Array> | null = null

  private constructor(stream: NoiseStream) {
    this.#mux = Protomux.from(stream)
    this.#mux.pair({ protocol: INVITE_PROTOCOL }, () => this.#open())
  }

  /** The channel of this stream. It opens with the first word that either end has to say. */
  static of(stream: NoiseStream): InviteChannel {
    const known = channels.get(stream)
    if (known) return known
    const channel = new InviteChannel(stream)
    channels.set(stream, channel)
    return channel
  }

  request(data: Uint8Array): void {
    this.#open()
    this.#requests?.send(data)
  }

  tell(told: Told): void {
    this.#open()
    this.#answers?.send(encodeTold(told))
  }

  close(): void {
    this.#channel?.close()
  }

  /** Once: an end that closed it has no more to say, and wants to hear no more. */
  #open(): void {
    if (this.#channel) return
    const channel = this.#mux.createChannel({ protocol: INVITE_PROTOCOL })
    if (!channel) return
    this.#channel = channel
    this.#requests = this.#message((data) => this.onrequest(data))
    this.#answers = this.#message((data) => {
      const told = readTold(data)
      if (told) this.ontold(told)
      else this.#mux.stream.destroy(new Error('that is no answer'))
    })
    channel.open()
  }

  #message(onmessage: (data: Uint8Array) => void): Message<Uint8Array> | null {
    const take = (data: Uint8Array): void => {
      if (data.byteLength > MAX_INVITE_MESSAGE) this.close()
      else onmessage(data)
    }
    return this.#channel?.addMessage<Uint8Array>({ encoding: c.raw, onmessage: take }) ?? null
  }
}

export function encodeTold(told: Told): Uint8Array {
  const fields = told.type === 'answer' ? { ...told, sealed: told.sealed?.toString('base64') ?? null } : told
  return Buffer.from(JSON.stringify(fields))
}

/** Reads what the other end says; null if it is nothing that could be said. */
export function readTold(data: Uint8Array): Told | null {
  let value: unknown
  try {
    value = data.byteLength > MAX_INVITE_MESSAGE ? null : JSON.parse(Buffer.from(data).toString())
  } catch {
    return null
  }
  const { type, sealed, date: given, owner = null, why } = (value ?? {}) as Record<string, unknown>
  // Years that a Date can hold, and no others.
  const valid = typeof given === 'number' && Number.isSafeInteger(given) && given >= 0 && given < 8.64e15
  const date = valid ? given : null
  if (type === 'gated') return { type, owner }
  if (type === 'over') return WHY.has(why) ? { type, why: why as Refusal, date } : null
  if (type !== 'answer' || (sealed !== null && typeof sealed !== 'string')) return null
  return { type, sealed: sealed === null ? null : Buffer.from(sealed, 'base64'), date }
}

function ignore(): void {}
