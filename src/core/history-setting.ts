import type { OpenDrive } from './drive.js'

/** Index meta of an owner: how much of the history is kept, as it was typed; null where nothing is. */
const SETTING = 'history'

/** How much of the history this share keeps, as `--keep` has it; null where it keeps nothing. */
export function historySetting({ index }: OpenDrive): Promise<string | null> {
  return index.getMeta<string>(SETTING)
}

/** @param keep null turns history off: what was kept stays until it is pruned */
export async function setHistory({ index }: OpenDrive, keep: string | null): Promise<void> {
  const batch = index.batch()
  batch.putMeta(SETTING, keep)
  await batch.flush()
}
