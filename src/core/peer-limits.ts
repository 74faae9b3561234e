import type Hypercore from 'hypercore'
import type { PeerRange, ReplicationPeer } from 'hypercore'
import Protomux from 'protomux'
import type { NoiseStream } from '../transport/transport.js'

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

/** Bounds what a peer that knows the link can have Hypercore keep of it. To be called once for each core's peer. */
export function limitPeer(core: Hypercore, peer: ReplicationPeer): void {
  limitClaims(core, peer)
  countProcessing(peer)
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
