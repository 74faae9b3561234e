import type { DatEvent } from '../base/events.js'
import { formatKey, formatLink } from '../base/link.js'
import type { GateHere } from './gate-setting.js'
import type { Places } from './places.js'

/** What is told of a link once others can get the share: nothing of the link where it would let nobody in. */
export function linkEvent(
  { key, gate, dir }: { key: Buffer; gate: GateHere; dir: string },
  places: Places
): Extract<DatEvent, { type: 'link' }> {
  if (gate !== 'open') return { type: 'link', link: null, key: null, dir, gate }
  return { type: 'link', link: formatLink(key, places), key: formatKey(key), dir }
}
