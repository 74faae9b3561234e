import type { Socket } from 'node:net'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Duplex } from 'streamx'
import { endWhenSilent } from './streams.js'
import type { KeyPair, NoiseStream } from './transport.js'

/** An empty message after so long without a write: the other end can tell an idle stream from a dead one. */
export const KEEP_ALIVE_MS = 5000
/** A stream through which nothing arrived for so long is dead: four keep-alives were missed. */
export const SILENCE_MS = 20_000
/** Time for the connection and the Noise handshake together. */
const HANDSHAKE_MS = 8000
/** A handshake takes about 200 bytes; whoever sends more before it is complete speaks another protocol. */
const HANDSHAKE_BYTES = 4096

/**
 * Noise XX over a socket or a stream over a relay. When it is complete each end has had an answer that depends on a
 * fresh key of its own, so data has come through in both directions, from the owner of `remotePublicKey`. Nothing more
 * needs to be waited for: the layers above send only once they were handed the stream.
 */
export function shakeHands(isInitiator: boolean, raw: Socket | Duplex, keyPair: KeyPair): Promise<NoiseStream> {
  return new Promise((resolve, reject) => {
    const stream = new NoiseSecretStream(isInitiator, raw, { keyPair, keepAlive: KEEP_ALIVE_MS })
    const timer = setTimeout(() => stream.destroy(new Error('no answer')), HANDSHAKE_MS)
    let heard = 0
    const measure = (data: Uint8Array) => {
      heard += data.byteLength
      if (heard > HANDSHAKE_BYTES) stream.destroy(new Error('this is not dat'))
    }
    let failure: Error | undefined
    // The listener stays for good: an 'error' that nobody listens to would end the process.
    stream.on('error', (error) => {
      failure ??= error
    })
    raw.on('data', measure)
    stream.once('close', () => {
      clearTimeout(timer)
      reject(failure ?? new Error('the connection was closed'))
    })
    stream.once('open', () => {
      clearTimeout(timer)
      raw.off('data', measure)
      endWhenSilent(stream, SILENCE_MS)
      resolve(stream)
    })
  })
}
