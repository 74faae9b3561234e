import { randomBytes } from 'node:crypto'
import path from 'node:path'
import Corestore from 'corestore'
import Hypercore from 'hypercore'
import crypto from 'hypercore-crypto'
import type { HypercoreStorage } from 'hypercore-storage'
import Hyperdrive from 'hyperdrive'
import { DatError } from '../base/errors.js'
import { InPlaceStorage } from '../storage/core-storage.js'
import { FileIndex } from '../storage/file-index.js'
import { CEDED, type Ceded, IDENTITY, type Identity, OUTRUN, type Outrun, TAKEN, type Taken } from './identity.js'
import { INDEX_FOLDER, type Place } from './place.js'

/** The name under which Hyperdrive has its core in a Corestore. */
const DRIVE = 'db'

/**
 * Makes the index of a clone that of the owner. What is in it stays: a clone knows of its files what an owner knows.
 * Killed half way it is a clone still, and may be done again. The history goes on in a new fork when it is opened next.
 * @param claim.secret of the owner's Corestore, in hex
 * @param claim.file of a share of one file: its name
 * @param claim.fork of the history as it is here
 * @throws DatError KEY_FILE when it is not the secret of this share
 */
export async function takeKeys(
  place: Place,
  { secret, file, fork }: { secret: string; file: string | null; fork: number }
): Promise<void> {
  const storage = new InPlaceStorage(path.join(place.store, INDEX_FOLDER))
  await storage.ready()
  const index = new FileIndex(storage.db)
  const before = await storage.getSeed()
  await storage.setSeed(Buffer.from(secret, 'hex'))
  const store = new Corestore(storage)
  try {
    await store.ready()
    const identity = (await index.getMeta<Identity>(IDENTITY)) as Identity
    const key = Buffer.from(identity.key, 'hex')
    const keyPair = await store.createKeyPair(DRIVE)
    if (!Hypercore.key({ version: 1, signers: [{ publicKey: keyPair.publicKey }] }).equals(key)) {
      if (before) await storage.setSeed(before)
      throw new DatError('KEY_FILE', 'the keys in this file are not those of its share')
    }
    await setKeyPair(storage, crypto.discoveryKey(key), keyPair)
    const batch = index.batch()
    batch.putMeta(IDENTITY, { ...identity, role: 'owner', file })
    batch.putMeta(CEDED, null)
    const outrun = await index.getMeta<Outrun | null>(OUTRUN)
    batch.putMeta(TAKEN, { fork: Math.max(fork, outrun?.fork ?? 0) } satisfies Taken)
    batch.putMeta(OUTRUN, null)
    await batch.flush()
  } finally {
    await store.close()
  }
}

/**
 * Makes the index of an owner that of a clone, with no secret in it. Killed half way it is done at the next opening.
 * @returns what the index is now
 */
export async function giveUpKeys(storage: InPlaceStorage, index: FileIndex, identity: Identity): Promise<Identity> {
  const key = Buffer.from(identity.key, 'hex')
  const auth = await setKeyPair(storage, crypto.discoveryKey(key), null)
  const content = auth && Hyperdrive.getContentKey(auth.manifest, key)
  if (content) await setKeyPair(storage, crypto.discoveryKey(content), null)
  await storage.setSeed(randomBytes(32))
  const clone: Identity = { ...identity, role: 'clone' }
  const batch = index.batch()
  batch.putMeta(IDENTITY, clone)
  await batch.flush()
  // What was overwritten is still in the files of RocksDB until these are written anew.
  await storage.compact()
  return clone
}

async function setKeyPair(
  storage: InPlaceStorage,
  discoveryKey: Buffer,
  keyPair: { publicKey: Buffer; secretKey: Buffer } | null
) {
  const core: HypercoreStorage | null = await storage.resumeCore(discoveryKey)
  if (!core) return null
  const reader = core.read()
  const reading = reader.getAuth()
  reader.tryFlush()
  const auth = await reading
  if (!auth) return null
  const writer = core.write()
  writer.setAuth({ ...auth, keyPair })
  await writer.flush()
  return auth
}

/** The day and the time, as in a log: UTC. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}

/** What is said where a share is served that was owned here before. */
export function formerOwner({ time, file }: Ceded): string {
  return (
    `this share was exported on ${dateOf(time)} UTC, to ${file}: this is a clone of it now, and changes here are not ` +
    'shared. To take it back: `dat keys import` of that file here, or `dat keys export --cancel`'
  )
}

/** The ownership of what was shared from a folder is elsewhere. */
export function cededFrom(place: Place, { time, file }: Ceded): DatError {
  const message = `the ownership of what was shared from ${place.root} was exported on ${dateOf(time)} UTC, to ${file}`
  return new DatError('NOT_OWNER', message, {
    hint: 'clone it into a new folder; or share this one under a link of its own: `dat share --new-link`'
  })
}

/** Somebody else goes on with the history of this share. */
export function outrunBy(place: Place, { time }: Outrun): DatError {
  const message = `another computer owns what is shared from ${place.root}: its later history was met on ${dateOf(time)} UTC`
  return new DatError('NOT_OWNER', message, {
    hint: 'for a copy of it, run `dat clone` with its link. If the other is gone for good: `dat share --moved` goes on here'
  })
}
