import type { DatEvent, Report } from '../../base/events.js'
import type { Explained } from '../ui/error.js'

/** What a dat in the background tells the one that started it, which waits for `ready` or `failed`. */
export type Told =
  | { type: 'link'; event: Extract<DatEvent, { type: 'link' }> }
  | { type: 'note'; message: string }
  | { type: 'ready' }
  | { type: 'failed'; error: Explained }

/** Passes events on, and tells whoever started this process when others can get the share. */
export function announce(report: Report): Report {
  let link = false
  let network = false
  let ready = false
  return (event) => {
    report(event)
    if (ready) return
    if (event.type === 'link') {
      link = true
      void tellParent({ type: 'link', event })
    } else if (event.type === 'network.ready') network = true
    else if (event.type === 'note' && event.important) void tellParent({ type: 'note', message: event.message })
    ready = link && network
    if (ready) void tellParent({ type: 'ready' }).then(leaveParent)
  }
}

/** Says something to whoever started this process, if that one still listens. It never fails. */
export async function tellParent(told: Told): Promise<void> {
  if (!process.send || !process.connected) return
  await new Promise<void>((resolve) => process.send?.(told, undefined, {}, () => resolve()))
}

/** Nothing may tie this process to the other one any more. */
export function leaveParent(): void {
  if (process.connected) process.disconnect()
}
