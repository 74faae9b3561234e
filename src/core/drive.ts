import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import Hyperdrive from 'hyperdrive'
import Rache from 'rache'
import { DatError, fileError, systemCode } from '../base/errors.js'
import { STORE_NAME } from '../base/safe-path.js'
import { Scope } from '../base/scope.js'
import { ContentFiles } from '../storage/content-files.js'
import { InPlaceStorage } from '../storage/core-storage.js'
import { FileIndex } from '../storage/file-index.js'
import { FileWorkers } from '../storage/file-workers.js'

/** Where a share or a clone keeps its files and its index. */
export interface Place {
  /** The folder of the files, absolute. */
  root: string
  /** The folder of the index, absolute: `<root>/.dat` unless --store says otherwise. */
  store: string
}

/** What an index says of itself; written once, when it is made. */
export interface Identity {
  role: 'owner' | 'clone'
  /** The link's key in hex. */
  key: string
  /** For a share of one file: its name. */
  file: string | null
}

const MAX_WORKERS = 4
/** Entries that Hyperbee keeps decoded, about 1 kB each; its own default of 65,536 is sized for servers. */
const CACHED_ENTRIES = 768
const IDENTITY = 'identity'
/** Below the store, since Corestore moves files that it does not know out of its own folder. */
const INDEX_FOLDER = 'index'
const PARTIAL_FOLDER = 'partial'

export interface OpenDriveOptions {
  place: Place
  /** What to make if there is no index yet; null to open an existing one only. */
  create: { role: 'owner'; file: string | null } | { role: 'clone'; key: Buffer } | null
  /** Look at an index that another dat may be using, changing nothing. */
  readOnly?: boolean
}

/** An open drive with its index and its files. */
export interface OpenDrive {
  readonly place: Place
  readonly identity: Identity
  readonly drive: Hyperdrive
  readonly store: Corestore
  readonly index: FileIndex
  readonly files: ContentFiles
  readonly workers: FileWorkers
  /**
   * When an earlier opening began that the machine going down has ended, in milliseconds since 1970: what was written
   * since then may be lost. null after a clean end, or if only the program was killed.
   */
  readonly since: number | null
  /** Makes the index as small as it can be; worth it after many changes. */
  compact(): Promise<void>
  /** What was written since then was checked. */
  settle(): Promise<void>
  /** The content core; for a clone it is known once a first peer sent the drive's header. */
  content(): Promise<Hypercore>
  close(): Promise<void>
}

/** Whether a folder has an index of dat in it. */
export function hasIndex(store: string): boolean {
  return fs.existsSync(path.join(store, INDEX_FOLDER, 'CORESTORE'))
}

/** The default place of a share or clone in `root`. */
export function placeOf(root: string, store: string | null): Place {
  return { root, store: store ?? path.join(root, STORE_NAME) }
}

/**
 * Opens the drive of a place, or makes it.
 * @throws DatError NOT_A_CLONE, INDEX_LOCKED, INDEX_DAMAGED, DISK_FULL, PERMISSION
 */
export async function openDrive(options: OpenDriveOptions): Promise<OpenDrive> {
  const { place, create, readOnly = false } = options
  const folder = path.join(place.store, INDEX_FOLDER)
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
    const storage = new InPlaceStorage(folder, { readOnly })
    const globalCache = new Rache({ maxSize: CACHED_ENTRIES })
    const store = new Corestore(storage, { globalCache, ...(readOnly ? { readOnly: true } : {}) })
    scope.defer(() => store.close())
    await store.ready()
    const index = new FileIndex(storage.db)
    const known = await index.getMeta<Identity>(IDENTITY)
    if (!known && !create) throw new DatError('NOT_A_CLONE', `${place.root} was neither shared nor cloned with dat`)

    const key = known ? (known.role === 'clone' ? Buffer.from(known.key, 'hex') : null) : keyToMake(create)
    const drive = new Hyperdrive(store, key)
    scope.defer(() => drive.close())
    const workers = new FileWorkers(Math.min(MAX_WORKERS, Math.max(2, os.availableParallelism())))
    scope.defer(() => workers.close())
    const partials = path.join(place.root, STORE_NAME, PARTIAL_FOLDER)
    const files = new ContentFiles({
      index,
      root: place.root,
      partials,
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
      file: fileToMake(create)
    }
    if (!known) {
      const batch = index.batch()
      batch.putMeta(IDENTITY, identity)
      await batch.flush()
    }
    const since = readOnly ? null : await beginSession(index)
    // On a full disk the session stays open: then the next one looks closer than it needs to.
    if (!readOnly) scope.defer(() => endSession(index).catch(() => {}))
    return {
      place,
      identity,
      since,
      settle: () => startSession(index),
      compact: () => storage.compact(),
      drive,
      store,
      index,
      files,
      workers,
      content: async () => (await drive.getBlobs()).core,
      close: () => scope.close()
    }
  } catch (error) {
    await scope.close().catch(() => {})
    throw openError(error, place)
  }
}

const SESSION = 'session'
/** The clock and the uptime do not tell the time of boot more exactly, in seconds. */
const BOOT_TOLERANCE = 30

interface OpenSession {
  /** When the machine was booted, in seconds since 1970. */
  boot: number
  /** When the index was opened, in milliseconds since 1970. */
  started: number
}

/** @returns when the earlier session began that ended with the machine; null if there was none */
async function beginSession(index: FileIndex): Promise<number | null> {
  const last = await index.getMeta<OpenSession | null>(SESSION)
  const crashed = last !== null && Math.abs(last.boot - bootTime()) > BOOT_TOLERANCE
  // Kept until what was written since then has been checked: another crash must not hide it.
  if (crashed) return last.started
  if (!last) await startSession(index)
  return null
}

function startSession(index: FileIndex): Promise<void> {
  return putSession(index, { boot: bootTime(), started: Date.now() })
}

async function endSession(index: FileIndex): Promise<void> {
  const last = await index.getMeta<OpenSession | null>(SESSION)
  if (last && Math.abs(last.boot - bootTime()) <= BOOT_TOLERANCE) await putSession(index, null)
}

async function putSession(index: FileIndex, session: OpenSession | null): Promise<void> {
  const batch = index.batch()
  batch.putMeta(SESSION, session)
  await batch.flush()
}

function bootTime(): number {
  return Math.round(Date.now() / 1000 - os.uptime())
}

function keyToMake(create: OpenDriveOptions['create']): Buffer | null {
  return create?.role === 'clone' ? create.key : null
}

function fileToMake(create: OpenDriveOptions['create']): string | null {
  return create?.role === 'owner' ? create.file : null
}

/** The hash of a content block as the signed tree has it; null where the tree does not have it (yet). */
export async function treeHash(drive: Hyperdrive, block: number): Promise<Buffer | null> {
  const core = drive.blobs?.core
  if (!core) return null
  const reader = core.core.storage.read()
  const pending = reader.getTreeNode(2 * block)
  reader.tryFlush()
  return (await pending)?.hash ?? null
}

function openError(error: unknown, place: Place): DatError {
  if (error instanceof DatError) return error
  const cause = error instanceof Error && error.cause instanceof Error ? ` ${error.cause.message}` : ''
  const message = `${error instanceof Error ? error.message : String(error)}${cause}`
  if (/could not be locked|lock hold by|Resource temporarily unavailable/i.test(message)) {
    return new DatError('INDEX_LOCKED', `another dat is working in ${place.root}`, { cause: error })
  }
  if (['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'].includes(systemCode(error))) {
    return fileError(error, `open the index in ${place.store}`)
  }
  if (/no space left|disk quota/i.test(message)) {
    return new DatError('DISK_FULL', `cannot open the index in ${place.store}: the disk is full`, { cause: error })
  }
  return new DatError('INDEX_DAMAGED', `the index in ${place.store} is damaged`, { cause: error })
}
