import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A key as minisign has them, for the time of a test. */
export class ReleaseKey {
  #id = randomBytes(8)
  #pair = generateKeyPairSync('ed25519')

  /** The public key as a file has it. */
  get text() {
    const key = this.#pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    return `untrusted comment: a key for tests\n${this.#line('Ed', key)}\n`
  }

  /** The content of the file's .minisig. */
  sign(content) {
    const signature = sign(null, createHash('blake2b512').update(content).digest(), this.#pair.privateKey)
    const comment = 'made by a test'
    const second = sign(null, Buffer.concat([signature, Buffer.from(comment)]), this.#pair.privateKey)
    return [
      'untrusted comment: signature of a test',
      this.#line('ED', signature),
      `trusted comment: ${comment}`,
      `${second.toString('base64')}\n`
    ].join('\n')
  }

  #line(kind, data) {
    return Buffer.concat([Buffer.from(kind), this.#id, data]).toString('base64')
  }
}
