declare module 'sodium-universal' {
  /** libsodium, of which these parts are used; buffers in place of pointers. */
  interface Sodium {
    readonly crypto_pwhash_SALTBYTES: number
    readonly crypto_pwhash_ALG_ARGON2ID13: number
    readonly crypto_secretstream_xchacha20poly1305_STATEBYTES: number
    readonly crypto_secretstream_xchacha20poly1305_HEADERBYTES: number
    readonly crypto_secretstream_xchacha20poly1305_KEYBYTES: number
    readonly crypto_secretstream_xchacha20poly1305_ABYTES: number
    readonly crypto_secretstream_xchacha20poly1305_TAGBYTES: number
    readonly crypto_secretstream_xchacha20poly1305_TAG_MESSAGE: number
    readonly crypto_secretstream_xchacha20poly1305_TAG_FINAL: number
    /** In a thread of its own. */
    crypto_pwhash_async(
      out: Buffer,
      password: Buffer,
      salt: Buffer,
      operations: number,
      memory: number,
      algorithm: number
    ): Promise<void>
    crypto_secretstream_xchacha20poly1305_init_push(state: Buffer, header: Buffer, key: Buffer): void
    crypto_secretstream_xchacha20poly1305_push(
      state: Buffer,
      out: Buffer,
      message: Buffer,
      additional: Buffer | null,
      tag: number
    ): number
    crypto_secretstream_xchacha20poly1305_init_pull(state: Buffer, header: Buffer, key: Buffer): void
    /** Throws for what was not made with this key, or was changed since. */
    crypto_secretstream_xchacha20poly1305_pull(
      state: Buffer,
      out: Buffer,
      tag: Buffer,
      cipher: Buffer,
      additional: Buffer | null
    ): number
    crypto_generichash(out: Buffer, data: Uint8Array, key?: Uint8Array): void
    sodium_memzero(buffer: Buffer): void
  }
  const sodium: Sodium
  export default sodium
}
