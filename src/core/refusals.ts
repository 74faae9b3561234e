import type { ReplicationPeer } from 'hypercore'

/** A file whose blocks a peer did not have is asked for again after this long, in ms; each time after twice as long. */
const FIRST_WAIT_MS = 1000
const MAX_WAIT_MS = 8000
/** Files for each peer; what is refused beyond them is asked for again at once. */
const MAX_REFUSED = 4096

/** A run of blocks: one file. */
export interface Run {
  start: number
  end: number
}

interface Refused extends Run {
  until: number
  wait: number
}

/**
 * What peers could not give of what they say they have: a file that was altered or cannot be read. Hypercore asks for
 * the first missing block of a range again at once, and for nothing behind it: one such file would keep all others
 * from coming.
 */
export class Refusals {
  readonly #runOf: (index: number) => Run | null
  /** By peer, in the order of their blocks. */
  readonly #refused = new WeakMap<ReplicationPeer, Refused[]>()

  /** @param runOf the file that a block is fetched for now; null for what is not asked for by ranges */
  constructor(runOf: (index: number) => Run | null) {
    this.#runOf = runOf
  }

  /** Looks out for what a peer refuses, and asks it for other files first. */
  watch(peer: ReplicationPeer): void {
    const refused: Refused[] = []
    this.#refused.set(peer, refused)
    const { onnodata, _requestRangeBatch: requestRangeBatch } = peer
    const runOf = this.#runOf
    peer.onnodata = function remember(message) {
      const index = this.replicator._inflight.get(message.request)?.block?.index
      onnodata.call(this, message)
      const run = index === undefined ? null : runOf(index)
      if (run === null || !add(refused, run)) return
      // It is not asked again at once, so there is no reason to pause.
      this.stats.notAvailableBackoffs = Math.max(0, this.stats.notAvailableBackoffs - 1)
    }
    peer._requestRangeBatch = function skip(start, end, length) {
      if (refused.length === 0) return requestRangeBatch.call(this, start, end, length)
      const now = performance.now()
      let at = start
      for (const run of refused) {
        if (run.until <= now || run.end <= at) continue
        if (run.start >= end) break
        if (run.start > at && requestRangeBatch.call(this, at, run.start, length)) return true
        at = run.end
      }
      return at < end && requestRangeBatch.call(this, at, end, length)
    }
  }

  /** Whether a peer may be asked again for something by now. */
  isOver(peer: ReplicationPeer): boolean {
    const now = performance.now()
    return this.#refused.get(peer)?.some(({ until }) => until <= now) ?? false
  }
}

function add(refused: Refused[], run: Run): boolean {
  let i = refused.findIndex(({ start }) => start >= run.start)
  if (i === -1) i = refused.length
  const known = refused[i]?.start === run.start ? refused[i] : undefined
  const wait = known ? Math.min(MAX_WAIT_MS, known.wait * 2) : FIRST_WAIT_MS
  const until = performance.now() + wait
  // Of several blocks that were under way together, the first counts.
  if (known && known.end === run.end && known.until > performance.now()) return true
  if (!known && refused.length >= MAX_REFUSED) return false
  refused.splice(i, known ? 1 : 0, { ...run, wait, until })
  return true
}
