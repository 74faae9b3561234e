import { DatError } from '../base/errors.js'
import type { DatEvent } from '../base/events.js'
import type { InviteLink } from '../base/invite-link.js'
import { connect } from '../transport/connector.js'
import type { ConnectOptions, Network } from '../transport/transport.js'
import { type ContactOptions, HOPELESS } from './first-contact.js'
import { InviteAsker } from './invite-asker.js'
import type { Refusal } from './invite-journal.js'
import type { Redeemer } from './invite-proof.js'
import { deniedBy } from './invite-refusal.js'
import type { Join } from './join.js'

const LOOK_MS = 250
/**
 * Between a refusal and giving up. An acceptance proves itself, by the key that it brings; that an invite is used up can
 * be said by everybody who was invited with it, so another who accepts it is right.
 */
const REFUSAL_MS = 1000

export interface PairingOptions extends ContactOptions {
  invite: InviteLink
  redeemer: Redeemer
  network: Omit<ConnectOptions, 'topic' | 'report' | 'onpeer'>
}

/** What came of an invite. */
export interface Accepted {
  key: Buffer
  /** Was let in on some of the connections, and asks on those to come. */
  asker: InviteAsker
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
    if (key) return { key, asker: attempt.asker, join: attempt.join, close: attempt.close }
    await attempt.close()
    return null
  } catch (error) {
    await attempt.close()
    throw error
  }
}

class Pairing {
  readonly asker: InviteAsker
  readonly #options: PairingOptions
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
    const { invite, redeemer } = options
    this.asker = new InviteAsker({ ...invite, redeemer, again: false, gated: false })
    this.asker.events = {
      onaccepted: (_peer, key) => this.#settle(key),
      onrefused: (_peer, why, date) => this.#onrefusal(why, date),
      onunknown: () => {
        this.#stranger = true
      },
      ongated: () => {}
    }
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
        onpeer: (peer, connected) => (this.#taken ? this.#taken.onpeer(peer, connected) : this.asker.ask(peer))
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

  #onrefusal(why: Refusal, date: number | null): void {
    this.#refused ??= setTimeout(() => this.#fail(deniedBy(why, date)), REFUSAL_MS)
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
