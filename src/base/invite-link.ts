import crypto from 'hypercore-crypto'
import z32 from 'z32'
import { DatError } from './errors.js'
import { INVITE_PREFIX, joinLink, type Link, splitLink } from './link.js'

/** What an invite says. There is no key in it: who shares hands that over, if the invite still counts by then. */
export interface InviteLink extends Omit<Link, 'key'> {
  /** The permission to ask. To be kept like a key: it goes into no log, no DHT and no relay. */
  secret: Buffer
  /** The discovery key of the share: where peers meet, and what the key that is handed over is checked against. */
  topic: Buffer
}

const FORMAT = 1
export const SECRET_BYTES = 16
const TOPIC_BYTES = 32
/** Tells an invite that was not copied whole; it protects against nothing else. */
const CHECK_BYTES = 3
const BYTES = 1 + SECRET_BYTES + TOPIC_BYTES + CHECK_BYTES
const LETTERS = Math.ceil((BYTES * 8) / 5)
const Z32 = /^[ybndrfg8ejkmcpqxot1uwisza345h769]*$/

/** True for text that is meant as an invite, right or wrong. */
export function isInvite(text: string): boolean {
  return /^(?:dat:\/\/)?invite-/i.test(text.trim())
}

/**
 * Reads `dat://invite-…`, with the same suffixes as any link.
 * @throws DatError NOT_A_LINK. The message never repeats the secret.
 */
export function parseInvite(text: string): InviteLink {
  const { name, ...rest } = splitLink(text)
  const lower = name.toLowerCase()
  const letters = lower.startsWith(INVITE_PREFIX) ? lower.slice(INVITE_PREFIX.length) : ''
  const bytes = Z32.test(letters) && letters.length === LETTERS ? Buffer.from(z32.decode(letters)) : null
  const whole = bytes?.subarray(0, BYTES)
  // Unused bits at the end must be zero, or two texts would be one invite.
  if (!whole || z32.encode(whole) !== letters || !checkOf(whole).equals(whole.subarray(BYTES - CHECK_BYTES))) {
    throw new DatError('NOT_A_LINK', 'this invite is not whole, or was mistyped', {
      hint: 'copy it again, from dat:// to its end'
    })
  }
  if (whole[0] !== FORMAT) {
    throw new DatError('NOT_A_LINK', 'this invite was made by a newer version of dat', { hint: 'install that one' })
  }
  const secret = whole.subarray(1, 1 + SECRET_BYTES)
  const topic = whole.subarray(1 + SECRET_BYTES, 1 + SECRET_BYTES + TOPIC_BYTES)
  return { secret, topic, ...rest }
}

export function formatInvite({
  secret,
  topic,
  ...rest
}: Pick<InviteLink, 'secret' | 'topic' | 'addresses' | 'relays'>): string {
  const bytes = Buffer.concat([Buffer.from([FORMAT]), secret, topic, Buffer.alloc(CHECK_BYTES)])
  checkOf(bytes).copy(bytes, BYTES - CHECK_BYTES)
  return joinLink(INVITE_PREFIX + z32.encode(bytes), rest)
}

function checkOf(bytes: Buffer): Buffer {
  return crypto.hash([Buffer.from('dat/invite/check'), bytes.subarray(0, BYTES - CHECK_BYTES)]).subarray(0, CHECK_BYTES)
}
