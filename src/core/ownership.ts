import crypto from 'hypercore-crypto'
import type { NoiseStream } from '../transport/transport.js'

/**
 * What an owner tells its peers, so that two copies of one share that are online at once know of each other before both
 * write. Signed with the share's key, for this stream alone: nobody else can say it, and nobody can repeat it.
 */
export interface OwnerClaim {
  /** When this share was opened, in milliseconds since 1970: the later one yields. */
  since: number
  /** In hex. */
  signature: string
}

export interface OwnerKeys {
  publicKey: Buffer
  secretKey: Buffer
}

export function claimOwnership(stream: NoiseStream, since: number, keys: OwnerKeys): OwnerClaim | null {
  const { handshakeHash, publicKey } = stream
  if (!handshakeHash || !publicKey) return null
  return { since, signature: crypto.sign(message(handshakeHash, publicKey, since), keys.secretKey).toString('hex') }
}

/** Whether the other end of a stream proves to have the key of the share. */
export function isOwner(stream: NoiseStream, claim: unknown, keys: OwnerKeys): claim is OwnerClaim {
  const { since, signature } = (claim ?? {}) as Partial<Record<keyof OwnerClaim, unknown>>
  if (typeof since !== 'number' || typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) return false
  const { handshakeHash, remotePublicKey } = stream
  if (!handshakeHash || !remotePublicKey) return false
  return crypto.verify(message(handshakeHash, remotePublicKey, since), Buffer.from(signature, 'hex'), keys.publicKey)
}

function message(handshakeHash: Buffer, claimant: Buffer, since: number): Buffer {
  return Buffer.concat([Buffer.from(`dat/owner/1 ${since} `), handshakeHash, claimant])
}
