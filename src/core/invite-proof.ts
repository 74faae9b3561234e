import pairing from 'blind-pairing-core'
import crypto from 'hypercore-crypto'
import type { NoiseStream } from '../transport/transport.js'

/**
 * What an invite is made of. Its secret makes a key pair: the secret half is in the link alone, the public half with
 * whoever shares. `blind-pairing-core` has what is said between the two: a request that only the link can sign, and an
 * answer that only the link can read. It binds neither to a connection; what is signed here beside it does that, so
 * that a request is worth nothing to whoever it was sent to.
 */

const [SEED, REDEEMER, USE, AGAIN, GATED] = crypto.namespace('dat/invite', 5) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
  Buffer
]
const PUBLIC_KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/** The key pair of whoever uses invites, different for each: nobody who shares can tell two of them to be one person. */
export interface Redeemer {
  publicKey: Buffer
  secretKey: Buffer
}

/** The seed of the key pair of an invite. */
export function seedOf(secret: Buffer): Buffer {
  return crypto.hash([SEED, secret])
}

/** What the sharer keeps of an invite: with it requests can be read, and none made. */
export function halvesOf(secret: Buffer, key: Buffer): { id: Buffer; publicKey: Buffer } {
  const { id, publicKey } = pairing.createInvite(key, { seed: seedOf(secret) })
  return { id, publicKey }
}

/** @param home what a user has once, on one computer */
export function redeemerOf(home: Buffer, inviteSecret: Buffer): Redeemer {
  return crypto.keyPair(crypto.hash([REDEEMER, home, inviteSecret]))
}

/** Who asks, and for what: to be let in, or to be let in again after that. */
export interface InviteUse {
  redeemer: Buffer
  again: boolean
}

/** Says who asks, for this stream alone. @returns null for a stream that is gone */
export function signUse(stream: NoiseStream, redeemer: Redeemer, again = false): Buffer | null {
  const { handshakeHash, publicKey } = stream
  if (!handshakeHash || !publicKey) return null
  const signature = crypto.sign(message(again, handshakeHash, publicKey), redeemer.secretKey)
  return Buffer.concat([redeemer.publicKey, signature])
}

/** Who asks, if the other end of the stream is the one that says so; null otherwise. */
function readUse(stream: NoiseStream, use: Buffer): InviteUse | null {
  const { handshakeHash, remotePublicKey } = stream
  if (!handshakeHash || !remotePublicKey || use?.length !== PUBLIC_KEY_BYTES + SIGNATURE_BYTES) return null
  const redeemer = use.subarray(0, PUBLIC_KEY_BYTES)
  const signature = use.subarray(PUBLIC_KEY_BYTES)
  for (const again of [false, true]) {
    if (crypto.verify(message(again, handshakeHash, remotePublicKey), signature, redeemer)) return { redeemer, again }
  }
  return null
}

function message(again: boolean, handshakeHash: Buffer, claimant: Buffer): Buffer {
  return Buffer.concat([again ? AGAIN : USE, handshakeHash, claimant])
}

export type Request = InstanceType<typeof pairing.MemberRequest>

/** What somebody says who wants to be let in; null if it is no request. */
export function readRequest(data: Buffer): Request | null {
  try {
    return pairing.MemberRequest.from(data)
  } catch {
    return null
  }
}

/**
 * Who asks; null for one that does not have the invite, or passes on what it was sent by one that has.
 * @param publicKey of the invite, in hex
 */
export function openRequest(request: Request, publicKey: string, stream: NoiseStream): InviteUse | null {
  try {
    return readUse(stream, request.open(Buffer.from(publicKey, 'hex')))
  } catch {
    return null
  }
}

/** Takes a request: hands the key over. @param gated who has it is served by this computer alone, and serves nobody */
export function accept(request: Request, key: Buffer, gated: boolean): Buffer {
  // The library has room for a second key, sealed like the first; it has no other for what the sharer says.
  request.confirm({ key, ...(gated && { encryptionKey: GATED }) })
  return request.response
}

/** Whether an acceptance says so. */
export function isGated({ encryptionKey }: { encryptionKey: Buffer | null }): boolean {
  return encryptionKey?.equals(GATED) ?? false
}
