import crypto from 'hypercore-crypto'
import type { NoiseStream } from '../transport/transport.js'

/**
 * What an owner tells its peers, so that two copies of one share that are online at once know of each other before both
 * write. Signed with the share's key, for this stream alone: nobody else can say it, and nobody can repeat it.
 */
export interface OwnerClaim {
  /** When this share was opened, in milliseconds since 1970: of two with one history the later one yields. */
  since: number
  /** Of the history that it writes: of two histories others follow the higher. */
  fork: number
  /** In hex. */
  signature: string
}

export interface OwnerKeys {
  publicKey: Buffer
  secretKey: Buffer
}

/** For those who look whether there is an owner. */
export interface SeeOwner {
  publicKey: Buffer
  onowner(): void
}

export function claimOwnership(
  stream: NoiseStream,
  own: Pick<OwnerClaim, 'since' | 'fork'>,
  keys: OwnerKeys
): OwnerClaim | null {
  const { handshakeHash, publicKey } = stream
  if (!handshakeHash || !publicKey) return null
  const { since, fork } = own
  const signature = crypto.sign(message(handshakeHash, publicKey, own), keys.secretKey).toString('hex')
  return { since, fork, signature }
}

/** Whether the other end of a stream proves to have the key of the share. */
export function isOwner(stream: NoiseStream, claim: unknown, keys: Pick<OwnerKeys, 'publicKey'>): claim is OwnerClaim {
  const { since, fork, signature } = (claim ?? {}) as Partial<Record<keyof OwnerClaim, unknown>>
  if (
    typeof since !== 'number' ||
    typeof fork !== 'number' ||
    typeof signature !== 'string' ||
    !/^[0-9a-f]{128}$/.test(signature)
  )
    return false
  const { handshakeHash, remotePublicKey } = stream
  if (!handshakeHash || !remotePublicKey) return false
  return crypto.verify(
    message(handshakeHash, remotePublicKey, { since, fork }),
    Buffer.from(signature, 'hex'),
    keys.publicKey
  )
}

function message(handshakeHash: Buffer, claimant: Buffer, own: Pick<OwnerClaim, 'since' | 'fork'>): Buffer {
  return Buffer.concat([Buffer.from(`dat/owner/2 ${own.since} ${own.fork} `), handshakeHash, claimant])
}
