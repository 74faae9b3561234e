import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { DatError, fileError, systemCode } from '../base/errors.js'
import { type OpenDrive, openDrive } from './drive.js'
import { datKeys, readState, STATE } from './entry.js'
import { PENDING } from './file-import.js'
import { CEDED, type Ceded } from './identity.js'
import type { KeptShare } from './kept-share.js'
import { type Effort, type ExportedShare, MESSAGE_ENTRIES, sealKeys } from './key-file.js'
import { homeOf, placeOfKeys, toExported } from './keys.js'
import { dateOf } from './owner-keys.js'
import type { OwnerKeys } from './ownership.js'
import type { Place } from './place.js'

export interface ExportOptions {
  dir: string
  store: string | null
  home?: string | null
  /** Where the keys go to: a new file, absolute; or whatever takes the pieces of one. */
  out: { file: string } | { write(piece: Buffer): Promise<void> }
  /** Asked for when nothing stands in the way any more. */
  passphrase: () => Promise<Buffer>
  /** What a guess at the passphrase is to cost; what is usual if left out. */
  effort?: Effort
  signal: AbortSignal
}

export interface Exported {
  dir: string
  version: number
  exported: { id: string; time: string; file: string }
}

/**
 * Writes what another computer needs to own a share, and makes this one a clone of it. Killed at any moment, this
 * computer is the owner still, or a whole file is there.
 * @throws DatError NOT_OWNER, USAGE, INDEX_LOCKED, DESTINATION_OCCUPIED, DISK_FULL, PERMISSION
 */
export async function exportKeys(options: ExportOptions): Promise<Exported> {
  const home = homeOf(options.home)
  const place = await placeOfKeys(options.dir, options.store, home)
  const open = await openDrive({ place, create: null, work: 'keys', home })
  let done: Exported
  try {
    done = await handOver(open, options)
  } finally {
    await open.close()
  }
  // The keys leave the index now; should that fail, at its next opening.
  const clone = await openDrive({ place, create: null, work: 'keys', home })
  await clone.close()
  return done
}

async function handOver(open: OpenDrive, { out, passphrase, effort, signal }: ExportOptions): Promise<Exported> {
  const { drive, identity, place, ceded } = open
  if (identity.role !== 'owner') {
    const was = ceded ? `: its ownership was exported on ${dateOf(ceded.time)} UTC, to ${ceded.file}` : ''
    throw new DatError('NOT_OWNER', `${place.root} is a clone${was}`)
  }
  const kept = await keptOf(open)
  if ('file' in out) await refuseInside(out.file, place)
  const time = Date.now()
  const file = 'file' in out ? path.basename(out.file) : 'standard output'
  const now: Ceded = { id: randomBytes(16).toString('hex'), time, file }
  const share: ExportedShare = {
    ...{ id: now.id, time, secret: kept.state.secret, key: identity.key, file: identity.file },
    publicKey: (drive.core.keyPair as OwnerKeys).publicKey.toString('hex'),
    fork: drive.core.fork,
    version: drive.core.length
  }
  const pieces = sealKeys(share, kept.entries(0, MESSAGE_ENTRIES), await refuseShort(passphrase), effort)
  const remove = 'file' in out ? await writeFile(out.file, pieces, signal) : async () => {}
  if ('write' in out) for await (const piece of pieces) await out.write(piece)
  try {
    signal.throwIfAborted()
    await cede(open, kept, now)
  } catch (error) {
    await remove()
    throw error
  }
  const dir = identity.file === null ? place.root : path.join(place.root, identity.file)
  return { dir, version: drive.core.length, exported: toExported(now) }
}

/** From now on the index is that of a clone, whatever happens: what is left to do is done when it is opened. */
async function cede({ index }: OpenDrive, kept: KeptShare, ceded: Ceded): Promise<void> {
  const put = async (value: Ceded | null): Promise<void> => {
    const batch = index.batch()
    batch.putMeta(CEDED, value)
    await batch.flush()
  }
  await put(ceded)
  await kept.save({ ceded })
  if (!kept.failed) return
  // Else a lost index would bring the ownership back.
  await put(null)
  throw fileError(kept.failed, `write in ${kept.folder}`)
}

/** What is kept of the share, when that is all of it, and all of it is what peers can have. */
async function keptOf({ drive, kept, content, index, place }: OpenDrive) {
  const core = await content()
  if (!kept || kept.failed || (await kept.length()) !== core.length) {
    throw fileError(kept?.failed ?? new Error('it is not complete'), `keep what another owner needs of ${place.root}`)
  }
  const state = readState((await drive.db.get<unknown>(STATE, datKeys))?.value)
  if (!state?.complete || state.fork !== core.fork || (await index.getMeta<string | null>(PENDING)) !== null) {
    throw new DatError('USAGE', `${place.root} is not indexed to the end yet`, {
      hint: 'run `dat share` until it is, stop it, and export again'
    })
  }
  return kept
}

const MIN_PASSPHRASE_BYTES = 8

async function refuseShort(ask: () => Promise<Buffer>): Promise<Buffer> {
  const passphrase = await ask()
  if (passphrase.length >= MIN_PASSPHRASE_BYTES) return passphrase
  throw new DatError('USAGE', `a passphrase has at least ${MIN_PASSPHRASE_BYTES} characters`, {
    hint: 'several words are good: who has the file and guesses the passphrase owns the share'
  })
}

/** What is written into the folder would be shared. */
async function refuseInside(file: string, place: Place): Promise<void> {
  const folder = await fs.promises.realpath(path.dirname(file)).catch((error) => {
    throw fileError(error, `write ${file}`)
  })
  if (folder === place.root || folder.startsWith(place.root + path.sep)) {
    throw new DatError('USAGE', `${file} would be in the shared folder itself`, {
      hint: 'choose another place: --out ~/share.keys'
    })
  }
  if (!fs.existsSync(file)) return
  throw new DatError('DESTINATION_OCCUPIED', `${file} exists`, { hint: 'choose another name with --out' })
}

/** @returns removes it again */
async function writeFile(
  file: string,
  pieces: AsyncIterable<Buffer>,
  signal: AbortSignal
): Promise<() => Promise<void>> {
  let handle: fs.promises.FileHandle
  try {
    handle = await fs.promises.open(file, 'wx', 0o600)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw fileError(error, `write ${file}`)
    throw new DatError('DESTINATION_OCCUPIED', `${file} exists`, { hint: 'choose another name with --out' })
  }
  const remove = () => fs.promises.rm(file, { force: true })
  try {
    // Whatever the umask.
    await handle.chmod(0o600)
    for await (const piece of pieces) {
      signal.throwIfAborted()
      await handle.writeFile(piece)
    }
    // The ownership leaves this computer with it: it must be on the disk.
    await handle.sync()
  } catch (error) {
    await handle.close()
    await remove()
    throw signal.aborted ? error : fileError(error, `write ${file}`)
  }
  await handle.close()
  return remove
}
