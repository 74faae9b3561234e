import type { PeerRequest, ReplicationPeer } from 'hypercore'

/** Bytes of blocks that may be on their way from the disk to peers, for all peers of a drive together. */
const MOST_BYTES = 16 * 1024 * 1024
/** What an answer weighs at least: its proof, and what it takes beside. */
const LEAST_WEIGHT = 16 * 1024
/** What a block weighs whose length is not known before it was read. */
const UNKNOWN_WEIGHT = 1024 * 1024
/** Requests of one peer that wait for an answer: Hypercore itself has at most 512 under way. */
const MAX_REQUESTS = 2048

/**
 * Bounds what is read for peers and not sent yet, by bytes. Hypercore 11.37.1 begins to answer whatever comes while
 * nothing waits to be sent, however much it is; a fixed number of answers would be too many for large blocks, or too few
 * for small ones, of which a worker reads dozens at a time.
 */
export class AnswerBudget {
  #used = 0
  /** Peers with requests that were put off. */
  readonly #waiting = new Set<ReplicationPeer>()

  /**
   * Has a peer's requests answered within the budget. To be called once for each core's peer.
   * @param lengthOf the length of a block in bytes; null if that is not known
   */
  limit(peer: ReplicationPeer, lengthOf: (index: number) => Promise<number | null>): void {
    const { onrequest } = peer
    const budget = this
    peer.onrequest = async function limited(request: PeerRequest) {
      if (this.remoteRequests.size >= MAX_REQUESTS) throw new Error('it asks for too much at once')
      // Known as waiting meanwhile, so that it can be taken back.
      this._cancel(request.id)
      this.remoteRequests.set(request.id, request)
      const length = request.block ? await lengthOf(request.block.index) : 0
      if (this.remoteRequests.get(request.id) !== request) return
      const weight = Math.max(LEAST_WEIGHT, length ?? UNKNOWN_WEIGHT)
      if (budget.#used > 0 && budget.#used + weight > MOST_BYTES) {
        this.receiverQueue.push(request)
        budget.#waiting.add(this)
        return
      }
      budget.#used += weight
      try {
        await onrequest.call(this, request)
      } finally {
        budget.#used -= weight
        budget.#wake()
      }
    }
  }

  /** Nobody else begins with what is queued when nothing has to wait for a 'drain'. A queue is answered one by one. */
  #wake(): void {
    for (const peer of this.#waiting) {
      this.#waiting.delete(peer)
      peer._handleRequests().catch((error: Error) => peer.stream.destroy(error))
    }
  }
}
