import fs from 'node:fs'
import path from 'node:path'
import { DatError, systemCode } from '../base/errors.js'
import { FILE_STORE_PREFIX } from '../base/safe-path.js'
import {
  CHECK_SECONDS,
  type Claim,
  catchUp,
  EVERYTHING,
  fetchHistory,
  finish,
  isLater,
  refuseLater,
  refuseOther,
  refuseSeen,
  seeing,
  tooOld
} from './claim.js'
import { openClone } from './clone.js'
import { openDrive } from './drive.js'
import type { Identity } from './identity.js'
import { isKeptHere, keptIdOf } from './keep.js'
import { KeptShare } from './kept-share.js'
import { KeyFile } from './key-file.js'
import { homeOf, placeOfKeys } from './keys.js'
import { takeKeys } from './owner-keys.js'
import { lookForOwner } from './owner-search.js'
import { hasIndex, type Place, placeOf } from './place.js'
import { prepareOwner } from './prepare-owner.js'
import type { CommonOptions } from './session.js'
import { readStatus } from './status.js'
import { thisMachine } from './whereabouts.js'

export interface ImportOptions extends CommonOptions {
  /** The file of keys, absolute. */
  file: string
  /** A clone of the share; a new folder, to clone into; or, with `copied`, one that has its files by other means. */
  dir: string
  copied: boolean
  /** Asked for once the file is known to be whole. */
  passphrase: () => Promise<Buffer>
  /** Seconds to look for others with this share; null for what is usual. */
  timeout: number | null
}

export interface Imported {
  dir: string
  version: number
  /** Others with this share answered, and none of them knows of another owner. */
  checked: boolean
  /** Files here that differ from the share; the next `dat share` shares them as they are. */
  changed: number
}

/** Seconds to look for a peer to clone from. */
const CLONE_SECONDS = 60

/**
 * Makes this computer the owner of a share, by a file that `exportKeys` made elsewhere. Nothing is changed here before
 * it is known that the share is here up to what was exported, and that nobody who answers has seen a later owner.
 * @throws DatError KEY_FILE, PASSPHRASE, NOT_OWNER, NO_PEER, PARTIAL, DESTINATION_OCCUPIED, DESTINATION_OTHER,
 * INDEX_LOCKED
 */
export async function importKeys(options: ImportOptions): Promise<Imported> {
  const home = homeOf(options.home)
  const keys = await KeyFile.open(options.file, options.passphrase)
  try {
    const share: Claim = { ...keys.share, met: false }
    const { store } = options
    const root = path.resolve(options.dir)
    const there = (await isFile(root)) ? await placeOfKeys(root, store, home) : await placeIn(root, share.file, options)
    if (!hasIndex(there.store) && !(await isEmpty(root))) {
      if (!options.copied) throw occupied(options.dir)
      return await takeCopied(options, share, keys, await fs.promises.realpath(root))
    }
    if (!hasIndex(there.store)) await cloneFirst(options, share, root)
    const place = hasIndex(there.store) ? there : placeOf(await fs.promises.realpath(root), store, home)
    return await takeOver(options, place, share, async () => {
      await keep(home, place, share, keys.entries())
    })
  } finally {
    await keys.close()
  }
}

/**
 * Takes back what was exported from here, without its file.
 * @throws DatError NOT_OWNER, INDEX_LOCKED and the like
 */
export async function cancelExport(options: Omit<ImportOptions, 'file' | 'passphrase' | 'copied'>): Promise<Imported> {
  const home = homeOf(options.home)
  const place = await placeOfKeys(options.dir, options.store, home)
  const open = await openDrive({ place, create: null, readOnly: true })
  const { identity, ceded } = open
  const signers = (open.drive.core.manifest as { signers?: { publicKey: Buffer }[] } | null)?.signers
  await open.close()
  const kept = await KeptShare.open(home, keptIdOf(Buffer.from(identity.key, 'hex')))
  const publicKey = signers?.[0]?.publicKey.toString('hex')
  // One that was killed has put this right there, and not yet in the index.
  const begun = kept !== null && !kept.state.ceded && isKeptHere(kept, place)
  if (!kept || !publicKey || !ceded || (kept.state.ceded?.id !== ceded.id && !begun)) {
    throw new DatError('NOT_OWNER', `nothing was exported from ${place.root} that could be taken back`)
  }
  const { secret, fork, version } = kept.state
  const claim = { secret, publicKey, key: identity.key, file: identity.file, fork, version, met: false }
  return await takeOver(options, place, claim, async () => kept.save({ ceded: null }))
}

/** Where the index is, or will be. */
async function placeIn(root: string, file: string | null, { store, home }: ImportOptions): Promise<Place> {
  const real = await fs.promises.realpath(root).catch(() => root)
  const usual = placeOf(real, store, fs.existsSync(real) ? (home ?? null) : null)
  if (file === null || store !== null || hasIndex(usual.store)) return usual
  const own = { root: real, store: path.join(real, FILE_STORE_PREFIX + file) }
  return hasIndex(own.store) ? own : usual
}

async function isFile(name: string): Promise<boolean> {
  return (await fs.promises.stat(name).catch(() => null))?.isFile() ?? false
}

async function isEmpty(folder: string): Promise<boolean> {
  try {
    return (await fs.promises.readdir(folder)).length === 0
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
}

function occupied(dir: string): DatError {
  return new DatError('DESTINATION_OCCUPIED', `${dir} has files in it, and is no clone`, {
    hint:
      'name a clone of the share, or a new folder. If the files of the share were copied here by other means, add ' +
      '--copied: then this folder, as it is, becomes the share'
  })
}

async function cloneFirst(options: ImportOptions, share: Claim, root: string): Promise<void> {
  const link = { key: Buffer.from(share.key, 'hex'), version: null, addresses: [], relays: [], path: '' }
  const timeout = options.timeout ?? CLONE_SECONDS
  await finish(
    await openClone({ ...options, ...EVERYTHING, link, dir: root, parent: root, timeout, ...seeing(share) }),
    options.signal
  )
}

/** @param take keeps what a new owner keeps */
async function takeOver(
  options: Omit<ImportOptions, 'file' | 'passphrase' | 'copied'>,
  place: Place,
  claim: Claim,
  take: () => Promise<void>
): Promise<Imported> {
  const { signal } = options
  await refuseOther(place, claim)
  const checked = await catchUp(options, place, claim)
  refuseSeen(claim)
  await refuseLater(place, claim)
  await fetchHistory(options, place, claim)
  const { missing, complete, changed } = await readStatus({ dir: place.root, store: place.store, signal })
  if (!complete) {
    const failures = missing.map(({ path, reason }) => ({ path, reason }))
    throw new DatError('PARTIAL', `${place.root} does not have all of the share yet`, {
      failures,
      hint: 'run `dat pull` in it, then import again'
    })
  }
  const settled = claim.file === null || options.store !== null ? place : await renameStore(place, claim.file)
  await take()
  const home = homeOf(options.home)
  await prepareOwner(settled, await KeptShare.open(home, keptIdOf(Buffer.from(claim.key, 'hex'))))
  // Killed before this, it is a clone; after it, the owner, whoever opens it next.
  await takeKeys(settled, claim)
  const open = await openDrive({ place: settled, create: null, work: 'keys', home, moved: true })
  try {
    const dir = claim.file === null ? place.root : path.join(place.root, claim.file)
    return { dir, version: open.drive.version, checked, changed: changed.length }
  } finally {
    await open.close()
  }
}

/** The index of a share of one file has that name. */
async function renameStore(place: Place, file: string): Promise<Place> {
  const store = path.join(place.root, FILE_STORE_PREFIX + file)
  if (place.store === store) return place
  await fs.promises.rename(place.store, store)
  return { root: place.root, store }
}

async function keep(home: string, place: Place, share: Claim, entries: AsyncIterable<Buffer>): Promise<void> {
  const { ino: inode } = await fs.promises.stat(place.root)
  const identity: Identity = { role: 'owner', key: share.key, file: share.file }
  const { secret, fork, version } = share
  const where = { root: place.root, store: place.store, inode, machine: thisMachine() }
  const id = keptIdOf(Buffer.from(share.key, 'hex'))
  const kept = await KeptShare.create(home, id, { ...where, secret, identity, fork, version, ceded: null }, entries)
  if (kept.failed) {
    throw new DatError('PERMISSION', `cannot write in ${kept.folder}, where owners keep their keys`, {
      cause: kept.failed
    })
  }
}

/** The files are here, and no clone: the share comes back as one does that lost its index. */
async function takeCopied(options: ImportOptions, share: Claim, keys: KeyFile, root: string): Promise<Imported> {
  const home = homeOf(options.home)
  const store = options.store ?? path.join(root, share.file === null ? '.dat' : FILE_STORE_PREFIX + share.file)
  const known = await KeptShare.open(home, keptIdOf(Buffer.from(share.key, 'hex')))
  // Here already, by the same command: it was killed before it could say so.
  const done = known !== null && !known.state.ceded && isKeptHere(known, { root, store })
  if (known && !known.state.ceded && !done) {
    throw new DatError('USAGE', `this computer is the owner of this share already, in ${known.state.root}`, {
      hint: 'run `dat share` there'
    })
  }
  const newest = await lookForOwner({
    ...options,
    key: Buffer.from(share.key, 'hex'),
    publicKey: Buffer.from(share.publicKey, 'hex'),
    timeout: options.timeout ?? CHECK_SECONDS,
    onowner: () => {
      share.met = true
    }
  })
  refuseSeen(share)
  const { version } = done ? known.state : share
  if (newest && isLater(newest, done ? known.state : share)) throw tooOld()
  if (!done) await keep(home, { root, store }, share, keys.entries())
  const dir = share.file === null ? root : path.join(root, share.file)
  return { dir, version, checked: newest !== null, changed: 0 }
}
