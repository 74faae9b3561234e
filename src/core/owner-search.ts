import { DatError } from '../base/errors.js'
import { openDrive } from './drive.js'
import { firstContact } from './first-contact.js'
import { Replication } from './replication.js'
import type { CommonOptions } from './session.js'
import { makeTemporaryFolder } from './temporary-folder.js'

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
  const folder = await makeTemporaryFolder('owner')
  const place = { root: folder.path, store: folder.path }
  try {
    const open = await openDrive({ place, create: { role: 'clone', key } })
    try {
      const replication = await Replication.start({ open, network, report, seeOwner: { publicKey, onowner } })
      try {
        if (!(await firstContact(open, replication, { timeout, endEarly: true, report, signal }))) {
          throw new DatError('INTERRUPTED', 'interrupted')
        }
        await listen(signal)
        const { fork, length } = open.drive.core
        return { fork, length }
      } finally {
        await replication.close()
      }
    } finally {
      await open.close()
    }
  } catch (error) {
    if (error instanceof DatError && (error.code === 'NO_PEER' || error.code === 'DENIED')) return null
    throw error
  } finally {
    await folder.remove()
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
