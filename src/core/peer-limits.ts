import type Hypercore from 'hypercore'
import type { PeerRange, PeerRequest, ReplicationPeer } from 'hypercore'
import Protomux from 'protomux'
import type { NoiseStream } from '../transport/transport.js'

/** Requests of one peer that wait for an answer: Hypercore itself has at most 512 under way. */
const MAX_REQUESTS = 2048
/** Requests of one peer that are answered at once: a block in memory for each. */
const MAX_ANSWERS = 16
/** What Hypercore may keep of what a peer has is one bit for each block: 8 MiB of them. */
const MAX_BLOCKS = 64 * 1024 * 1024
/** Bits are kept, and sent, in pieces of this many blocks. */
const SEGMENT_BLOCKS = 2 * 1024 * 1024

/**
 * A message that cannot be read costs the peer its stream, and nothing else. By itself Protomux takes a SyntaxError or a
 * RangeError, which a few wrong bytes can bring about, for an error of the program, and ends the process.
 */
export function survive(stream: NoiseStream): void {
  const mux = Protomux.from(stream)
  const end = (error: unknown): void => {
    stream.destroy(error instanceof Error ? new Error('a message could not be read', { cause: error }) : undefined)
  }
  mux._safeDestroy = end
  mux._safeDestroyBound = end
  mux._warn = () => {}
}

/** Bounds what a peer that knows the link can make Hypercore keep in memory. To be called once for each core's peer. */
export function limitPeer(core: Hypercore, peer: ReplicationPeer): void {
  limitRequests(peer)
  limitClaims(core, peer)
  countProcessing(peer)
}

/**
 * Hypercore 11.37.1 begins to answer whatever comes while nothing waits to be sent, however much it is, and queues the
 * rest without a bound.
 */
function limitRequests(peer: ReplicationPeer): void {
  const { onrequest } = peer
  let answering = 0
  peer.onrequest = async function limited(request: PeerRequest) {
    if (this.remoteRequests.size >= MAX_REQUESTS) throw new Error('it asks for too much at once')
    if (answering >= MAX_ANSWERS) {
      this._cancel(request.id)
      this.remoteRequests.set(request.id, request)
      this.receiverQueue.push(request)
      return
    }
    answering++
    try {
      await onrequest.call(this, request)
    } finally {
      answering--
    }
    // Nobody else begins with the queue when nothing has to wait for a 'drain'.
    if (this.receiverQueue.length > 0) await this._handleRequests()
  }
}

/** Claims of blocks beyond the end would be written down bit by bit, with no end. */
function limitClaims(core: Hypercore, peer: ReplicationPeer): void {
  const { onrange, onbitfield } = peer
  const check = (end: number): void => {
    // Nobody has more than who makes it; who downloads may hear of blocks before hearing of the new length.
    const most = core.writable ? core.length : Math.max(core.length, MAX_BLOCKS)
    if (end > most + SEGMENT_BLOCKS) throw new Error('it claims to have what there is not')
  }
  peer.onrange = function limited(range: PeerRange) {
    check(range.start + range.length)
    return onrange.call(this, range)
  }
  peer.onbitfield = function limited(field) {
    check(field.start + field.bitfield.byteLength * 8)
    onbitfield.call(this, field)
  }
}

/**
 * Counts blocks that have arrived but are not yet verified and written as still under way. Hypercore asks for the next
 * block as soon as one arrives: with a disk that is slower than the network, memory would fill with what waits for it.
 */
function countProcessing(peer: ReplicationPeer): void {
  const { getMaxInflight } = peer
  peer.getMaxInflight = function limit() {
    return Math.max(0, getMaxInflight.call(this) - this.dataProcessing)
  }
}
