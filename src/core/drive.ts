import fs from 'node:fs'
import path from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import Rache from 'rache'
import { DatError, fileError } from '../base/errors.js'
import { formatLink } from '../base/link.js'
import { STORE_NAME } from '../base/safe-path.js'
import { Scope } from '../base/scope.js'
import { Archive } from '../storage/archive.js'
import { holdRoot } from '../storage/beneath.js'
import { ContentFiles } from '../storage/content-files.js'
import { InPlaceStorage } from '../storage/core-storage.js'
import { isMovedDatabase, settleDatabase } from '../storage/device-file.js'
import { FileIndex } from '../storage/file-index.js'
import { FileWorkers } from '../storage/file-workers.js'
import { treeNode } from '../storage/tree-nodes.js'
import { readAddressLimit, refuseSmallAddressSpace, workerThreads } from './address-space.js'
import { beginSession, endSession, startSession } from './crashes.js'
import { isBehind, renewHistory } from './history.js'
import { signHolder } from './holder.js'
import { CEDED, type Ceded, IDENTITY, type Identity, OUTRUN, type Outrun, TAKEN, type Taken } from './identity.js'
import { findKept, keep, keepCeded, keptId } from './keep.js'
import { KeptShare } from './kept-share.js'
import { openError } from './open-error.js'
import { cededFrom, giveUpKeys, outrunBy } from './owner-keys.js'
import { hasIndex, INDEX_FOLDER, type Place, removeStillborn } from './place.js'
import { refuseSecondCopy, type Whereabouts, whereabouts } from './whereabouts.js'

export { awayStore, hasIndex, type Place, placeOf } from './place.js'

/** Entries that Hyperbee keeps decoded, about 1 kB each; its own default of 65,536 is sized for servers. */
const CACHED_ENTRIES = 768
const WHEREABOUTS = 'whereabouts'
const PARTIAL_FOLDER = 'partial'
const HISTORY_FOLDER = 'history'

export interface OpenDriveOptions {
  place: Place
  /** What to make if there is no index yet; null to open an existing one only. */
  create: { role: 'owner'; file: string | null } | { role: 'clone'; key: Buffer } | null
  /** Look at an index that another dat may be using, changing nothing. */
  readOnly?: boolean
  /** What is done with it, for whoever comes while it is in use: `share`, `clone` and so on. */
  work?: string
  /** Where owners keep what brings a lost share back; null to keep nothing. */
  home?: string | null
  /** This is where the share is now, although something else is known of it. */
  moved?: boolean
  /** Make a new link, even where an earlier one could be had back. */
  newLink?: boolean
}

/** An open drive with its index and its files. */
export interface OpenDrive {
  readonly place: Place
  /** The folder of the files, to get at them: the one that was opened, whatever takes its name later. */
  readonly root: string
  readonly identity: Identity
  readonly drive: Hyperdrive
  readonly store: Corestore
  readonly index: FileIndex
  readonly files: ContentFiles
  /** What files had before, as far as it is kept. */
  readonly archive: Archive
  readonly workers: FileWorkers
  /**
   * When an earlier opening began that the machine going down has ended, in milliseconds since 1970: what was written
   * since then may be lost. null after a clean end, or if only the program was killed.
   */
  readonly since: number | null
  /** This index is a copy of another: the files have other inodes than it knows. */
  readonly copied: boolean
  /** This was the owner until the ownership was exported; null for everybody else. */
  readonly ceded: Ceded | null
  /** What an owner keeps beside the index; null for a clone, and without a place for it. */
  readonly kept: KeptShare | null
  /** The history goes on in a new fork from this opening on. */
  readonly renewed: boolean
  /** The link of an earlier share of a folder with this name, which was not taken up again. */
  readonly earlier: string | null
  /** Makes the index as small as it can be; worth it after many changes. */
  compact(): Promise<void>
  /** What was written since then was checked. */
  settle(): Promise<void>
  /** The content core; for a clone it is known once a first peer sent the drive's header. */
  content(): Promise<Hypercore>
  close(): Promise<void>
}

/**
 * Opens the drive of a place, or makes it.
 * @throws DatError NOT_A_CLONE, INDEX_LOCKED, INDEX_DAMAGED, DISK_FULL, PERMISSION, MEMORY_LIMIT
 */
export async function openDrive(options: OpenDriveOptions): Promise<OpenDrive> {
  try {
    return await openHere(options)
  } catch (error) {
    if (options.readOnly || !isMovedDatabase(error)) throw await openError(error, options.place)
  }
  try {
    await settleCopy(options)
    return await openHere(options)
  } catch (error) {
    throw await openError(error, options.place)
  }
}

/** The index is a copy: lets it be used, unless the original may be used as well. @throws DatError INDEX_COPIED */
async function settleCopy({ place, moved }: OpenDriveOptions): Promise<void> {
  const folder = path.join(place.store, INDEX_FOLDER)
  const storage = new InPlaceStorage(folder, { readOnly: true })
  try {
    await storage.ready()
    const index = new FileIndex(storage.db)
    const identity = await index.getMeta<Identity>(IDENTITY)
    const last = await index.getMeta<Whereabouts>(WHEREABOUTS)
    const here = await whereabouts(place, folder)
    if (identity?.role === 'owner' && last && !moved) await refuseSecondCopy(last, here, INDEX_FOLDER)
  } finally {
    await storage.close()
  }
  await settleDatabase(folder)
}

async function openHere(options: OpenDriveOptions): Promise<OpenDrive> {
  const { place, create, readOnly = false, home = null } = options
  const space = readAddressLimit()
  refuseSmallAddressSpace(space)
  const folder = path.join(place.store, INDEX_FOLDER)
  if (!readOnly) await removeStillborn(folder)
  if (!hasIndex(place.store)) {
    if (!create) throw new DatError('NOT_A_CLONE', `${place.root} was neither shared nor cloned with dat`)
    try {
      await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      throw fileError(error, `make the index folder ${place.store}`)
    }
  }
  const scope = new Scope()
  try {
    const earlier = home && create?.role === 'owner' ? await findKept(home, place, create.file) : null
    const gone = earlier?.here && !hasIndex(place.store) && !options.newLink ? earlier.kept.state.ceded : null
    if (gone) throw cededFrom(place, gone)
    const again = earlier && !options.newLink && (options.moved || earlier.here) ? earlier.kept : null
    const secret = again && !hasIndex(place.store) ? Buffer.from(again.state.secret, 'hex') : null
    const storage = new InPlaceStorage(folder, { readOnly })
    const globalCache = new Rache({ maxSize: CACHED_ENTRIES })
    const primaryKey = secret ? { primaryKey: secret, unsafe: true } : {}
    const store = new Corestore(storage, { globalCache, ...primaryKey, ...(readOnly ? { readOnly: true } : {}) })
    scope.defer(() => store.close())
    await store.ready()
    const index = new FileIndex(storage.db)
    let known = await index.getMeta<Identity>(IDENTITY)
    if (!known && !create) throw new DatError('NOT_A_CLONE', `${place.root} was neither shared nor cloned with dat`)
    const ceded = await index.getMeta<Ceded | null>(CEDED)
    if (known?.role === 'owner' && ceded && !readOnly) known = await giveUpKeys(storage, index, known)
    // Else what is kept would bring the ownership back with a lost index.
    if (ceded && home && !readOnly) await keepCeded(home, place, known, ceded)
    const outrun = await index.getMeta<Outrun | null>(OUTRUN)
    if (known?.role === 'owner' && outrun && !readOnly && !options.moved) throw outrunBy(place, outrun)

    const key = known ? (known.role === 'clone' ? Buffer.from(known.key, 'hex') : null) : keyToMake(create)
    const { path: root, close } = holdRoot(place.root)
    scope.defer(close)
    const workers = new FileWorkers(workerThreads(space))
    scope.defer(() => workers.close())
    const archive = await Archive.open(path.join(place.store, HISTORY_FOLDER), index, workers)
    // It opens by itself at once: nothing may be waited for until it is heard which core has the content.
    const drive = new Hyperdrive(store, key)
    scope.defer(() => drive.close())
    const files = new ContentFiles({
      archive,
      index,
      root,
      partials: `${STORE_NAME}/${PARTIAL_FOLDER}`,
      workers,
      treeHash: (i) => treeHash(drive, i),
      has: (i) => drive.blobs?.core.core.bitfield.get(i) ?? false
    })
    scope.defer(() => files.close())
    drive.on('blobs', ({ core }: { core: Hypercore }) => storage.setContent(core.discoveryKey, files))
    await drive.ready()

    const identity = known ?? {
      role: create?.role ?? 'clone',
      key: drive.key.toString('hex'),
      file: create?.role === 'owner' ? create.file : null
    }
    const last = await index.getMeta<Whereabouts>(WHEREABOUTS)
    const here = await whereabouts(place, folder)
    const copied = last !== null && last.inode !== here.inode
    const owner = identity.role === 'owner' && !readOnly
    if (owner && last && !options.moved) await refuseSecondCopy(last, here, INDEX_FOLDER)
    const since = readOnly ? null : await beginSession(index)
    // On a full disk the session stays open: then the next one looks closer than it needs to.
    if (!readOnly) scope.defer(() => endSession(index).catch(() => {}))
    let kept: KeptShare | null = null
    let renewed = false
    const found = async () => {
      const batch = index.batch()
      batch.putMeta(IDENTITY, identity)
      batch.putMeta(WHEREABOUTS, here)
      batch.putMeta(OUTRUN, null)
      batch.putMeta(TAKEN, null)
      await batch.flush()
    }
    if (owner) {
      const own = { drive, content: (await drive.getBlobs()).core, index }
      kept = home ? await KeptShare.open(home, keptId(drive)) : null
      const taken = await index.getMeta<Taken | null>(TAKEN)
      const after = Math.max(taken?.fork ?? 0, outrun?.fork ?? 0)
      const behind =
        (!known && kept !== null) || copied || since !== null || (kept !== null && (await isBehind(own, kept)))
      renewed = behind || after > 0 || taken !== null
      if (renewed) await renewHistory(own, kept, after)
      // Only now is it a share: what was cut off before begins anew.
      await found()
      if (home) kept = await keep(own, home, kept, { store, identity, place })
    } else if (!known) await found()
    if (!readOnly) {
      const release = await signHolder(place.store, options.work ?? '')
      scope.defer(release)
    }
    return {
      copied: copied && !owner,
      ceded,
      kept,
      renewed,
      earlier: !known && !again && earlier ? formatLink(Buffer.from(earlier.kept.state.identity.key, 'hex')) : null,
      place,
      root,
      identity,
      since,
      settle: async () => {
        await startSession(index)
        const batch = index.batch()
        batch.putMeta(WHEREABOUTS, here)
        await batch.flush()
      },
      compact: () => storage.compact(),
      drive,
      store,
      index,
      files,
      archive,
      workers,
      content: async () => (await drive.getBlobs()).core,
      close: () => scope.close()
    }
  } catch (error) {
    await scope.close().catch(() => {})
    throw error
  }
}

function keyToMake(create: OpenDriveOptions['create']): Buffer | null {
  return create?.role === 'clone' ? create.key : null
}

/** The hash of a content block as the signed tree has it; null where the tree does not have it (yet). */
export async function treeHash(drive: Hyperdrive, block: number): Promise<Buffer | null> {
  const core = drive.blobs?.core
  return core ? ((await treeNode(core, block))?.hash ?? null) : null
}
