import Protomux from 'protomux'
import type { Report } from '../base/events.js'
import { shortId } from '../base/link.js'
import { addressGroup } from '../transport/address-group.js'
import { remoteAddress } from '../transport/streams.js'
import type { NoiseStream, Peer } from '../transport/transport.js'
import { type Answer, encodeAnswer, INVITE_PROTOCOL, openInviteChannel } from './invite-channel.js'
import { type Invite, InviteJournal, type Refusal, refusalOf } from './invite-journal.js'
import { openRequest, readRequest } from './invite-proof.js'

/** Requests from one address that are for no invite of this share, or no proof of one, in a minute. */
const MAX_WRONG = 10
/** And from all addresses together, for those that a relay hides: their requests say nothing about who they are. */
const MAX_WRONG_HIDDEN = 100
const MINUTE_MS = 60_000
/** Addresses that are remembered for a minute. */
const MAX_GROUPS = 4096

const STATUS = { revoked: 1, used: 2, expired: 3 } as const satisfies Record<Refusal, 1 | 2 | 3>

export interface InviteDeskOptions {
  /** The folder of the index. */
  store: string
  /** What is handed over. */
  key: Buffer
  report: Report
}

/**
 * Hands the key of a share to those who come with an invite, where it is shared. Whether an invite still counts is
 * decided here, by this computer's clock and what is kept beside the index: nothing that a link says changes it.
 */
export class InviteDesk {
  readonly #journal: InviteJournal
  readonly #key: Buffer
  readonly #report: Report
  readonly #wrong = new Map<string, number>()
  /** Streams on which something was asked. */
  readonly #asked = new WeakSet<NoiseStream>()
  #minute = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor({ store, key, report }: InviteDeskOptions) {
    this.#journal = new InviteJournal(store)
    this.#key = key
    this.#report = report
  }

  /** Listens to what this peer may ask. */
  meet(peer: Peer): void {
    const { stream } = peer
    Protomux.from(stream).pair({ protocol: INVITE_PROTOCOL }, () => this.#listen(peer))
  }

  #listen(peer: Peer): void {
    const { stream } = peer
    const opened = openInviteChannel(stream, {
      onmessage: (data) => {
        // One request for each handshake: the next guess costs another.
        if (this.#asked.has(stream)) return void stream.destroy(new Error('it asks again'))
        this.#asked.add(stream)
        // One after the other: of an invite for one, two who ask at once do not both find it unused.
        this.#turn = this.#turn.then(async () => {
          try {
            const answer = await this.#answer(peer, Buffer.from(data))
            if (answer) opened?.send(encodeAnswer(answer))
            else stream.destroy(new Error('it has no invite'))
          } catch (error) {
            const reason = error instanceof Error ? error.message : String(error)
            this.#report({ type: 'note', message: `an invite cannot be looked at: ${reason}`, important: true })
            opened?.channel.close()
          }
        })
      }
    })
  }

  /** @returns null for whoever has to go */
  async #answer(peer: Peer, data: Buffer): Promise<Answer | null> {
    const { stream } = peer
    if (this.#isGuessing(stream)) return null
    const request = readRequest(data)
    if (!request) return this.#count(stream)
    const invite = (await this.#journal.read()).get(request.inviteId.toString('hex'))
    if (!invite) {
      this.#count(stream)
      return { sealed: null, date: null }
    }
    const redeemer = openRequest(request, invite.publicKey, stream)?.toString('hex')
    if (!redeemer) return this.#count(stream)
    const refusal = refusalOf(invite, redeemer, Date.now())
    if (refusal) {
      request.deny({ status: STATUS[refusal] })
      return { sealed: request.response, date: refusal === 'expired' ? invite.expires : null }
    }
    if (!invite.used.some((use) => use.redeemer === redeemer)) await this.#use(peer, invite, redeemer)
    request.confirm({ key: this.#key })
    return { sealed: request.response, date: null }
  }

  /** It is on the disk before the key is on its way: a crash in between costs a use, and never gives one away. */
  async #use({ address, id: peer }: Peer, invite: Invite, redeemer: string): Promise<void> {
    const { id, note, uses, used } = invite
    await this.#journal.add({ op: 'use', id, redeemer, from: address })
    const count = uses === null ? '' : ` (${used.length + 1} of ${uses})`
    const name = note === '' ? '' : ` for ${note}`
    const message = `invite ${shortId(Buffer.from(id, 'hex'))}${name} was used${count}, by ${peer}`
    this.#report({ type: 'note', message, important: true })
  }

  #isGuessing(stream: NoiseStream): boolean {
    const minute = Math.floor(performance.now() / MINUTE_MS)
    if (minute !== this.#minute || this.#wrong.size > MAX_GROUPS) this.#wrong.clear()
    this.#minute = minute
    const group = groupOf(stream)
    return (this.#wrong.get(group) ?? 0) >= (group === '' ? MAX_WRONG_HIDDEN : MAX_WRONG)
  }

  #count(stream: NoiseStream): null {
    const group = groupOf(stream)
    this.#wrong.set(group, (this.#wrong.get(group) ?? 0) + 1)
    return null
  }
}

function groupOf(stream: NoiseStream): string {
  const address = remoteAddress(stream)
  return address === null ? '' : addressGroup(address)
}
