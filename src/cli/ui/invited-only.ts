import { printable } from '../../base/terminal-text.js'
import { shellWord } from '../background/shell-word.js'

/** What is shown in the place of a link that lets nobody in. @param dir null where the invites are made elsewhere */
export function invitedOnly(dir: string | null): string {
  const how = dir === null ? 'its owner makes invites' : `to let somebody in: dat invite ${printable(shellWord(dir))}`
  return `by invitation only; ${how}`
}
