import type Hypercore from 'hypercore'
import { DatError, systemCode } from '../base/errors.js'
import type { Report } from '../base/events.js'
import type { Outlook } from '../transport/outlook.js'
import type { OpenDrive } from './drive.js'
import type { Replication } from './replication.js'

const LOOK_MS = 250

export interface ContactOptions {
  /** Seconds until it gives up; 0 waits for ever. */
  timeout: number
  /** Give up sooner when there is evidence that nobody can be found now. */
  endEarly: boolean
  report: Report
  signal: AbortSignal
}

/**
 * Waits for a peer that has the drive, and for the newest version that it knows.
 * @returns the content core; null if `signal` ended it
 * @throws DatError NO_PEER, DENIED where nobody is served without an invite
 */
export async function firstContact(
  open: OpenDrive,
  { network, door }: Pick<Replication, 'network' | 'door'>,
  { timeout, endEarly, report, signal }: ContactOptions
): Promise<Hypercore | null> {
  const { core } = open.drive
  let timer: NodeJS.Timeout | undefined
  let look: NodeJS.Timeout | undefined
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
  const hopeless = new Promise<Hopeless | DatError>((resolve) => {
    const began = performance.now()
    let told: Outlook = 'unknown'
    look = setInterval(() => {
      const { outlook } = network
      const inviteOnly = endEarly ? door.inviteOnlyFor(network) : null
      if (inviteOnly) return resolve(inviteOnly)
      if (outlook === told) return
      told = outlook
      if (outlook === 'unknown') return
      if (endEarly) return resolve(outlook)
      const seconds = Math.round((performance.now() - began) / 1000)
      const { message, hint } = HOPELESS[outlook]
      report({ type: 'stalled', seconds, reason: `${message}; ${hint}` })
    }, LOOK_MS)
  })
  const done = core.findingPeers()
  try {
    const first = await Promise.race([found, late, aborted, hopeless, door.denied])
    clearInterval(look)
    if (first === 'aborted') return null
    if (first instanceof DatError) throw first
    const none = () =>
      door.inviteOnly ?? new DatError('NO_PEER', `no computer with this share answered within ${timeout} seconds`)
    if (first === 'late') throw none()
    if (first !== 'found')
      throw door.inviteOnly ?? new DatError('NO_PEER', HOPELESS[first].message, { hint: HOPELESS[first].hint })
    done()
    // All that the drive's own core has: small, and its header names the content core.
    core.download({ start: 0, end: -1 })
    // One that looks for the share itself, and has nothing of it, is not the peer that was waited for.
    const known = core.length > 0 ? new Promise<never>(() => {}) : late
    const over = door.denied.then((error) => Promise.reject(error))
    over.catch(() => {})
    const newest = await Promise.race([core.update({ wait: true }), aborted, known, over])
    if (newest === 'aborted') return null
    const content = newest === 'late' ? 'late' : await Promise.race([open.content(), aborted, known, over])
    if (content === 'late') throw none()
    return content === 'aborted' ? null : content
  } catch (error) {
    throw shareError(error)
  } finally {
    done()
    clearTimeout(timer)
    clearInterval(look)
    signal.removeEventListener('abort', onabort)
  }
}

/** Whether an error says that nobody served this end: nobody was met, or nobody lets it in. */
export function isUnserved(error: unknown): error is DatError {
  return error instanceof DatError && (error.code === 'NO_PEER' || error.code === 'DENIED')
}

/** What a peer sent is signed by the share's maker, and yet no share: that is not a bug of this program. */
export function shareError(error: unknown): unknown {
  const noShare = systemCode(error) === 'DECODING_ERROR' || /Blob store key/.test(String(error))
  if (!noShare) return error
  return new DatError('NOT_A_LINK', 'what this link leads to is not a share of files', {
    hint: 'ask the owner for a new link',
    cause: error
  })
}

type Hopeless = Exclude<Outlook, 'unknown'>

export const HOPELESS: Record<Hopeless, { message: string; hint: string }> = {
  blocked: {
    message:
      'nothing outside answers this computer: no node of the DHT over UDP, no relay, and nobody nearby has this share',
    hint: 'is this computer online? If it is, its network blocks the way out: run `dat doctor`'
  },
  nobody: {
    message: 'no computer shares this link right now: the other one is off, or its network lets nothing out',
    hint: 'is `dat share` running there? If it is, run `dat doctor` on both computers'
  }
}
