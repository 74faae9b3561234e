declare module 'hypercore-crypto' {
  interface HypercoreCrypto {
    /** BLAKE2b-256 of a leaf: `0x00 ‖ uint64 length ‖ data`. */
    data(value: Uint8Array): Buffer
    /** The hash of a node of the tree whose children these are; their indexes only say which is the left one. */
    parent(a: { index: number; size: number; hash: Buffer }, b: { index: number; size: number; hash: Buffer }): Buffer
    hash(data: Uint8Array | Uint8Array[]): Buffer
    discoveryKey(key: Uint8Array): Buffer
    keyPair(seed?: Uint8Array): { publicKey: Buffer; secretKey: Buffer }
    sign(message: Uint8Array, secretKey: Uint8Array): Buffer
    verify(message: Uint8Array, signature: Uint8Array, publicKey: Uint8Array): boolean
    randomBytes(n: number): Buffer
    namespace(name: string, count: number): Buffer[]
  }
  const crypto: HypercoreCrypto
  export default crypto
}
