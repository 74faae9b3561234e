import { createBLAKE2b } from 'hash-wasm'
import crypto from 'hypercore-crypto'
import { isZeros } from './zeros.js'

/**
 * The hash of a block as a leaf of a Hypercore's tree: BLAKE2b-256 of `0x00 ‖ uint64 length ‖ data`.
 *
 * For anything but small blocks it is computed by WebAssembly, which does 1.0 GB/s where the prebuilt libsodium does
 * 0.65 (docs/adr/0004-workers-and-memory.md); what is hashed and what comes out are the same.
 */
export const sodiumLeafHash = crypto.data

/** Below this size the way into WebAssembly costs more than it saves. */
const MIN_BYTES = 8 * 1024

/**
 * V8 reserves 10 GB of addresses for each instance of WebAssembly, most of which it never uses. Where the system limits
 * them (`ulimit -v`, as batch systems do) there is none, and libsodium does all of it.
 */
const hasher = await createBLAKE2b(256).catch(() => null)
const prefix = Buffer.alloc(9)

/** Of zeros, by length: the last few lengths. Sparse files have hundreds of thousands of such blocks. */
const ofZeros = new Map<number, Buffer>()
const MAX_ZEROS = 4

export function leafHash(data: Uint8Array): Buffer {
  if (data.byteLength < MIN_BYTES) return sodiumLeafHash(data)
  if (!isZeros(data)) return hashOf(data)
  const known = ofZeros.get(data.byteLength)
  if (known) return known
  for (const oldest of ofZeros.keys()) if (ofZeros.size >= MAX_ZEROS) ofZeros.delete(oldest)
  const hash = hashOf(data)
  ofZeros.set(data.byteLength, hash)
  return hash
}

function hashOf(data: Uint8Array): Buffer {
  if (!hasher) return sodiumLeafHash(data)
  prefix.writeUIntLE(data.byteLength, 1, 6)
  hasher.init()
  hasher.update(prefix)
  hasher.update(data)
  const hash = hasher.digest('binary')
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength)
}
