import type { PeerRequest, ReplicationPeer } from 'hypercore'
import { beforeEach, describe, expect, it } from 'vitest'
import { AnswerBudget } from '../../../src/core/answer-budget.js'

const MiB = 1024 * 1024

/** What Hypercore's peer does with requests, without a network below it: each answer ends when the test says so. */
class Answerer {
  readonly remoteRequests = new Map<number, PeerRequest>()
  readonly receiverQueue: PeerRequest[] = []
  readonly begun = new Map<number, () => void>()
  wakes = 0

  onrequest(request: PeerRequest): Promise<void> {
    this.remoteRequests.set(request.id, request)
    return new Promise((resolve) => {
      this.begun.set(request.id, () => {
        this.remoteRequests.delete(request.id)
        resolve()
      })
    })
  }

  _cancel(id: number): void {
    this.remoteRequests.delete(id)
  }

  async _handleRequests(): Promise<void> {
    this.wakes++
  }
}

let budget: AnswerBudget
beforeEach(() => {
  budget = new AnswerBudget()
})

function newPeer(length: number | null): { peer: Answerer; ask: (count: number) => Promise<void> } {
  const peer = new Answerer()
  budget.limit(peer as unknown as ReplicationPeer, async () => length)
  let id = 0
  const ask = async (count: number) => {
    for (let i = 0; i < count; i++) void peer.onrequest({ id: ++id, block: { index: id } })
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { peer, ask }
}

describe('what is read for peers at once', () => {
  it('is as many small blocks as they ask for, and few large ones', async () => {
    const small = newPeer(100)
    await small.ask(512)
    expect(small.peer.begun.size).toBe(512)

    budget = new AnswerBudget()
    const large = newPeer(MiB)
    await large.ask(512)
    expect([large.peer.begun.size, large.peer.receiverQueue.length]).toEqual([16, 496])
  })

  it('counts for all peers together, but the others are woken for every one that is done', async () => {
    const [one, other] = [newPeer(MiB), newPeer(MiB)]
    await one.ask(16)
    await other.ask(2)
    expect([one.peer.begun.size, other.peer.begun.size, other.peer.receiverQueue.length]).toEqual([16, 0, 2])
    one.peer.begun.get(1)?.()
    await new Promise((resolve) => setImmediate(resolve))
    expect(other.peer.wakes).toBe(1)
  })

  it('is one block at least, however large; and a block of unknown length counts as a large one', async () => {
    const huge = newPeer(64 * MiB)
    await huge.ask(2)
    expect(huge.peer.begun.size).toBe(1)
    huge.peer.begun.get(1)?.()
    await new Promise((resolve) => setImmediate(resolve))
    const unknown = newPeer(null)
    await unknown.ask(20)
    expect(unknown.peer.begun.size).toBe(16)
  })

  it('does not answer what was taken back while its length was looked up', async () => {
    const { peer, ask } = newPeer(100)
    const asked = ask(1)
    peer._cancel(1)
    await asked
    expect(peer.begun.size).toBe(0)
  })

  it('is refused beyond what any program asks for', async () => {
    const { peer, ask } = newPeer(100)
    await ask(2048)
    await expect(peer.onrequest({ id: 3000 })).rejects.toThrow('too much at once')
  })
})
