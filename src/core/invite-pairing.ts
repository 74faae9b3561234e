import { randomBytes } from 'node:crypto'
import pairing from 'blind-pairing-core'
import { DatError } from '../base/errors.js'
import type { DatEvent } from '../base/events.js'
import type { InviteLink } from '../base/invite-link.js'
import { connect } from '../transport/connector.js'
import type { ConnectOptions, Network, Peer } from '../transport/transport.js'
import { type ContactOptions, HOPELESS } from './first-contact.js'
import { type Answer, openInviteChannel, readAnswer } from './invite-channel.js'
import type { Refusal } from './invite-journal.js'
import { type Redeemer, seedOf, signUse } from './invite-proof.js'
import { dateOf } from './owner-keys.js'

const LOOK_MS = 250
/**
 * Between a refusal and giving up. An acceptance proves itself, by the key that it brings; that an invite is used up can
 * be said by everybody who was invited with it, so another who accepts it is right.
 */
const REFUSAL_MS = 1000

/** How core comes by a network: `connect`, or one that is there already. */
export type Join = (options: ConnectOptions) => Promise<Network>

export interface PairingOptions extends ContactOptions {
  invite: InviteLink
  redeemer: Redeemer
  network: Omit<ConnectOptions, 'topic' | 'report' | 'onpeer'>
}

/** What came of an invite. */
export interface Accepted {
  key: Buffer
  /** Gives the connections that were made on to whoever needs them first; after that it connects anew. */
  join: Join
  /** Ends the connections, if nobody took them. */
  close(): Promise<void>
}

/**
 * Waits for somebody who takes the invite, and asks for the key of the share.
 * @returns null if `signal` ended it
 * @throws DatError DENIED with the reason, NO_PEER
 */
export async function redeemInvite(options: PairingOptions): Promise<Accepted | null> {
  const attempt = new Pairing(options)
  try {
    const key = await attempt.run()
    if (key) return { key, join: attempt.join, close: attempt.close }
    await attempt.close()
    return null
  } catch (error) {
    await attempt.close()
    throw error
  }
}

class Pairing {
  readonly #options: PairingOptions
  readonly #seed: Buffer
  #network: Network | null = null
  /** Who has the connections now; null while they are ours. */
  #taken: ConnectOptions | null = null
  #ready: DatEvent | null = null
  #stranger = false
  #refused: NodeJS.Timeout | undefined
  #settle: (key: Buffer | null) => void = () => {}
  #fail: (error: DatError) => void = () => {}

  constructor(options: PairingOptions) {
    this.#options = options
    this.#seed = seedOf(options.invite.secret)
  }

  async run(): Promise<Buffer | null> {
    const { network, invite, signal } = this.#options
    const outcome = new Promise<Buffer | null>((resolve, reject) => {
      this.#settle = resolve
      this.#fail = reject
    })
    outcome.catch(() => {})
    const onabort = () => this.#settle(null)
    signal.addEventListener('abort', onabort, { once: true })
    let end = () => {}
    try {
      if (signal.aborted) return null
      this.#network = await connect({
        ...network,
        topic: invite.topic,
        report: (event) => this.#report(event),
        onpeer: (peer, connected) => (this.#taken ? this.#taken.onpeer(peer, connected) : this.#ask(peer))
      })
      end = this.#watch(this.#network)
      return await outcome
    } finally {
      end()
      clearTimeout(this.#refused)
      signal.removeEventListener('abort', onabort)
    }
  }

  readonly close = async (): Promise<void> => {
    if (!this.#taken) await this.#network?.close()
  }

  readonly join: Join = async (options) => {
    const network = this.#network
    if (!network || this.#taken) return connect(options)
    this.#taken = options
    if (this.#ready) options.report(this.#ready)
    for (const peer of network.peers.values()) {
      const { id, route, address } = peer
      options.report({ type: 'peer.connected', peer: id, route, address })
      options.onpeer(peer, network)
    }
    return network
  }

  #report(event: DatEvent): void {
    // Told once there is somebody to tell it: who is connected now may be gone by then.
    if (this.#taken) this.#taken.report(event)
    else if (event.type === 'network.ready') this.#ready = event
    else if (event.type === 'note') this.#options.report(event)
  }

  #ask({ stream }: Peer): void {
    const { invite, redeemer } = this.#options
    const use = signUse(stream, redeemer)
    if (!use) return
    stream.on('error', () => {})
    const about = { seed: this.#seed, discoveryKey: invite.topic }
    const request = new pairing.CandidateRequest(about, use, { session: randomBytes(32) })
    let refusal: string | undefined
    request.once('rejected', ({ code }) => {
      refusal = code
    })
    const opened = openInviteChannel(stream, {
      onopen: () => opened?.send(request.encode()),
      onmessage: (data) => {
        const answer = readAnswer(data)
        if (!answer) return void stream.destroy(new Error('that is no answer'))
        if (!answer.sealed) {
          this.#stranger = true
          return
        }
        const auth = request.handleResponse(answer.sealed)
        // The key is that of the topic in the invite, or `handleResponse` would not have taken it.
        if (auth) this.#settle(Buffer.from(auth.key))
        else if (refusal !== undefined) this.#onrefusal(refusal, answer)
      }
    })
  }

  #onrefusal(code: string, { date }: Answer): void {
    const why = REFUSALS[code]
    if (!why || this.#refused) return
    this.#refused = setTimeout(() => this.#fail(deniedBy(why, date)), REFUSAL_MS)
  }

  /** Gives up in time. @returns ends the watch */
  #watch(network: Network): () => void {
    const { timeout, endEarly, report } = this.#options
    const began = performance.now()
    let told = 'unknown'
    const look = setInterval(() => {
      const { outlook } = network
      if (outlook === told) return
      told = outlook
      if (outlook === 'unknown') return
      const { message, hint } = outlook === 'nobody' ? { message: OFFLINE, hint: OFFLINE_HINT } : HOPELESS[outlook]
      if (endEarly) return this.#fail(new DatError('NO_PEER', message, { hint }))
      report({
        type: 'stalled',
        seconds: Math.round((performance.now() - began) / 1000),
        reason: `${message}; ${hint}`
      })
    }, LOOK_MS)
    const late = () =>
      this.#fail(
        new DatError('NO_PEER', `${OFFLINE}: nobody answered for it within ${timeout} seconds`, {
          hint: this.#stranger ? STRANGER_HINT : OFFLINE_HINT
        })
      )
    const timer = timeout > 0 ? setTimeout(late, timeout * 1000) : undefined
    return () => {
      clearInterval(look)
      clearTimeout(timer)
    }
  }
}

const OFFLINE = 'the owner is not online'
const OFFLINE_HINT =
  'an invite is taken by the computer it was made on: is `dat share` running there? If it is, run `dat doctor`'
const STRANGER_HINT =
  'others who have this share answered, and do not know the invite: is `dat share` running on the computer it was made on?'

/** By the codes of the library. */
const REFUSALS: Record<string, Refusal> = {
  PAIRING_REJECTED: 'revoked',
  INVITE_USED: 'used',
  INVITE_EXPIRED: 'expired'
}

/** What a refusal means. @param date when it expired, in milliseconds since 1970; null where nobody said so */
export function deniedBy(why: Refusal, date: number | null): DatError {
  const messages = {
    revoked: 'this invite was revoked by the owner',
    used: 'this invite is used up: as many as it was made for have come by it',
    expired: `this invite expired${date === null ? '' : ` on ${dateOf(date)} UTC`}`
  }
  return new DatError('DENIED', messages[why], { hint: 'ask the owner for a new invite' })
}
