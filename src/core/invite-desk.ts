import type { Report } from '../base/events.js'
import { shortId } from '../base/link.js'
import { addressGroup } from '../transport/address-group.js'
import { closeGently, remoteAddress } from '../transport/streams.js'
import type { NoiseStream, Peer } from '../transport/transport.js'
import { type Guest, GuestList } from './guest-list.js'
import type { Gate } from './identity.js'
import { type Answer, InviteChannel } from './invite-channel.js'
import { type Invite, InviteJournal, type Refusal, refusalOf } from './invite-journal.js'
import { accept, openRequest, readRequest } from './invite-proof.js'
import type { OwnerClaim } from './ownership.js'

/** Requests from one address that are for no invite of this share, or no proof of one, in a minute. */
const MAX_WRONG = 10
/** And from all addresses together, for those that a relay hides: their requests say nothing about who they are. */
const MAX_WRONG_HIDDEN = 100
const MINUTE_MS = 60_000
/** Addresses that are remembered for a minute. */
const MAX_GROUPS = 4096
/** How long it is waited for a request where nobody gets anything without: some round trips over a slow relay. */
const ASK_MS = 10_000

const STATUS = { revoked: 1, used: 2, expired: 3 } as const satisfies Record<Refusal, 1 | 2 | 3>

export interface InviteDeskOptions {
  /** The folder of the index. */
  store: string
  /** What is handed over. */
  key: Buffer
  gate: Gate
  /** Of a gated share: what its owner says of itself to everybody; null if this is none. */
  claim: (peer: Peer) => OwnerClaim | null
  /** Of a gated share: this one may have what there is. */
  admit: (peer: Peer) => void
  report: Report
}

/**
 * Hands the key of a share to those who come with an invite, where it is shared; of a gated share, decides who is served
 * at all. Whether an invite still counts is decided here, by this computer's clock and what is kept beside the index:
 * nothing that a link says changes it.
 */
export class InviteDesk {
  readonly #options: InviteDeskOptions
  readonly #journal: InviteJournal
  readonly #guests: GuestList | null
  readonly #wrong = new Map<string, number>()
  /** Streams on which something was asked. */
  readonly #asked = new WeakSet<NoiseStream>()
  readonly #waiting = new Set<NodeJS.Timeout>()
  #minute = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: InviteDeskOptions) {
    this.#options = options
    this.#journal = new InviteJournal(options.store)
    this.#guests = options.gate === 'strict' ? new GuestList(this.#journal, options.report) : null
  }

  /** Listens to what this peer may ask. */
  meet(peer: Peer): void {
    const { stream } = peer
    const channel = InviteChannel.of(stream)
    channel.onrequest = (data) => {
      // One request for each handshake: the next guess costs another.
      if (this.#asked.has(stream)) return void stream.destroy(new Error('it asks again'))
      this.#asked.add(stream)
      // One after the other: of an invite for one, two who ask at once do not both find it unused.
      this.#turn = this.#turn.then(async () => {
        try {
          const answer = await this.#answer(peer, Buffer.from(data))
          if (answer) channel.tell({ type: 'answer', ...answer })
          else stream.destroy(new Error('it has no invite'))
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          this.#note(`an invite cannot be looked at: ${reason}`)
          channel.close()
        }
      })
    }
    if (this.#options.gate === 'open') return
    channel.tell({ type: 'gated', owner: this.#options.claim(peer) })
    const timer = setTimeout(() => {
      if (!this.#asked.has(stream)) void closeGently(stream)
    }, ASK_MS)
    this.#waiting.add(timer)
    stream.once('close', () => {
      clearTimeout(timer)
      this.#waiting.delete(timer)
    })
  }

  close(): void {
    this.#guests?.close()
    for (const timer of this.#waiting) clearTimeout(timer)
  }

  /** @returns null for whoever has to go */
  async #answer(peer: Peer, data: Buffer): Promise<Answer | null> {
    const { key, gate } = this.#options
    const { stream } = peer
    if (this.#isGuessing(stream)) return null
    const request = readRequest(data)
    if (!request) return this.#count(stream)
    const id = request.inviteId.toString('hex')
    const invite = (await this.#journal.read()).get(id)
    if (!invite) {
      this.#count(stream)
      return { sealed: null, date: null }
    }
    const use = openRequest(request, invite.publicKey, stream)
    if (!use) return this.#count(stream)
    const guest: Guest = { invite: id, redeemer: use.redeemer.toString('hex') }
    const refusal = refusalOf(invite, guest.redeemer, Date.now(), { again: use.again, strict: gate === 'strict' })
    if (refusal) {
      request.deny({ status: STATUS[refusal] })
      return { sealed: request.response, date: refusal === 'expired' ? invite.expires : null }
    }
    if (!invite.used.some((one) => one.redeemer === guest.redeemer)) await this.#use(peer, invite, guest.redeemer)
    if (gate !== 'open') {
      this.#options.admit(peer)
      this.#guests?.add(stream, guest)
    }
    return { sealed: accept(request, key, gate !== 'open'), date: null }
  }

  /** It is on the disk before the key is on its way: a crash in between costs a use, and never gives one away. */
  async #use({ address, id: peer }: Peer, invite: Invite, redeemer: string): Promise<void> {
    const { id, note, uses, used } = invite
    await this.#journal.add({ op: 'use', id, redeemer, from: address })
    const count = uses === null ? '' : ` (${used.length + 1} of ${uses})`
    const name = note === '' ? '' : ` for ${note}`
    this.#note(`invite ${shortId(Buffer.from(id, 'hex'))}${name} was used${count}, by ${peer}`)
  }

  #note(message: string): void {
    this.#options.report({ type: 'note', message, important: true })
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
