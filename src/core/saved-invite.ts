import type { OpenDrive } from './drive.js'
import type { Redeemer } from './invite-proof.js'

/** Index meta of a clone that came by an invite: what it needs to be let in again, wherever the folder is by then. */
const SAVED_INVITE = 'invite'

interface Stored {
  /** All in hex. */
  secret: string
  publicKey: string
  secretKey: string
  gated: boolean
}

export interface SavedInvite {
  /** Of the invite. */
  secret: Buffer
  redeemer: Redeemer
  /** The sharer serves invited ones only, and so nobody is served from here: what it said last. */
  gated: boolean
}

export async function savedInvite({ index }: Pick<OpenDrive, 'index'>): Promise<SavedInvite | null> {
  const stored = await index.getMeta<Stored>(SAVED_INVITE)
  if (!stored) return null
  const { secret, publicKey, secretKey, gated } = stored
  const redeemer = { publicKey: Buffer.from(publicKey, 'hex'), secretKey: Buffer.from(secretKey, 'hex') }
  return { secret: Buffer.from(secret, 'hex'), redeemer, gated }
}

export async function saveInvite({ index }: Pick<OpenDrive, 'index'>, invite: SavedInvite): Promise<void> {
  const { secret, redeemer, gated } = invite
  const stored: Stored = {
    secret: secret.toString('hex'),
    publicKey: redeemer.publicKey.toString('hex'),
    secretKey: redeemer.secretKey.toString('hex'),
    gated
  }
  const batch = index.batch()
  batch.putMeta(SAVED_INVITE, stored)
  await batch.flush()
}
