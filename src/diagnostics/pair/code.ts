import { createHmac, randomInt, scrypt } from 'node:crypto'
import { DatError } from '../../base/errors.js'

/**
 * The code that one computer prints and somebody types, or is told on the phone, at the other. It has letters only, so
 * that no digit can be taken for one, and none of i, l and o. The last letter checks the others.
 */

const LETTERS = 'abcdefghjkmnpqrstuvwxyz'
/** 23 to the power of 14 is a little more than 2 to the power of 63. */
const RANDOM_LETTERS = 14
const GROUP = 5
const LENGTH = RANDOM_LETTERS + 1
/** How long a code is good for, in ms. */
export const CODE_LIFE_MS = 10 * 60_000

/**
 * Everybody who is asked for the topic sees a hash of the code; trying all codes against it must cost more than anybody
 * has in the ten minutes of its life. 32 MB and about 80 ms for each try.
 */
const STRETCH = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 }
const SALT = 'dat doctor pair 1'

/** A fresh code, as it is printed: `abcde-fghjk-mnpqr`. */
export function newCode(): string {
  let letters = ''
  for (let i = 0; i < RANDOM_LETTERS; i++) letters += LETTERS[randomInt(LETTERS.length)]
  return grouped(letters + checkLetter(letters))
}

/**
 * Reads what somebody typed: capitals, spaces and hyphens don't matter.
 * @returns the code as `newCode` writes it
 * @throws DatError USAGE, saying what is wrong with it
 */
export function readCode(text: string): string {
  const letters = text.toLowerCase().replace(/[\s-]/g, '')
  const hint = `a code looks like ${grouped(LETTERS.slice(0, LENGTH))}; \`dat doctor\` prints one on the other computer`
  const wrong = /[^a-z]/.exec(letters)?.[0] ?? /[ilo]/.exec(letters)?.[0]
  if (wrong !== undefined) throw new DatError('USAGE', `this is no code: there is no "${wrong}" in a code`, { hint })
  if (letters.length !== LENGTH) {
    throw new DatError('USAGE', `this is no code: it has ${letters.length} letters, not ${LENGTH}`, { hint })
  }
  const random = letters.slice(0, RANDOM_LETTERS)
  if (checkLetter(random) !== letters[RANDOM_LETTERS]) {
    throw new DatError('USAGE', 'one letter of this code is wrong, or two have changed places', { hint })
  }
  return grouped(letters)
}

/** 23 is a prime, so every single wrong letter shows, and every swap of neighbours. */
function checkLetter(letters: string): string {
  let sum = 0
  for (let i = 0; i < letters.length; i++) sum += (i + 1) * LETTERS.indexOf(letters[i] ?? '')
  return LETTERS[sum % LETTERS.length] ?? ''
}

function grouped(letters: string): string {
  return (letters.match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []).join('-')
}

/** Which end of a stream speaks. A proof of one end is none of the other's, so it cannot be sent back. */
export type Role = 'initiator' | 'responder'

/** What both ends derive from the code. Nothing here leads back to the code, and no purpose leads to another. */
export class Secrets {
  readonly #root: Buffer

  private constructor(root: Buffer) {
    this.#root = root
  }

  /** @param code as `readCode` returns it */
  static of(code: string): Promise<Secrets> {
    return new Promise((resolve, reject) => {
      scrypt(code, SALT, 32, STRETCH, (error, root) => (error ? reject(error) : resolve(new Secrets(root))))
    })
  }

  /** Where to meet for a purpose: what the DHT, the local network and relays get to see. */
  topic(purpose: string): Buffer {
    return this.#derive('topic', purpose)
  }

  /**
   * Shows that an end knows the code, on this one stream only.
   * @param handshakeHash of the Noise handshake, which both ends' keys and the whole exchange go into
   */
  proof(purpose: string, role: Role, handshakeHash: Uint8Array): Buffer {
    return this.#derive(`proof/${role}`, purpose, handshakeHash)
  }

  #derive(label: string, purpose: string, data: Uint8Array = new Uint8Array()): Buffer {
    return createHmac('sha256', this.#root).update(`dat doctor ${label}\n${purpose}\n`).update(data).digest()
  }
}
