declare module 'sub-encoder' {
  /** Prefixes keys, so that several kinds of entries live side by side in one Hyperbee. */
  export default class SubEncoder {
    constructor(prefix?: string, encoding?: string | { encode(key: string): Buffer; decode(key: Buffer): string })
    encode(key: string): Buffer
    decode(key: Buffer): string
  }
}
