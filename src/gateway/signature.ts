import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * A URL is good for what is below one path, until a time: the signature says so, and nobody can make another without the
 * secret. It stands in the query, or, so that programs name what they save after the file, as the first part of the path.
 */
export interface Credential {
  /** Seconds since 1970. */
  expires: number
  signature: string
}

/** A signature is good for a path and all below it: so many parts of a path are tried. */
const MAX_DEPTH = 64
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/
const EXPIRES = /^[1-9]\d{0,11}$/

export class Signer {
  readonly #key: Buffer

  /** @param key 32 bytes that nobody else has */
  constructor(key: Buffer) {
    this.#key = key
  }

  /** @param path of a file or folder; '' for the whole share */
  sign(path: string, expires: number): Credential {
    const hmac = createHmac('sha256', this.#key)
    return { expires, signature: hmac.update(`dat gateway 1\n${expires}\n${path}`).digest('base64url') }
  }

  /**
   * Looks for what a credential is good for.
   * @param parts of the path that was asked for
   * @returns the number of parts of the path that was signed, at or above this one; null if there is none
   */
  covers(parts: readonly string[], { expires, signature }: Credential): number | null {
    const given = Buffer.from(signature)
    let found: number | null = null
    // All are compared, and in a time that does not depend on how much of the signature is right.
    for (let depth = 0; depth <= Math.min(parts.length, MAX_DEPTH); depth++) {
      const expected = Buffer.from(this.sign(parts.slice(0, depth).join('/'), expires).signature)
      if (given.length === expected.length && timingSafeEqual(given, expected) && found === null) found = depth
    }
    return found
  }
}

/** Reads the first part of a path as `formatToken` writes it; null if it is something else. */
export function readToken(part: string): Credential | null {
  const [, expires = '', signature = ''] = /^~(\d{1,12})\.([A-Za-z0-9_-]{43})$/.exec(part) ?? []
  return readCredential(expires, signature)
}

/** Reads what stands in a query; null if it cannot be a credential. */
export function readCredential(expires: string | null, signature: string | null): Credential | null {
  if (expires === null || signature === null) return null
  return EXPIRES.test(expires) && SIGNATURE.test(signature) ? { expires: Number(expires), signature } : null
}

export function formatToken({ expires, signature }: Credential): string {
  return `~${expires}.${signature}`
}
