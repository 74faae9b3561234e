import type { DatEvent, Report } from '../../base/events.js'
import type { Explained } from '../ui/error.js'

/** What a dat in the background tells the one that started it, which waits for `ready` or `failed`. */
export type Told =
  | { type: 'link'; event: Extract<DatEvent, { type: 'link' }> }
  | { type: 'note'; message: string }
  | { type: 'ready' }
  | { type: 'failed'; error: Explained }

/** So long it is waited for a first look at the folder, in ms: that there is nothing to share is known soon or never. */
const LOOK_MS = 2000

/**
 * Passes events on, and tells whoever started this process when others can get the share.
 * @param listed resolves when `dat ps` lists it
 */
export function announce(report: Report, listed: () => Promise<void>): Report {
  const missing = new Set<DatEvent['type']>(['link', 'network.ready'])
  let timer: NodeJS.Timeout | null = null
  let told = false
  const tell = (): void => {
    if (timer) clearTimeout(timer)
    if (!told) void listed().then(tellReady)
    told = true
  }
  let looked = false
  return (event) => {
    report(event)
    if (told) return
    missing.delete(event.type)
    if (event.type === 'link') void tellParent({ type: 'link', event })
    else if (event.type === 'note' && event.important) void tellParent({ type: 'note', message: event.message })
    if (event.type === 'import.progress' && event.filesTotal > 0) looked = true
    if (event.type === 'import.done' || event.type === 'done') looked = true
    if (missing.size > 0) return
    if (looked) tell()
    else timer ??= setTimeout(tell, LOOK_MS)
  }
}

/** After that nothing ties this process to the other one. */
async function tellReady(): Promise<void> {
  await tellParent({ type: 'ready' })
  if (hasListener()) process.disconnect()
}

/** Whether whoever started this process still waits for what becomes of it. */
export function hasListener(): boolean {
  return process.connected === true
}

/** Says something to whoever started this process, if that one still listens. It never fails. */
export async function tellParent(told: Told): Promise<void> {
  if (!process.send || !hasListener()) return
  await new Promise<void>((resolve) => process.send?.(told, undefined, {}, () => resolve()))
}
