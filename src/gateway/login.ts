import { createHmac, timingSafeEqual } from 'node:crypto'
import { Limit } from '../base/limit.js'
import { addressGroup } from '../transport/address-group.js'
import { hashPassword } from './secret.js'

/** Who gave the password need not give it again for so long, in seconds. */
const SESSION_SECONDS = 12 * 3600
/** Guesses: so many of one address in a minute, and so many being looked at at once. */
const GUESSES = 10
const MINUTE = 60_000
const MAX_ADDRESSES = 4096
const MAX_AT_ONCE = 2
const MAX_WAITING = 32
/** Longer ones are no passwords. */
const MAX_BYTES = 1024

/** `later`: too many guesses. */
export type Answer = 'right' | 'wrong' | 'later'

/** The password of a gateway: who has given it gets a cookie, and a program may send it with each request. */
export class Login {
  readonly cookieName: string
  readonly #secret: Buffer
  readonly #hash: Buffer
  readonly #key: Buffer
  #guesses = new Map<string, number>()
  #since = 0
  readonly #checks = new Limit(MAX_AT_ONCE)
  /** The last right password, as a hash that is quickly made: programs send it with every request. */
  #right: Buffer | null = null

  constructor(secret: Buffer, passwordHash: Buffer) {
    this.#secret = secret
    this.#hash = passwordHash
    this.#key = createHmac('sha256', secret).update('dat gateway cookie').update(passwordHash).digest()
    // Cookies know no ports: gateways of several shares on one computer must not take each other's.
    this.cookieName = `dat-${createHmac('sha256', this.#key).update('name').digest('hex').slice(0, 12)}`
  }

  /** @param address of who guesses @param now in milliseconds */
  async check(password: string, address: string, now = Date.now()): Promise<Answer> {
    if (Buffer.byteLength(password) > MAX_BYTES) return 'wrong'
    const quick = createHmac('sha256', this.#key).update('quick').update(password).digest()
    if (this.#right && timingSafeEqual(quick, this.#right)) return 'right'
    if (!this.#mayGuess(addressGroup(address), now) || this.#checks.waiting >= MAX_WAITING) return 'later'
    const hash = await this.#checks.run(() => hashPassword(this.#secret, password))
    if (!timingSafeEqual(hash, this.#hash)) return 'wrong'
    this.#right = quick
    return 'right'
  }

  /** What goes into `Set-Cookie`. */
  cookie(secure: boolean, now = Date.now()): string {
    const until = Math.floor(now / 1000) + SESSION_SECONDS
    const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${SESSION_SECONDS}${secure ? '; Secure' : ''}`
    return `${this.cookieName}=${until}.${this.#sign(until)}; ${flags}`
  }

  /** Whether one of the cookies of a request is good. */
  knows(header: string | undefined, now = Date.now()): boolean {
    for (const one of (header ?? '').split(';')) {
      const [name = '', value = ''] = one.trim().split('=', 2)
      const [, until = '', signature = ''] = /^(\d{1,12})\.([A-Za-z0-9_-]{43})$/.exec(value) ?? []
      if (name !== this.cookieName || until === '') continue
      const expected = Buffer.from(this.#sign(Number(until)))
      if (timingSafeEqual(Buffer.from(signature), expected) && Number(until) * 1000 > now) return true
    }
    return false
  }

  #sign(until: number): string {
    return createHmac('sha256', this.#key).update(`cookie ${until}`).digest('base64url')
  }

  #mayGuess(group: string, now: number): boolean {
    if (now - this.#since > MINUTE || this.#guesses.size > MAX_ADDRESSES) {
      this.#guesses = new Map()
      this.#since = now
    }
    const count = (this.#guesses.get(group) ?? 0) + 1
    this.#guesses.set(group, count)
    return count <= GUESSES
  }
}

/** The password in an `Authorization: Basic` header; the name before it does not matter. */
export function readBasic(header: string | undefined): string | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(header ?? '') ?? []
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  return colon === -1 ? null : text.slice(colon + 1)
}
