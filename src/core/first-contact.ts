import type Hypercore from 'hypercore'
import { DatError } from '../base/errors.js'
import type { OpenDrive } from './drive.js'

/**
 * Waits for a peer that has the drive, and for the newest version that it knows.
 * @param timeout seconds until it gives up; 0 waits for ever
 * @returns the content core; null if `signal` ended it
 * @throws DatError NO_PEER
 */
export async function firstContact(open: OpenDrive, timeout: number, signal: AbortSignal): Promise<Hypercore | null> {
  const { core } = open.drive
  let timer: NodeJS.Timeout | undefined
  let onabort = (): void => {}
  const aborted = new Promise<'aborted'>((resolve) => {
    onabort = () => resolve('aborted')
    if (signal.aborted) onabort()
    else signal.addEventListener('abort', onabort, { once: true })
  })
  const late = new Promise<'late'>((resolve) => {
    if (timeout > 0) timer = setTimeout(() => resolve('late'), timeout * 1000)
  })
  const found = new Promise<'found'>((resolve) => {
    if (core.peers.length > 0) resolve('found')
    else core.once('peer-add', () => resolve('found'))
  })
  const done = core.findingPeers()
  try {
    const first = await Promise.race([found, late, aborted])
    if (first === 'aborted') return null
    const none = () => new DatError('NO_PEER', `no computer with this share answered within ${timeout} seconds`)
    if (first === 'late') throw none()
    done()
    // All that the drive's own core has: small, and its header names the content core.
    core.download({ start: 0, end: -1 })
    // One that looks for the share itself, and has nothing of it, is not the peer that was waited for.
    const known = core.length > 0 ? new Promise<never>(() => {}) : late
    const newest = await Promise.race([core.update({ wait: true }), aborted, known])
    if (newest === 'aborted') return null
    const content = newest === 'late' ? 'late' : await Promise.race([open.content(), aborted, known])
    if (content === 'late') throw none()
    return content === 'aborted' ? null : content
  } finally {
    done()
    clearTimeout(timer)
    signal.removeEventListener('abort', onabort)
  }
}
