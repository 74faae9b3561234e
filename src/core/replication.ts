import type Hypercore from 'hypercore'
import type { ReplicationPeer } from 'hypercore'
import Protomux from 'protomux'
import type { Report } from '../base/events.js'
import { Scope } from '../base/scope.js'
import { connect } from '../transport/connector.js'
import type { Network, NetworkOptions, NoiseStream, Peer } from '../transport/transport.js'
import { AnswerBudget } from './answer-budget.js'
import type { OpenDrive } from './drive.js'
import { followForks, refuseForks } from './fork-requests.js'
import { InviteDesk } from './invite-desk.js'
import type { Join } from './invite-pairing.js'
import { claimOwnership, isOwner, type OwnerClaim, type OwnerKeys, type SeeOwner } from './ownership.js'
import { PACE_PROTOCOL, PaceChannels } from './pace.js'
import { limitPeer, survive } from './peer-limits.js'
import { Rate } from './rate.js'
import { Refusals } from './refusals.js'
import { type PeerStatus, STATUS_PROTOCOL, StatusChannels } from './status-channel.js'

const UPLOAD_REPORT_MS = 500
/** The replicator gives a peer up after this many blocks that it did not have after all; we know that it may get them. */
const REVIVE_MS = 1000

/**
 * Requests under way to a peer, by the average size of a block. Small blocks need many to fill a path, large ones few:
 * what is under way is memory. Hypercore's own limits are in blocks, whatever their size.
 */
const INFLIGHT_BYTES = 12 * 1024 * 1024
const MIN_INFLIGHT = 4
const MIN_INFLIGHT_LIMITED = 2
const MAX_INFLIGHT = 256
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
  /** Bytes per second that may come in; null for no limit. */
  readonly #limitDown: number | null
  readonly #completed = new Map<string, number>()
  /** What to do when the peer at the other end of a stream has proved to know the link. */
  readonly #strangers = new WeakMap<NoiseStream, () => void>()
  readonly #refusals: Refusals
  readonly #answers = new AnswerBudget()
  readonly #desk: InviteDesk | null
  readonly #onoutrun: ((fork: number) => void) | null
  #network: Network | null = null
  #uploaded = 0
  #held = 0
  #content: Hypercore | null = null

  private constructor(options: ReplicationOptions) {
    this.#open = options.open
    this.#refusals = new Refusals((index) => options.open.files.runOf(index))
    this.#report = options.report
    this.#limitDown = options.network.limits?.down ?? null
    this.#pace = new PaceChannels(this.#limitDown, (stream, rate) => this.#network?.pace(stream, rate))
    this.#scope.defer(() => this.#pace.close())
    const { owner } = options
    this.#status = new StatusChannels({
      onstatus: (peer, status) => {
        if (status.complete && this.#completed.get(peer.id) !== status.version) {
          this.#completed.set(peer.id, status.version)
          this.#report({ type: 'peer.complete', peer: peer.id, version: status.version })
        }
        options.onstatus?.(peer, status)
      },
      claim: ({ stream }) => {
        const { fork } = options.open.drive.core
        return owner ? claimOwnership(stream, { since: owner.since, fork }, owner.keys) : null
      },
      onclaim: (peer, claim) => {
        if (owner && isOwner(peer.stream, claim, owner.keys)) owner.onother(peer, claim)
        const see = options.seeOwner
        if (see && isOwner(peer.stream, claim, see)) see.onowner()
      }
    })
    this.#onoutrun = owner?.onoutrun ?? null
    const { open, report } = options
    const { key } = open.drive
    this.#desk = options.invites ? new InviteDesk({ store: open.place.store, key, report }) : null
  }

  static async start(options: ReplicationOptions): Promise<Replication> {
    const replication = new Replication(options)
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
        this.#open.store.replicate(peer.stream)
      }
    })
    const network = this.#network
    this.#scope.defer(() => network.close())
    void this.#open.content().then((content) => this.#watch(content), ignore)
  }

  #watch(content: Hypercore): void {
    if (this.#scope.closed) return
    this.#content = content
    const rate = new Rate()
    let reported = 0
    const onupload = (_index: number, bytes: number): void => {
      this.#uploaded += bytes
    }
    content.on('upload', onupload)
    this.#welcomePeers(content, (index) => this.#open.files.lengthOf(index))
    const onpeer = (peer: ReplicationPeer): void => {
      this.#refusals.watch(peer)
      this.#holdable(peer)
    }
    content.on('peer-add', onpeer)
    for (const peer of content.peers) onpeer(peer)
    const progress = setInterval(() => {
      const bytesPerSecond = rate.update(this.#uploaded)
      if (this.#uploaded === reported) return
      reported = this.#uploaded
      const peers = this.#network?.peers.size ?? 0
      this.#report({ type: 'upload.progress', bytes: this.#uploaded, bytesPerSecond, peers })
    }, UPLOAD_REPORT_MS)
    const revive = setInterval(() => this.#revive(), REVIVE_MS)
    this.#scope.defer(() => {
      content.off('upload', onupload)
      content.off('peer-add', onpeer)
      clearInterval(progress)
      clearInterval(revive)
    })
  }

  /** Channels of our own open once the peer has proved to know the link: what it says before that has to wait. */
  #meet(peer: Peer): void {
    survive(peer.stream)
    this.#desk?.meet(peer)
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

  /** Fits the number of blocks under way to their size. @param averageBytes of the blocks that are wanted now */
  tune(averageBytes: number): void {
    // With a limit a second of it is enough: more would only wait here, or arrive all at once over UDX.
    const bytes = Math.min(INFLIGHT_BYTES, this.#limitDown ?? Number.POSITIVE_INFINITY)
    const blocks = Math.round(bytes / Math.max(1, averageBytes))
    const least = this.#limitDown === null ? MIN_INFLIGHT : MIN_INFLIGHT_LIMITED
    const most = Math.min(MAX_INFLIGHT, Math.max(least, blocks))
    // On TCP three times the lower limit is used, on UDX the lower one on a short path and up to the upper on a long one.
    this.#content?.core.replicator.setInflightRange(Math.ceil(most / 3), most)
  }

  /**
   * Asks for no more blocks for now, because the next ones are about to be made here. What is under way still comes.
   * @returns what goes on
   */
  hold(): () => void {
    this.#held++
    return () => {
      this.#held--
      this.#content?.core.replicator.updateAll()
    }
  }

  /** Has a peer asked for nothing while something is made here (`hold`). */
  #holdable(peer: ReplicationPeer): void {
    const { getMaxInflight } = peer
    peer.getMaxInflight = () => (this.#held > 0 ? 0 : getMaxInflight.call(peer))
  }

  #revive(): void {
    const replicator = this.#content?.core.replicator
    if (!replicator) return
    let revived = false
    for (const peer of replicator.peers) {
      const { stats } = peer
      if (this.#refusals.isOver(peer)) revived = true
      if (stats.notAvailableBackoffs === 0) continue
      stats.notAvailableBackoffs = 0
      if (peer.paused && stats.invalidData === 0) {
        peer.paused = false
        revived = true
      }
    }
    if (revived) replicator.updateAll()
  }
}

function ignore(): void {}
