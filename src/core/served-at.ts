import type { OpenDrive } from './drive.js'
import type { Places } from './places.js'
import { readSaved } from './saved-clone.js'

/** Index meta: where this share or clone was last served, for links that are made while it is. */
const SERVED = 'served'

export async function saveServed(open: OpenDrive, { addresses, relays }: Places): Promise<void> {
  const batch = open.index.batch()
  batch.putMeta(SERVED, { addresses, relays })
  await batch.flush()
}

/** For a clone that is not served itself: the places that its link named. */
export async function readServed(open: OpenDrive): Promise<Places> {
  const served = await open.index.getMeta<Places>(SERVED)
  if (served) return served
  const { addresses, relays } = await readSaved(open)
  return { addresses, relays }
}
