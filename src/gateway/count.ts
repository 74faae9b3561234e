import { formatCount } from '../base/sizes.js'

/** `1 file`, `12,345 files`. */
export function countText(count: number, one: string): string {
  return `${formatCount(count)} ${one}${count === 1 ? '' : 's'}`
}
