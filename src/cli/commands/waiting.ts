import type { Report } from '../../base/events.js'
import type { NetworkOptions } from '../../transport/transport.js'

/** Milliseconds without a peer after which a download asks what the network allows: most find one in less. */
const PATIENCE_MS = 2500

export interface Waiting {
  /** Passes events on, and learns from them whether somebody was met. */
  report: Report
  close(): void
}

/**
 * While nobody is found, looks in the background at what this network allows, as `dat doctor` does, and says the verdict
 * in one line. A network in which all is well is not worth a line.
 * @param options.from when to look: once a download has waited for a while, or once a share knows that nobody outside can
 *   reach it
 */
export function explainWaiting(
  given: { network: NetworkOptions; report: Report; signal: AbortSignal },
  { from }: { from: 'waiting' | 'stalled' }
): Waiting {
  const { network, report, signal } = given
  const end = new AbortController()
  let met = false
  let began = false
  const look = async (): Promise<void> => {
    if (began || met || end.signal.aborted) return
    began = true
    const { quickCheck } = await import('../../diagnostics/quick.js')
    const { severity, title, advice } = await quickCheck(network, AbortSignal.any([signal, end.signal]))
    if (met || end.signal.aborted || signal.aborted || severity === 'ok') return
    report({ type: 'note', message: [title, advice[0]].filter(Boolean).join(' '), important: true })
  }
  const begin = (): void => void look().catch(() => {})
  // With neither there is nothing to ask: the local network says itself what it finds.
  const asks = network.dht || (network.relays ?? []).length > 0
  const timer = asks && from === 'waiting' ? setTimeout(begin, PATIENCE_MS) : undefined
  return {
    report: (event) => {
      if (event.type === 'peer.connected') {
        met = true
        clearTimeout(timer)
      }
      if (event.type === 'stalled' && asks) begin()
      report(event)
    },
    close: () => {
      clearTimeout(timer)
      end.abort()
    }
  }
}
