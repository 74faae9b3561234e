import type { DatError } from '../base/errors.js'
import type { Report } from '../base/events.js'
import { isLive } from '../transport/streams.js'
import type { Network, NoiseStream, Peer } from '../transport/transport.js'
import type { OpenDrive } from './drive.js'
import type { InviteAsker } from './invite-asker.js'
import { InviteChannel } from './invite-channel.js'
import type { InviteDesk } from './invite-desk.js'
import { deniedBy, invitedOnly } from './invite-refusal.js'
import { isOwner } from './ownership.js'
import { savedInvite, saveInvite } from './saved-invite.js'

/**
 * Between a refusal and the end, and between looks whether it has come: whoever serves is right, whatever others say who
 * pretend to be the sharer.
 */
const REFUSED_MS = 1000
/** For how long nobody but gated shares must be there until it is taken for granted that there is no other. */
const ALONE_MS = 15_000

const GO_ON = 'ask the owner for a new invite, and go on here by it: dat clone <invite> <folder>'

export interface DoorOptions {
  open: OpenDrive
  /** Gives a peer what there is. */
  attach: (peer: Peer) => void
  /** Answers those who come with an invite; null where nobody does. */
  desk: InviteDesk | null
  /** Nobody is attached to whom the desk did not let in. */
  gated: boolean
  /** Has an invite itself; null for who came by the link. */
  asker: InviteAsker | null
  /** What an owner says of itself, unchecked. */
  onclaim: (peer: Peer, claim: unknown) => void
  report: Report
}

/**
 * Decides on which streams a share or clone is attached: on all of them; of a gated share, on those whose other end was
 * let in; of a clone of one, on those on which it was let in itself, so that it passes nothing on.
 */
export class Door {
  /** Resolves when the invite is over by which this clone was let in, and nobody else serves it. */
  readonly denied: Promise<DatError>
  readonly #options: DoorOptions
  readonly #attached = new WeakSet<NoiseStream>()
  readonly #peers = new Map<NoiseStream, Peer>()
  /** Streams whose other end serves nobody without an invite. */
  readonly #claims = new WeakSet<NoiseStream>()
  /** Of these, those on which the owner itself has said so. */
  readonly #owners = new WeakSet<NoiseStream>()
  #alone: number | null = null
  #refusal: DatError | null = null
  #timer: NodeJS.Timeout | undefined
  #deny: (error: DatError) => void = () => {}

  constructor(options: DoorOptions) {
    this.#options = options
    this.denied = new Promise((resolve) => {
      this.#deny = resolve
    })
    const { asker } = options
    if (!asker) return
    asker.events = {
      onaccepted: (peer) => this.#accepted(peer),
      onrefused: (_peer, why, date) => this.#refused(deniedBy(why, date, GO_ON)),
      // Else anybody could say so.
      onunknown: ({ stream }) => {
        if (this.#owners.has(stream)) this.#refused(invitedOnly())
      },
      ongated: (peer, owner) => this.#claimed(peer, owner)
    }
  }

  /** Somebody has come, by a new stream. */
  meet(peer: Peer): void {
    const { stream } = peer
    const { desk, gated, asker } = this.#options
    this.#peers.set(stream, peer)
    stream.once('close', () => this.#peers.delete(stream))
    if (asker) asker.meet(peer)
    else this.#listen(peer)
    if (asker?.gated) {
      asker.ask(peer)
      if (asker.accepted(stream)) this.attach(peer)
      return
    }
    desk?.meet(peer)
    if (!gated) this.attach(peer)
  }

  /** Gives this peer what there is. */
  attach(peer: Peer): void {
    const { stream } = peer
    if (this.#attached.has(stream) || !isLive(stream)) return
    this.#attached.add(stream)
    this.#options.attach(peer)
  }

  /** Why nobody serves this end, if all that is known are shares that are gated; null while there is another reason. */
  get inviteOnly(): DatError | null {
    return this.#alone === null ? null : invitedOnly()
  }

  /** The same, once it has been so for a while. */
  inviteOnlyFor({ peers }: Network): DatError | null {
    const other = [...peers.values()].some(({ stream }) => !this.#claims.has(stream))
    if (other && this.#alone !== null) this.#alone = performance.now()
    return this.#alone !== null && performance.now() - this.#alone > ALONE_MS ? invitedOnly() : null
  }

  close(): void {
    clearInterval(this.#timer)
    this.#options.desk?.close()
  }

  /** Without an invite there is nothing to ask; what is said by itself is worth knowing. */
  #listen(peer: Peer): void {
    InviteChannel.of(peer.stream).ontold = (told) => {
      if (told.type === 'gated') this.#claimed(peer, told.owner)
    }
  }

  #claimed(peer: Peer, owner: unknown): void {
    const { stream } = peer
    const { open, asker, gated, onclaim } = this.#options
    this.#claims.add(stream)
    this.#alone ??= performance.now()
    onclaim(peer, owner)
    // Everybody on the topic can say it; who has met the share before knows whether it is the owner that does.
    const { manifest } = open.drive.core as { manifest: { signers?: { publicKey: Buffer }[] } | null }
    const publicKey = manifest?.signers?.[0]?.publicKey
    if (gated || open.identity.role === 'owner' || !publicKey) return
    if (!isOwner(stream, owner, { publicKey })) return
    this.#owners.add(stream)
    // With an invite there is an answer to come.
    if (!asker) this.#refused(invitedOnly())
  }

  #accepted(peer: Peer): void {
    this.#refusal = null
    this.#alone = null
    this.attach(peer)
    void this.#keep().catch(() => {})
    const { asker } = this.#options
    for (const [stream, other] of this.#peers) {
      if (!asker?.gated) this.attach(other)
      else if (this.#attached.has(stream) && !asker.accepted(stream)) stream.destroy(new Error('it is not the sharer'))
    }
  }

  /** What the sharer said last counts at the next start, too. */
  async #keep(): Promise<void> {
    const { open, asker, report } = this.#options
    const saved = await savedInvite(open)
    if (!asker || !saved || saved.gated === asker.gated) return
    const { gated } = asker
    const message = gated
      ? 'this share is by invitation only now: it is not passed on from here any more'
      : 'this share is open to everybody with its link now'
    report({ type: 'note', message, important: true })
    await saveInvite(open, { ...saved, gated })
  }

  #refused(error: DatError): void {
    this.#refusal = error
    this.#timer ??= setInterval(() => {
      if (this.#refusal && this.#options.open.drive.core.peers.length === 0) this.#deny(this.#refusal)
    }, REFUSED_MS)
  }
}
