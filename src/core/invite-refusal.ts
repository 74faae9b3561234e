import { DatError } from '../base/errors.js'
import type { Refusal } from './invite-journal.js'
import { dateOf } from './owner-keys.js'

/** What a refusal means. @param date when it expired, in milliseconds since 1970; null where nobody said so */
export function deniedBy(why: Refusal, date: number | null, hint = 'ask the owner for a new invite'): DatError {
  const messages = {
    revoked: 'this invite was revoked by the owner',
    used: 'this invite is used up: as many as it was made for have come by it',
    expired: `this invite expired${date === null ? '' : ` on ${dateOf(date)} UTC`}`
  }
  return new DatError('DENIED', messages[why], { hint })
}

/** Who is there serves nobody without an invite. */
export function invitedOnly(): DatError {
  return new DatError('DENIED', 'this share is by invitation only', {
    hint: 'ask its owner for an invite, then type: dat clone <invite> <folder>; a clone goes on in its own folder'
  })
}
