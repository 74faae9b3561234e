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

declare module 'hyperdht/lib/holepuncher.js' {
  import type DHT from 'hyperdht'

  interface Address {
    host: string
    port: number
  }

  /** CommonJS: one attempt at a hole, of either end. */
  export default class Holepuncher {
    constructor(dht: DHT, session: unknown, isInitiator: boolean)
    punching: boolean
    readonly nat: { firewall: number }
    onabort: () => void
    readonly _sleeper: { pause(ms: number): Promise<void> }
    updateRemote(remote: { punching: boolean; firewall: number; addresses: Address[]; verified: string }): void
    ping(address: Address): Promise<unknown>
    /** Begins; false when these two kinds of NAT cannot be punched. */
    punch(): Promise<boolean>
    destroy(): void
    /** Guesses the ports of a NAT that maps each socket to another one. In the background: it must not throw. */
    _randomProbes(address: Address): Promise<void>
    _autoDestroy(): void
  }
}
