declare module 'hyperdht/lib/noise-wrap.js' {
  import type { KeyPair } from '../transport/transport.js'

  /** The Noise handshake of HyperDHT, IK, with its own payloads around `handshake`. */
  export default class NoiseWrap {
    constructor(keyPair: KeyPair, remotePublicKey: Buffer)
    readonly handshake: {
      readonly complete: boolean
      /** @throws when it is not our turn */
      send(payload: Buffer): Uint8Array
      /** @throws when the message is not from the owner of the key */
      recv(message: Buffer): Uint8Array
    }
    /** @throws while the handshake is not complete */
    final(): {
      publicKey: Buffer
      remotePublicKey: Buffer
      remoteId: Buffer
      holepunchSecret: Buffer
      hash: Buffer
      rx: Buffer
      tx: Buffer
    }
  }
}
