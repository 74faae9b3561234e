import { DatError } from '../base/errors.js'
import { openDrive } from './drive.js'
import { isUnserved } from './first-contact.js'
import type { ExportedShare } from './key-file.js'
import type { Place } from './place.js'
import { alsoAt } from './places.js'
import { openPull } from './pull.js'
import { Replication } from './replication.js'
import { readSaved } from './saved-clone.js'
import type { CommonOptions, Session } from './session.js'

/** What one needs to own a share, wherever it comes from. */
export interface Claim extends Pick<ExportedShare, 'secret' | 'publicKey' | 'key' | 'file' | 'fork' | 'version'> {
  /** An owner was met: one more than there may be. */
  met: boolean
}

/** Seconds to look for others when everything is here already. */
export const CHECK_SECONDS = 15
export const EVERYTHING = { include: [], exclude: [], dryRun: false, force: false }

export function seeing(share: Claim): { endEarly: boolean; seeOwner: { publicKey: Buffer; onowner(): void } } {
  const onowner = () => {
    share.met = true
  }
  return { endEarly: true, seeOwner: { publicKey: Buffer.from(share.publicKey, 'hex'), onowner } }
}

export async function finish(session: Session, signal: AbortSignal): Promise<void> {
  const onabort = () => void session.close()
  signal.addEventListener('abort', onabort, { once: true })
  try {
    await session.finished
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', onabort)
    await session.close()
  }
}

/** @throws DatError DESTINATION_OTHER, USAGE */
export async function refuseOther(place: Place, claim: Claim): Promise<void> {
  const open = await openDrive({ place, create: null, readOnly: true })
  try {
    const { identity, ceded } = open
    if (identity.key !== claim.key) {
      throw new DatError('DESTINATION_OTHER', `${place.root} belongs to another link than these keys`, {
        hint: 'name a clone of that share, or a new folder'
      })
    }
    if (identity.role === 'owner' && !ceded) {
      throw new DatError('USAGE', `${place.root} is the owner of this share already`, { hint: 'run `dat share`' })
    }
    const { under, include, exclude } = await readSaved(open)
    if (under !== '' || include.length > 0 || exclude.length > 0) {
      throw new DatError(
        'PARTIAL',
        `${place.root} is a clone of a part of the share: the rest would be removed from it`,
        {
          hint: 'run `dat clone` for all of it, or import into a new folder'
        }
      )
    }
  } finally {
    await open.close()
  }
}

/**
 * Gets what a clone may do without and an owner may not: all of the list of files, with what was in it before.
 * @throws DatError NO_PEER, NOT_OWNER
 */
export async function fetchHistory(
  options: CommonOptions & { timeout: number | null },
  place: Place,
  claim: Claim
): Promise<void> {
  const { report, signal } = options
  const open = await openDrive({ place, create: null, work: 'keys' })
  try {
    const { core } = open.drive
    const { length } = core
    if (!core.core.bitfield.hasUnset(0, length)) return
    const network = alsoAt(options.network, await readSaved(open))
    const replication = await Replication.start({ open, network, report, seeOwner: seeing(claim).seeOwner })
    const download = core.download({ start: 0, end: length })
    try {
      await Promise.race([download.done(), timeLimit((options.timeout ?? CHECK_SECONDS) * 1000, signal)])
    } finally {
      download.destroy()
      await replication.close()
    }
    signal.throwIfAborted()
    refuseSeen(claim)
    if (!core.core.bitfield.hasUnset(0, length)) return
  } finally {
    await open.close()
  }
  throw new DatError(
    'NO_PEER',
    `the clone in ${place.root} does not have all of the history, and nobody else answered`,
    {
      hint: 'run `dat share` in the folder that was exported: it serves what it has; then import again'
    }
  )
}

/** Resolves when the time is over (0: never), or when it is aborted. @param ms of patience */
function timeLimit(ms: number, signal: AbortSignal): Promise<unknown> {
  const limit = ms > 0 ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : signal
  return new Promise((resolve) => limit.addEventListener('abort', resolve, { once: true }))
}

/** @returns whether somebody with this share answered */
export async function catchUp(
  options: CommonOptions & { timeout: number | null },
  place: Place,
  claim: Claim
): Promise<boolean> {
  const timeout = options.timeout ?? CHECK_SECONDS
  try {
    const given = { ...options, ...EVERYTHING, ...seeing(claim), timeout, dir: place.root, store: place.store }
    await finish(await openPull(given), options.signal)
    return true
  } catch (error) {
    // Met, and perhaps refused for what is different in the folder: whoever owns it must be known first.
    refuseSeen(claim)
    // Who is shut out learns no more than who meets nobody.
    if (isUnserved(error)) return false
    throw error
  }
}

export function refuseSeen(claim: Claim): void {
  if (!claim.met) return
  throw new DatError('NOT_OWNER', 'another computer owns this share, and serves it at this moment', {
    hint: 'to move the ownership from there: stop it, and run `dat keys export` there'
  })
}

/** @throws DatError NOT_OWNER, NO_PEER when the clone is not where the export was */
export async function refuseLater(place: Place, claim: Claim): Promise<void> {
  const open = await openDrive({ place, create: null, readOnly: true })
  const { fork, length } = open.drive.core
  await open.close()
  if (isLater({ fork, length }, claim)) throw tooOld()
  if (fork === claim.fork && length === claim.version) return
  throw new DatError('NO_PEER', `the clone in ${place.root} is older than what was exported`, {
    hint:
      'run `dat share` in the folder that was exported: it serves what it has; then import again. Or copy its files ' +
      'into a new folder, and import there with --copied'
  })
}

/** Whether a history went on after an export: so somebody owned it since. */
export function isLater(history: { fork: number; length: number }, claim: Pick<Claim, 'fork' | 'version'>): boolean {
  return history.fork > claim.fork || (history.fork === claim.fork && history.length > claim.version)
}

export function tooOld(): DatError {
  return new DatError('NOT_OWNER', 'the share went on after this export: another computer owns it by now', {
    hint: 'use the newest file of keys; or run `dat keys export` where the share is owned now'
  })
}
