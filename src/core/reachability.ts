import type { Report } from '../base/events.js'
import type { Network } from '../transport/transport.js'

const LOOK_MS = 1000

const REASON =
  'nobody outside this local network can connect now: nothing out there answers this computer (no node of the DHT ' +
  'over UDP, no relay). It goes on by itself when that changes; to find out why, run `dat doctor`'

/** Says so, once, when those who share cannot be found from outside. */
export function watchReachability(network: Network, report: Report): { close(): void } {
  const began = performance.now()
  const timer = setInterval(() => {
    if (network.outlook !== 'blocked') return
    clearInterval(timer)
    report({ type: 'stalled', seconds: Math.round((performance.now() - began) / 1000), reason: REASON })
  }, LOOK_MS)
  timer.unref()
  return { close: () => clearInterval(timer) }
}
