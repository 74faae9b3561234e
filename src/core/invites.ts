import { randomBytes } from 'node:crypto'
import { DatError } from '../base/errors.js'
import { formatInvite, SECRET_BYTES } from '../base/invite-link.js'
import { shortId } from '../base/link.js'
import { openDrive } from './drive.js'
import { gateHere } from './gate-setting.js'
import type { Gate } from './identity.js'
import { checkNote, type Invite, InviteJournal, refusalOf } from './invite-journal.js'
import { halvesOf } from './invite-proof.js'
import { placeOfKeys } from './keys.js'
import type { Place } from './place.js'
import type { Places } from './places.js'
import { readServed } from './served-at.js'

/** A folder whose invites are looked at. None of this takes the lock of its index: it may be shared meanwhile. */
export interface InviteOptions {
  dir: string
  store: string | null
  home: string | null
}

export interface Terms {
  /** In milliseconds since 1970; null: never. */
  expires: number | null
  /** How many may use it; null for everybody who has it. */
  uses: number | null
}

/** What `dat invite --list` shows. Times are ISO. */
export interface InviteReport {
  id: string
  note: string
  status: 'open' | 'revoked' | 'expired' | 'used'
  made: string
  expires: string | null
  uses: number | null
  used: { by: string; time: string; from: string }[]
}

/**
 * Makes an invite. The share takes it at once if it runs, or from its next start on.
 * @param at where to find the share, beside where it was last served
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, NOT_OWNER, USAGE, DISK_FULL, PERMISSION
 */
export async function makeInvite(
  options: InviteOptions,
  { expires, uses, note }: Terms & { note: string },
  at: Places
): Promise<InviteReport & { link: string; dir: string }> {
  const place = await placeOfKeys(options.dir, options.store, options.home)
  const { key, topic, served } = await look(place)
  const secret = randomBytes(SECRET_BYTES)
  const halves = halvesOf(secret, key)
  const id = halves.id.toString('hex')
  const journal = new InviteJournal(place.store)
  const publicKey = halves.publicKey.toString('hex')
  await journal.add({ op: 'make', id, publicKey, note: checkNote(note), expires, uses })
  const invite = (await journal.read()).get(id) as Invite
  const addresses = [...new Set([...served.addresses, ...at.addresses])]
  const relays = [...new Set([...served.relays, ...at.relays])]
  return { ...toReport(invite), link: formatInvite({ secret, topic, addresses, relays }), dir: place.root }
}

/** @throws DatError NOT_A_FOLDER, NOT_A_CLONE, INDEX_DAMAGED */
export async function listInvites(options: InviteOptions): Promise<InviteReport[]> {
  const { journal } = await open(options)
  return [...(await journal.read()).values()].map(toReport)
}

/** @param id as `listInvites` has it, or its beginning @throws DatError USAGE, NOT_A_FOLDER, NOT_A_CLONE, DISK_FULL */
export async function revokeInvite(options: InviteOptions, id: string): Promise<InviteReport & { gate: Gate }> {
  const { journal, gate } = await open(options)
  const invite = await find(journal, id)
  await journal.add({ op: 'revoke', id: invite.id })
  return { ...toReport((await journal.read()).get(invite.id) as Invite), gate }
}

/**
 * Lets an invite go on under other terms: the link stays as it is. What is undefined stays too; `uses` are further ones.
 * @throws DatError USAGE, NOT_A_FOLDER, NOT_A_CLONE, DISK_FULL
 */
export async function renewInvite(options: InviteOptions, id: string, terms: Partial<Terms>): Promise<InviteReport> {
  const { journal } = await open(options)
  const invite = await find(journal, id)
  if (invite.revoked !== null) {
    throw new DatError('USAGE', `invite ${id} was revoked`, { hint: 'make a new one: that cannot be taken back' })
  }
  const expires = terms.expires === undefined ? invite.expires : terms.expires
  const { uses: more } = terms
  const uses = more === undefined ? invite.uses : more === null ? null : invite.used.length + more
  await journal.add({ op: 'renew', id: invite.id, expires, uses })
  return toReport((await journal.read()).get(invite.id) as Invite)
}

async function open({ dir, store, home }: InviteOptions): Promise<{ journal: InviteJournal; gate: Gate }> {
  const place = await placeOfKeys(dir, store, home)
  const { gate } = await look(place)
  return { journal: new InviteJournal(place.store), gate }
}

async function look(place: Place): Promise<{ key: Buffer; topic: Buffer; served: Places; gate: Gate }> {
  const drive = await openDrive({ place, create: null, readOnly: true })
  try {
    const gate = await gateHere(drive)
    if (gate === 'closed') {
      const message = `${place.root} came by an invite to a share that is by invitation only: it is not passed on`
      throw new DatError('NOT_OWNER', message, { hint: 'ask the owner for another invite' })
    }
    return { key: drive.drive.key, topic: drive.drive.discoveryKey, served: await readServed(drive), gate }
  } finally {
    await drive.close()
  }
}

async function find(journal: InviteJournal, id: string): Promise<Invite> {
  const wanted = id.trim().toLowerCase()
  const found = [...(await journal.read()).values()].filter((one) => wanted !== '' && idOf(one).startsWith(wanted))
  const [invite] = found
  if (invite && found.length === 1) return invite
  const many = found.length > 1
  throw new DatError('USAGE', many ? `more than one invite begins with "${id}"` : `there is no invite "${id}" here`, {
    hint: '`dat invite --list` shows them'
  })
}

function idOf({ id }: Invite): string {
  return shortId(Buffer.from(id, 'hex'))
}

function toReport(invite: Invite): InviteReport {
  const { note, made, expires, uses, used } = invite
  return {
    id: idOf(invite),
    note,
    status: refusalOf(invite, null, Date.now()) ?? 'open',
    made: iso(made),
    expires: expires === null ? null : iso(expires),
    uses,
    used: used.map(({ redeemer, time, from }) => ({ by: shortId(Buffer.from(redeemer, 'hex')), time: iso(time), from }))
  }
}

function iso(time: number): string {
  return new Date(Math.min(time, 8.64e15)).toISOString()
}
