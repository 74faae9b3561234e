import type { Hyperbee } from 'hyperdrive'
import { DatError } from '../base/errors.js'
import type { OpenDrive } from './drive.js'
import { datKeys, HISTORY, historyKeys, readHistory, readState, type ShareState, STATE, stateIn } from './entry.js'

/** Before it there is only the header. */
const FIRST = 2

/** @param newest version that is known */
export function noVersion(version: number, newest: number): DatError {
  return new DatError('NO_VERSION', `there is no version ${version} of this share: the newest is ${newest}`)
}

/**
 * The first version from `version` on at which a drive can be looked at. Changes that were made together are numbered
 * one by one, but Hyperbee writes its tree only with the last of them.
 * @throws DatError NO_VERSION
 */
export async function settledVersion({ drive }: OpenDrive, version: number): Promise<number> {
  if (version > drive.version) throw noVersion(version, drive.version)
  for (let settled = Math.max(FIRST, version); settled < drive.version; settled++) {
    const bee = drive.db.checkout(settled)
    try {
      await bee.get(STATE, datKeys)
      return settled
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    } finally {
      await bee.close()
    }
  }
  return drive.version
}

/**
 * The entries of a drive as they were in a version; null for the newest.
 * @throws DatError NO_VERSION
 */
export async function beeAt(open: OpenDrive, version: number | null): Promise<Hyperbee> {
  if (version === null) return open.drive.db
  return open.drive.db.checkout(await settledVersion(open, version))
}

/**
 * How the entries of a version stand to the content core as it is here. `now`: they are of its fork. `before`: of an
 * earlier one, which left its content where it was. `apart`: the places that they name may have other content, since
 * only one of the two cores of the drive has reached the fork so far; both go on in forks of one number.
 */
export type Standing = 'now' | 'before' | 'apart'

/** @param bee a version of the drive. A drive that was not made by dat does not say: its entries are of `now` */
export async function standingOf(bee: Hyperbee, { drive }: OpenDrive): Promise<Standing> {
  const fork = drive.blobs?.core.fork
  const state = readState((await bee.get<unknown>(STATE, { ...datKeys }))?.value)
  if (state === null || fork === undefined || state.fork === fork) return 'now'
  return state.fork < fork && drive.core.fork >= fork ? 'before' : 'apart'
}

/**
 * The versions at which a share was complete, the newest first.
 * @param changes that are looked at, at most
 */
export async function* completeVersions(
  { drive }: OpenDrive,
  changes = Number.POSITIVE_INFINITY
): AsyncGenerator<{ version: number; state: ShareState }> {
  let seen = 0
  for await (const change of drive.db.createHistoryStream({ ...historyKeys, reverse: true })) {
    if (++seen > changes) return
    const state = stateIn(change)
    if (state?.complete) yield { version: change.seq + 1, state }
  }
}

/** Tells peers from which version on everything is kept. */
export async function tellHistory({ drive }: OpenDrive, from: number): Promise<void> {
  const batch = drive.db.batch()
  await batch.put(HISTORY, { from }, datKeys)
  await batch.flush()
}

/** The oldest version of which the owner keeps everything; null where no history is kept. */
export async function oldestVersion({ drive }: OpenDrive): Promise<number | null> {
  return readHistory((await drive.db.get<unknown>(HISTORY, datKeys))?.value)?.from ?? null
}

/** Which versions can still be had from the owner, in a sentence. */
export async function whatIsKept(open: OpenDrive): Promise<string> {
  const from = await oldestVersion(open)
  if (from === null) return 'no older versions are kept: that begins with `dat share --history`'
  return `everything is kept from version ${from} on; \`dat log\` lists the versions`
}
