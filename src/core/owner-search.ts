import { DatError } from '../base/errors.js'
import { firstContact, isUnserved } from './first-contact.js'
import type { CommonOptions } from './session.js'
import { openTemporary } from './temporary-clone.js'

/** Owners say who they are when a channel opens; this long after the first contact all that are there have. */
const LISTEN_MS = 1500

export interface SearchOptions extends CommonOptions {
  key: Buffer
  publicKey: Buffer
  /** Seconds to wait for a peer. */
  timeout: number
  onowner(): void
}

/**
 * Looks which history of a share others have, and whether an owner is among them, through a temporary index.
 * @returns null if nobody answered
 */
export async function lookForOwner(options: SearchOptions): Promise<{ fork: number; length: number } | null> {
  const { key, publicKey, network, report, signal, timeout, onowner } = options
  const { open, replication, close } = await openTemporary('owner', {
    ...{ key, network, report },
    seeOwner: { publicKey, onowner }
  })
  try {
    if (!(await firstContact(open, replication, { timeout, endEarly: true, report, signal }))) {
      throw new DatError('INTERRUPTED', 'interrupted')
    }
    await listen(signal)
    const { fork, length } = open.drive.core
    return { fork, length }
  } catch (error) {
    if (isUnserved(error)) return null
    throw error
  } finally {
    await close()
  }
}

function listen(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, LISTEN_MS)
    signal.addEventListener('abort', done, { once: true })
  })
}
