import path from 'node:path'
import { DatError } from '../base/errors.js'
import type { InviteLink } from '../base/invite-link.js'
import { openClone } from './clone.js'
import { hasIndex, openDrive, placeOf } from './drive.js'
import { redeemInvite } from './invite-pairing.js'
import { halvesOf } from './invite-proof.js'
import { alsoAt } from './places.js'
import { redeemerFor } from './redeemer.js'
import { readSaved } from './saved-clone.js'
import type { CloneOptions, Session } from './session.js'

export interface InvitedCloneOptions extends Omit<CloneOptions, 'link' | 'invited'> {
  link: InviteLink
}

/**
 * Clones a share by an invite: gets the key of the share from somebody who takes the invite, and goes on like any clone.
 * A folder that was let in by it before goes on with the key that it has.
 * @throws DatError DENIED with the reason, NO_PEER when the owner is not online, and those of `openClone`
 */
export async function openInvitedClone(options: InvitedCloneOptions): Promise<Session> {
  const { link, home = null, timeout, endEarly = false, report, signal } = options
  const { secret: _secret, topic: _topic, ...rest } = link
  const known = await keyOf(options)
  if (known) return openClone({ ...options, link: { ...rest, key: known } })
  const redeemer = await redeemerFor(home, link.secret)
  const network = alsoAt(options.network, link)
  const accepted = await redeemInvite({ invite: link, redeemer, network, timeout, endEarly, report, signal })
  if (!accepted) throw new DatError('INTERRUPTED', 'interrupted')
  const { key, join, asker, close } = accepted
  const saved = { secret: link.secret, redeemer, gated: asker.gated }
  try {
    const invited = { invite: idOf(link, key), saved, asker, join }
    return await openClone({ ...options, link: { ...rest, key }, invited })
  } finally {
    // If nothing came of the clone: else they were taken.
    await close()
  }
}

/** The key of a folder that was cloned by this invite; null for any other, and a new one. */
async function keyOf({ link, dir, store }: InvitedCloneOptions): Promise<Buffer | null> {
  const place = dir === null ? null : placeOf(path.resolve(dir), store)
  if (!place || !hasIndex(place.store)) return null
  const open = await openDrive({ place, create: null, readOnly: true })
  try {
    const { invite } = await readSaved(open)
    const { key } = open.drive
    return invite === idOf(link, key) ? key : null
  } finally {
    await open.close()
  }
}

function idOf({ secret }: InviteLink, key: Buffer): string {
  return halvesOf(secret, key).id.toString('hex')
}
