import type { Report } from '../base/events.js'
import type { OpenDrive } from './drive.js'
import type { Gate } from './identity.js'
import { savedInvite } from './saved-invite.js'

/** Index meta. */
const SETTING = 'gate'

/**
 * Whom this computer serves, of a share that it owns or owned. What is kept beside the index counts where the index was
 * lost; and an owner that came to it as an invited clone goes on as the one before.
 */
export async function gateSetting(open: OpenDrive): Promise<Gate> {
  const saved = await open.index.getMeta<Gate>(SETTING)
  if (saved) return saved
  if (open.identity.role !== 'owner') return 'open'
  return open.kept?.state.gate ?? ((await savedInvite(open))?.gated ? 'gated' : 'open')
}

/** @throws DatError DISK_FULL */
export async function setGate(open: OpenDrive, gate: Gate): Promise<void> {
  const batch = open.index.batch()
  batch.putMeta(SETTING, gate)
  await batch.flush()
  await open.kept?.save({ gate })
}

/**
 * Whom a share serves from now on.
 * @param wish what was asked for; undefined for what it was
 * @throws DatError DISK_FULL
 */
export async function settleGate(open: OpenDrive, wish: Gate | undefined, report: Report): Promise<Gate> {
  const before = await gateSetting(open)
  const gate = wish ?? before
  const served = open.drive.core.length > 0
  // Where it was kept beside the index alone, it is in the index again.
  if (gate !== 'open' || before !== 'open') await setGate(open, gate)
  if (served && gate !== before) report({ type: 'note', message: changeText(before, gate), important: true })
  return gate
}

function changeText(before: Gate, gate: Gate): string {
  if (gate === 'open') return 'everybody with the link is served from now on; it is the same link as ever'
  if (before === 'open') return 'who came by the permanent link keeps what is there, and is not served any more'
  if (gate === 'gated') return 'who came by an invite is served from now on, also when that is over'
  return 'who came by an invite is served from now on as long as it is neither revoked nor expired'
}

/** `closed`: nobody is served, by a clone of a gated share. */
export type GateHere = Gate | 'closed'

/** Whom this share or clone serves. */
export async function gateHere(open: OpenDrive): Promise<GateHere> {
  const gate = await gateSetting(open)
  if (gate !== 'open' || open.identity.role === 'owner') return gate
  return (await savedInvite(open))?.gated ? 'closed' : 'open'
}

/** Whether the link of a share or clone is nothing to be shown: it would let nobody in. */
export async function isGatedHere(open: OpenDrive): Promise<boolean> {
  return (await gateHere(open)) !== 'open'
}
