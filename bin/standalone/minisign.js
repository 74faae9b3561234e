import { createHash, createPublicKey, verify } from 'node:crypto'

/** Signatures in the format of minisign (Ed25519), checked with what Node has. Runs in the program that is installed. */

// Ed25519 keys in DER are these bytes and the key.
const DER = Buffer.from('302a300506032b6570032100', 'hex')

/**
 * Reads a public key: two lines, or the second one alone.
 * @returns {{ id: Buffer, key: import('node:crypto').KeyObject }}
 */
export function readPublicKey(text) {
  const data = Buffer.from(text.trim().split(/\r?\n/).at(-1), 'base64')
  if (data.length !== 42 || data.toString('latin1', 0, 2) !== 'Ed')
    throw new Error('this is not a public key of minisign')
  const key = createPublicKey({ key: Buffer.concat([DER, data.subarray(10)]), format: 'der', type: 'spki' })
  return { id: data.subarray(2, 10), key }
}

/**
 * Checks the signature of a file, and that of the comment in it.
 * @param {Buffer} content of the file
 * @param {string} signature the text of its .minisig
 * @param {string} publicKey the text of the key
 * @throws unless both were made with the key
 */
export function checkSignature(content, signature, publicKey) {
  const { id, key } = readPublicKey(publicKey)
  const [, first = '', trusted = '', second = ''] = signature.split(/\r?\n/)
  const data = Buffer.from(first, 'base64')
  const algorithm = data.toString('latin1', 0, 2)
  if (data.length !== 74 || !trusted.startsWith('trusted comment: ') || !['ED', 'Ed'].includes(algorithm)) {
    throw new Error('this is not a signature of minisign')
  }
  if (!data.subarray(2, 10).equals(id)) throw new Error('it was signed with another key')
  // The newer kind signs a hash.
  const message = algorithm === 'ED' ? createHash('blake2b512').update(content).digest() : content
  const comment = Buffer.concat([data.subarray(10), Buffer.from(trusted.slice('trusted comment: '.length))])
  if (!verify(null, message, key, data.subarray(10)) || !verify(null, comment, key, Buffer.from(second, 'base64'))) {
    throw new Error('the signature is wrong')
  }
}
