import fs from 'node:fs'
import type Corestore from 'corestore'
import crypto from 'hypercore-crypto'
import type Hyperdrive from 'hyperdrive'
import { keepUp, type OwnHistory } from './history.js'
import type { Ceded, Identity } from './identity.js'
import { KeptShare } from './kept-share.js'
import type { Place } from './place.js'
import { thisMachine } from './whereabouts.js'

/** Under which name a share is kept: whoever may look at the folder learns nothing from it. */
export function keptId(drive: Hyperdrive): string {
  return drive.discoveryKey.toString('hex').slice(0, 32)
}

/** The same, from the link's key. */
export function keptIdOf(key: Buffer): string {
  return crypto.discoveryKey(key).toString('hex').slice(0, 32)
}

/** Notes that the ownership was exported, if an earlier run did not come to it. */
export async function keepCeded(home: string, place: Place, identity: Identity | null, ceded: Ceded): Promise<void> {
  const kept = identity && (await KeptShare.open(home, keptIdOf(Buffer.from(identity.key, 'hex'))))
  if (kept && !kept.state.ceded && isKeptHere(kept, place)) await kept.save({ ceded })
}

/** A home may be that of several computers, and the ownership have come to another of them. */
export function isKeptHere({ state }: KeptShare, place: Place): boolean {
  return state.store === place.store && state.machine === thisMachine()
}

/** What is kept of an earlier share of this place. `here`: the folder is the same, and not another of that name. */
export async function findKept(home: string, place: Place, file: string | null) {
  const { ino } = await fs.promises.stat(place.root)
  for (const kept of await KeptShare.all(home)) {
    const { state } = kept
    if (state.store !== place.store || state.root !== place.root || state.identity.file !== file) continue
    return { kept, here: state.inode === ino && state.machine === thisMachine() }
  }
  return null
}

/** Begins to keep a share, or brings what is kept of it in step with it. */
export async function keep(
  own: OwnHistory,
  home: string,
  kept: KeptShare | null,
  { store, identity, place }: { store: Corestore; identity: Identity; place: Place }
): Promise<KeptShare> {
  const { ino: inode } = await fs.promises.stat(place.root)
  const where = { root: place.root, store: place.store, inode, machine: thisMachine() }
  const secret = store.primaryKey.toString('hex')
  const mark = { fork: own.content.fork, version: own.drive.core.length }
  if (kept) await kept.save(where)
  const now = kept ?? (await KeptShare.create(home, keptId(own.drive), { ...where, ...mark, secret, identity }))
  await keepUp(own, now)
  return now
}
