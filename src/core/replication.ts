import type Hypercore from 'hypercore'
import type { ReplicationPeer } from 'hypercore'
import Protomux from 'protomux'
import type { Report } from '../base/events.js'
import { Scope } from '../base/scope.js'
import { connect } from '../transport/connector.js'
import type { Network, NetworkOptions, NoiseStream, Peer } from '../transport/transport.js'
import { AnswerBudget } from './answer-budget.js'
import { ContentPeers } from './content-peers.js'
import { Door } from './door.js'
import type { OpenDrive } from './drive.js'
import { followForks, refuseForks } from './fork-requests.js'
import { gateSetting } from './gate-setting.js'
import type { Gate } from './identity.js'
import { askerFor, type InviteAsker } from './invite-asker.js'
import { InviteDesk } from './invite-desk.js'
import type { Join } from './join.js'
import { claimOwnership, isOwner, type OwnerClaim, type OwnerKeys, type SeeOwner } from './ownership.js'
import { PACE_PROTOCOL, PaceChannels } from './pace.js'
import { limitPeer, survive } from './peer-limits.js'
import { type PeerStatus, STATUS_PROTOCOL, StatusChannels } from './status-channel.js'

/** Bitfields are the longest messages beside blocks: 256 KiB; several messages may come as one. */
const LONGEST_REQUEST = 2 * 1024 * 1024

export interface ReplicationOptions {
  open: OpenDrive
  network: NetworkOptions
  report: Report
  onstatus?: (peer: Peer, status: PeerStatus) => void
  /**
   * Of an owner: its claim, what to do about another who has the same key, and about a history of a later fork, which
   * somebody else signed with it.
   */
  owner?: {
    keys: OwnerKeys
    since: number
    onother: (peer: Peer, claim: OwnerClaim) => void
    onoutrun: (fork: number) => void
  }
  /** Lets in those who come with an invite. */
  invites?: boolean
  /** How it comes by its network, if not by connecting anew. */
  join?: Join | undefined
  /** What to be let in by, where the index does not say it: it is a temporary one. */
  asker?: InviteAsker | null | undefined
  /** Of those who look whether there is an owner: its public key, and what to do then. */
  seeOwner?: SeeOwner
}

/** A drive on the network: serves what is here and fetches what is asked for. */
export class Replication {
  readonly #open: OpenDrive
  readonly #report: Report
  readonly #scope = new Scope()
  readonly #status: StatusChannels
  readonly #pace: PaceChannels
  readonly #completed = new Map<string, number>()
  /** What to do when the peer at the other end of a stream has proved to know the link. */
  readonly #strangers = new WeakMap<NoiseStream, () => void>()
  readonly #answers = new AnswerBudget()
  readonly #onoutrun: ((fork: number) => void) | null
  readonly #content: ContentPeers
  /** Whom it serves, and by whom it is served. */
  readonly door: Door
  #network: Network | null = null

  private constructor(options: ReplicationOptions, gate: Gate, asker: InviteAsker | null) {
    const { open, report, owner } = options
    this.#open = open
    this.#report = report
    const limitDown = options.network.limits?.down ?? null
    this.#pace = new PaceChannels(limitDown, (stream, rate) => this.#network?.pace(stream, rate))
    this.#scope.defer(() => this.#pace.close())
    const runOf = (index: number) => open.files.runOf(index)
    this.#content = new ContentPeers({ runOf, limitDown, peers: () => this.#network?.peers.size ?? 0, report })
    this.#scope.defer(() => this.#content.close())
    const claim = ({ stream }: Peer) => {
      const { fork } = open.drive.core
      return owner ? claimOwnership(stream, { since: owner.since, fork }, owner.keys) : null
    }
    const onclaim = (peer: Peer, claim: unknown): void => {
      if (owner && isOwner(peer.stream, claim, owner.keys)) owner.onother(peer, claim)
      const see = options.seeOwner
      if (see && isOwner(peer.stream, claim, see)) see.onowner()
    }
    this.#status = new StatusChannels({
      onstatus: (peer, status) => {
        if (status.complete && this.#completed.get(peer.id) !== status.version) {
          this.#completed.set(peer.id, status.version)
          this.#report({ type: 'peer.complete', peer: peer.id, version: status.version })
        }
        options.onstatus?.(peer, status)
      },
      claim,
      onclaim
    })
    this.#onoutrun = owner?.onoutrun ?? null
    const { key } = open.drive
    const admit = (peer: Peer) => this.door.attach(peer)
    const desk = options.invites ? new InviteDesk({ store: open.place.store, key, gate, claim, admit, report }) : null
    const attach = ({ stream }: Peer): void => {
      if (!this.#scope.closed && !open.store.closing) open.store.replicate(stream)
    }
    this.door = new Door({ open, attach, desk, gated: gate !== 'open', asker, onclaim, report })
    this.#scope.defer(() => this.door.close())
  }

  static async start(options: ReplicationOptions): Promise<Replication> {
    const gate = await gateSetting(options.open)
    const replication = new Replication(options, gate, options.asker ?? (await askerFor(options.open)))
    await replication.#connect(options.network, options.join ?? connect)
    return replication
  }

  get network(): Network {
    if (!this.#network) throw new Error('not connected')
    return this.#network
  }

  /** Tells peers how far we are. */
  setStatus(status: PeerStatus): void {
    this.#status.set(status)
  }

  /** Waits, but not long, until a peer knows that we have everything. */
  delivered(): Promise<void> {
    return this.#status.delivered()
  }

  /** Fits the number of blocks under way to their size. @param averageBytes of the blocks that are wanted now */
  tune(averageBytes: number): void {
    this.#content.tune(averageBytes)
  }

  /** Asks for no more blocks for now. @returns what goes on */
  hold(): () => void {
    return this.#content.hold()
  }

  close(): Promise<void> {
    return this.#scope.close()
  }

  async #connect(options: NetworkOptions, join: Join): Promise<void> {
    this.#welcomePeers(this.#open.drive.core, async () => null)
    if (this.#onoutrun) {
      // Both, before anybody is met: blocks of one history under the list of another would be wrong files.
      for (const core of [this.#open.drive.core, await this.#open.content()]) refuseForks(core, this.#onoutrun)
    }
    this.#network = await join({
      ...options,
      // Who makes a drive is asked for blocks, and never sent any.
      ...(this.#open.identity.role === 'owner' && { longestMessage: LONGEST_REQUEST }),
      topic: this.#open.drive.discoveryKey,
      report: this.#report,
      onpeer: (peer, network) => {
        this.#network = network
        if (this.#scope.closed || this.#open.store.closing) return
        this.#meet(peer)
      }
    })
    const network = this.#network
    this.#scope.defer(() => network.close())
    void this.#open.content().then((content) => {
      if (this.#scope.closed) return
      this.#welcomePeers(content, (index) => this.#open.files.lengthOf(index))
      this.#content.watch(content)
    }, ignore)
  }

  /** Channels of our own open once the peer has proved to know the link: what it says before that has to wait. */
  #meet(peer: Peer): void {
    survive(peer.stream)
    const mux = Protomux.from(peer.stream)
    const proved = new Promise<void>((resolve) => {
      this.#strangers.set(peer.stream, () => {
        this.#status.add(peer)
        this.#pace.add(peer)
        resolve()
      })
      peer.stream.once('close', resolve)
    })
    for (const protocol of [STATUS_PROTOCOL, PACE_PROTOCOL]) mux.pair({ protocol }, () => proved)
    this.door.meet(peer)
  }

  /** Whoever opens a core with us has proved to know its key. */
  #welcomePeers(core: Hypercore, lengthOf: (index: number) => Promise<number | null>): void {
    const welcome = (peer: ReplicationPeer): void => {
      limitPeer(core, peer)
      this.#answers.limit(peer, lengthOf)
      followForks(peer)
      this.#network?.trust(peer.stream)
      this.#strangers.get(peer.stream)?.()
      this.#strangers.delete(peer.stream)
    }
    core.on('peer-add', welcome)
    for (const peer of core.peers) welcome(peer)
    this.#scope.defer(() => {
      core.off('peer-add', welcome)
    })
  }
}

function ignore(): void {}
