import type Hypercore from 'hypercore'
import type { ReplicationPeer } from 'hypercore'
import type { Report } from '../base/events.js'
import { Scope } from '../base/scope.js'
import { Rate } from './rate.js'
import { Refusals } from './refusals.js'

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

export interface ContentPeersOptions {
  runOf: ConstructorParameters<typeof Refusals>[0]
  /** Bytes per second that may come in; null for no limit. */
  limitDown: number | null
  /** How many peers there are. */
  peers: () => number
  report: Report
}

/** What is asked of the peers of the content, and what is sent to them. */
export class ContentPeers {
  readonly #options: ContentPeersOptions
  readonly #scope = new Scope()
  readonly #refusals: Refusals
  #uploaded = 0
  #held = 0
  #content: Hypercore | null = null

  constructor(options: ContentPeersOptions) {
    this.#options = options
    this.#refusals = new Refusals(options.runOf)
  }

  close(): Promise<void> {
    return this.#scope.close()
  }

  /** From now on this is the content. */
  watch(content: Hypercore): void {
    if (this.#scope.closed) return
    this.#content = content
    const rate = new Rate()
    let reported = 0
    const onupload = (_index: number, bytes: number): void => {
      this.#uploaded += bytes
    }
    content.on('upload', onupload)
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
      const { peers, report } = this.#options
      report({ type: 'upload.progress', bytes: this.#uploaded, bytesPerSecond, peers: peers() })
    }, UPLOAD_REPORT_MS)
    const revive = setInterval(() => this.#revive(), REVIVE_MS)
    this.#scope.defer(() => {
      content.off('upload', onupload)
      content.off('peer-add', onpeer)
      clearInterval(progress)
      clearInterval(revive)
    })
  }

  /** Fits the number of blocks under way to their size. @param averageBytes of the blocks that are wanted now */
  tune(averageBytes: number): void {
    // With a limit a second of it is enough: more would only wait here, or arrive all at once over UDX.
    const bytes = Math.min(INFLIGHT_BYTES, this.#options.limitDown ?? Number.POSITIVE_INFINITY)
    const blocks = Math.round(bytes / Math.max(1, averageBytes))
    const least = this.#options.limitDown === null ? MIN_INFLIGHT : MIN_INFLIGHT_LIMITED
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
