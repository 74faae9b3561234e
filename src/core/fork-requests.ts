import type Hypercore from 'hypercore'
import type { ReplicationPeer } from 'hypercore'

/**
 * Lets a core follow its owner into another fork also where the owner has none of the old blocks any more. To find out
 * where the two histories part Hypercore 11.37.1 asks for tree nodes, but only at blocks that the peer has; with none
 * of them it asks for nothing, and waits for ever. An owner has the nodes of all blocks, whether it has these or not.
 */
export function followForks(peer: ReplicationPeer): void {
  const { _requestForkRange: requestForkRange } = peer
  peer._requestForkRange = function anywhere(reorg) {
    if (requestForkRange.call(this, reorg)) return true
    const want = reorg.batch?.want
    if (!want || reorg.fork !== this.remoteFork) return false
    const end = Math.min(want.end, this.remoteLength)
    const request = end > want.start ? this._makeRequest(false, 0, 0) : null
    if (!request) return false
    const index = want.start + Math.floor(Math.random() * (end - want.start))
    request.hash = { index: 2 * index, nodes: want.nodes }
    reorg.inflight.push(request)
    this._send(request)
    return true
  }
}

/**
 * Keeps the core of an owner from following anybody. Hypercore takes over any later fork that is signed with the core's
 * key, also where the core is written: what is written next would then go on in a history that somebody else writes.
 * @param onfork is told of each that was signed, and so of another owner; nobody else can bring it about
 */
export function refuseForks({ core }: Hypercore, onfork: (fork: number) => void): void {
  const { verifyReorg } = core
  core.verifyReorg = async function refuse(proof) {
    await verifyReorg.call(this, proof)
    onfork(proof.fork)
    throw new Error('an owner follows nobody')
  }
}
