import { randomBytes } from 'node:crypto'
import pairing from 'blind-pairing-core'
import type { NoiseStream, Peer } from '../transport/transport.js'
import type { OpenDrive } from './drive.js'
import { InviteChannel, type Told } from './invite-channel.js'
import type { Refusal } from './invite-journal.js'
import { isGated, type Redeemer, seedOf, signUse } from './invite-proof.js'
import { survive } from './peer-limits.js'
import { savedInvite } from './saved-invite.js'

export interface AskerOptions {
  /** Of the invite. */
  secret: Buffer
  topic: Buffer
  redeemer: Redeemer
  /** It was let in before, and has the key. */
  again: boolean
  /** What was said last: that who is invited serves nobody. */
  gated: boolean
}

/** What becomes of requests. */
export interface AskerEvents {
  /** The key is that of the topic, or it would be no acceptance. */
  onaccepted(peer: Peer, key: Buffer): void
  /** @param date when it expired, in milliseconds since 1970; null where nobody said so */
  onrefused(peer: Peer, why: Refusal, date: number | null): void
  /** Somebody who may be asked does not know the invite. */
  onunknown(peer: Peer): void
  /** Nobody is served there without an invite. @param owner what an owner says of itself, unchecked */
  ongated(peer: Peer, owner: unknown): void
}

/** Has an invite, and asks to be let in by it: once on each stream. */
export class InviteAsker {
  /** Who is told: first who waits for the key, then who serves what it opens. */
  events: AskerEvents = NOBODY
  readonly #options: AskerOptions
  readonly #asked = new WeakSet<NoiseStream>()
  readonly #accepted = new WeakSet<NoiseStream>()
  #again: boolean
  #gated: boolean

  constructor(options: AskerOptions) {
    this.#options = options
    this.#again = options.again
    this.#gated = options.gated
  }

  /** Whether who was invited is served by the sharer alone, and serves nobody. */
  get gated(): boolean {
    return this.#gated
  }

  /** Whether this end was let in on this stream, and still is. */
  accepted(stream: NoiseStream): boolean {
    return this.#accepted.has(stream)
  }

  /** Listens to what the other end says by itself, and asks where it wants to be asked. */
  meet(peer: Peer): void {
    if (this.#asked.has(peer.stream)) return
    const channel = InviteChannel.of(peer.stream)
    channel.ontold = (told) => this.#told(peer, told)
  }

  ask(peer: Peer): void {
    const { stream } = peer
    if (this.#asked.has(stream)) return
    this.#asked.add(stream)
    survive(stream)
    const { secret, topic, redeemer } = this.#options
    const use = signUse(stream, redeemer, this.#again)
    if (!use) return
    const about = { seed: seedOf(secret), discoveryKey: topic }
    const request = new pairing.CandidateRequest(about, use, { session: randomBytes(32) })
    let refusal: string | undefined
    request.once('rejected', ({ code }) => {
      refusal = code
    })
    let answered = false
    const channel = InviteChannel.of(stream)
    channel.ontold = (told) => {
      if (told.type !== 'answer' || answered) return this.#told(peer, told)
      answered = true
      if (!told.sealed) return this.events.onunknown(peer)
      const auth = request.handleResponse(told.sealed)
      const why = REFUSALS[refusal ?? '']
      if (auth) this.#accept(peer, Buffer.from(auth.key), isGated(auth))
      else if (why) this.events.onrefused(peer, why, told.date)
    }
    channel.request(request.encode())
  }

  #accept(peer: Peer, key: Buffer, gated: boolean): void {
    this.#again = true
    this.#gated = gated
    this.#accepted.add(peer.stream)
    this.events.onaccepted(peer, key)
  }

  #told(peer: Peer, told: Told): void {
    const { stream } = peer
    if (told.type === 'gated') {
      this.events.ongated(peer, told.owner)
      this.ask(peer)
    }
    // Only who could let this end in can end that: it is the same stream.
    if (told.type === 'over' && this.#accepted.delete(stream)) this.events.onrefused(peer, told.why, told.date)
  }
}

/** By the codes of the library. */
const REFUSALS: Record<string, Refusal> = {
  PAIRING_REJECTED: 'revoked',
  INVITE_USED: 'used',
  INVITE_EXPIRED: 'expired'
}

const NOBODY: AskerEvents = { onaccepted() {}, onrefused() {}, onunknown() {}, ongated() {} }

/** Asks for a clone that was let in before; null for one that came by a link, and for an owner, whatever it was before. */
export async function askerFor(open: OpenDrive): Promise<InviteAsker | null> {
  const saved = open.identity.role === 'clone' ? await savedInvite(open) : null
  return saved && new InviteAsker({ ...saved, topic: open.drive.discoveryKey, again: true })
}
