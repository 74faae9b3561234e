import NoiseSecretStream from '@hyperswarm/secret-stream'
// @ts-expect-error: no types
import { NS } from 'hyperdht/lib/constants.js'
// @ts-expect-error: no types
import curve from 'noise-curve-ed'
// @ts-expect-error: no types
import NoiseHandshake from 'noise-handshake'
import sodium from 'sodium-universal'
import type { KeyPair } from '../../src/transport/transport.js'

/** The client's part in a connection into the DHT by a relay: the handshake of hyperdht, its payloads unread. */
export interface IkHandshake {
  /** Makes the first message. */
  send(payload: Buffer): Buffer
  /** Reads the second: what the relay needs of it. */
  receive(message: Buffer): { data: Buffer; secret: Buffer; remoteId: Buffer }
  /** What the stream starts from. */
  final(): object
}

export function createHandshake(keyPair: KeyPair, remotePublicKey: Buffer): IkHandshake {
  const noise = new NoiseHandshake('IK', true, keyPair, { curve })
  noise.initialise(NS.PEER_HANDSHAKE, remotePublicKey)
  const id = (initiator: boolean): Buffer =>
    (NoiseSecretStream as unknown as { id(hash: Buffer, initiator: boolean): Buffer }).id(noise.hash, initiator)
  return {
    send: (payload) => Buffer.from(noise.send(payload)),
    receive: (message) => {
      const data = Buffer.from(noise.recv(message))
      const secret = Buffer.alloc(32)
      sodium.crypto_generichash(secret, NS.PEER_HOLEPUNCH, noise.hash)
      return { data, secret, remoteId: id(false) }
    },
    final: () => ({
      isInitiator: true,
      publicKey: keyPair.publicKey,
      remotePublicKey,
      remoteId: id(false),
      hash: Buffer.from(noise.hash),
      rx: Buffer.from(noise.rx),
      tx: Buffer.from(noise.tx)
    })
  }
}
