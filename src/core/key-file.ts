import { createHash, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import sodium from 'sodium-universal'
import { DatError, fileError, systemCode } from '../base/errors.js'
import { readUpTo } from '../storage/read-fully.js'
import { ENTRY_BYTES, isEntryOfBlock } from './kept-share.js'

/**
 * The file that takes the ownership of a share to another computer: the secret, how far the history had come, and the
 * hashes of its blocks in their order. Encrypted with a passphrase; docs/storage-format.md has the layout.
 */

const MAGIC = Buffer.from('dat keys 1\n')
/** What each guess at a passphrase costs, by Argon2id. It is in the file, so that it may grow. */
export interface Effort {
  operations: number
  memoryKib: number
}
/** libsodium's "moderate": some 0.7 s. */
const EFFORT: Effort = { operations: 3, memoryKib: 256 * 1024 }
/** What a file may ask for: no more than a computer with 2 GiB can do. */
const MAX_OPERATIONS = 16
const MAX_MEMORY_KIB = 1024 * 1024
const SALT_BYTES = sodium.crypto_pwhash_SALTBYTES
const STREAM_BYTES = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES
const PREAMBLE_BYTES = MAGIC.length + 8 + SALT_BYTES + STREAM_BYTES
const SEAL_BYTES = sodium.crypto_secretstream_xchacha20poly1305_ABYTES
const FINAL = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL
const MESSAGE = sodium.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
/** A message in the file, before encryption. */
const MAX_MESSAGE_BYTES = 64 * 1024
const CHECKSUM_BYTES = 32
const READ_BYTES = 256 * 1024
/** Blocks in a message. */
export const MESSAGE_ENTRIES = Math.floor(MAX_MESSAGE_BYTES / ENTRY_BYTES)

/** What a computer needs to know to own a share. */
export interface ExportedShare {
  /** Names this export, for those who ask where the ownership went: 32 hex digits. */
  id: string
  /** When it was made, in milliseconds since 1970. */
  time: number
  /** Of the Corestore, in hex: the keys follow from it. */
  secret: string
  /** By which the owner's signatures are checked, in hex. */
  publicKey: string
  /** The link's key, in hex. */
  key: string
  /** For a share of one file: its name. */
  file: string | null
  /** The history's fork and the length of the drive's own core: who goes on from less would split it. */
  fork: number
  version: number
}

interface Preamble extends Effort {
  salt: Buffer
  stream: Buffer
}

/** Reads how a file is encrypted. @throws DatError KEY_FILE */
export function readPreamble(bytes: Buffer): Preamble {
  if (bytes.length < PREAMBLE_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new DatError('KEY_FILE', 'this is not a file that `dat keys export` made')
  }
  const operations = bytes.readUInt32BE(MAGIC.length)
  const memoryKib = bytes.readUInt32BE(MAGIC.length + 4)
  if (operations < 1 || operations > MAX_OPERATIONS || memoryKib < 8 || memoryKib > MAX_MEMORY_KIB) {
    throw new DatError('KEY_FILE', 'this file asks for more work than a passphrase can need')
  }
  const salt = bytes.subarray(MAGIC.length + 8, MAGIC.length + 8 + SALT_BYTES)
  return { operations, memoryKib, salt, stream: bytes.subarray(PREAMBLE_BYTES - STREAM_BYTES, PREAMBLE_BYTES) }
}

/** Reads what a file says once it is decrypted. @throws DatError KEY_FILE */
export function readExported(text: string): ExportedShare {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = null
  }
  const { id, time, secret, publicKey, key, file, fork, version } = (value ?? {}) as Record<string, unknown>
  if (
    !(isHex(id, 16) && isHex(secret, 32) && isHex(publicKey, 32) && isHex(key, 32)) ||
    !(isCount(time) && time <= 8.64e15 && isCount(fork) && isCount(version)) ||
    !(file === null || (typeof file === 'string' && /^[^/\0]{1,255}$/.test(file)))
  ) {
    throw new DatError('KEY_FILE', 'this file was made by another version of dat')
  }
  return { id, time, secret, publicKey, key, file, fork, version }
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]+$/.test(value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** The file in pieces, as it is to be written. @param entries of blocks, at most MESSAGE_ENTRIES of them at a time */
export async function* sealKeys(
  share: ExportedShare,
  entries: AsyncIterable<Buffer>,
  passphrase: Buffer,
  { operations, memoryKib }: Effort = EFFORT
): AsyncGenerator<Buffer> {
  const salt = randomBytes(SALT_BYTES)
  const limits = Buffer.alloc(8)
  limits.writeUInt32BE(operations, 0)
  limits.writeUInt32BE(memoryKib, 4)
  const stream = Buffer.alloc(STREAM_BYTES)
  const key = await derive(passphrase, { operations, memoryKib, salt })
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES)
  sodium.crypto_secretstream_xchacha20poly1305_init_push(state, stream, key)
  sodium.sodium_memzero(key)
  const hash = createHash('sha256')
  const out = (piece: Buffer): Buffer => {
    hash.update(piece)
    return piece
  }
  const preamble = Buffer.concat([MAGIC, limits, salt, stream])
  const seal = (message: Buffer, tag: number): Buffer => {
    const sealed = Buffer.alloc(4 + message.length + SEAL_BYTES)
    sealed.writeUInt32BE(message.length, 0)
    sodium.crypto_secretstream_xchacha20poly1305_push(state, sealed.subarray(4), message, preamble, tag)
    return sealed
  }
  yield out(preamble)
  yield out(seal(Buffer.from(JSON.stringify(share)), MESSAGE))
  for await (const some of entries) yield out(seal(some, MESSAGE))
  yield out(seal(Buffer.alloc(0), FINAL))
  yield hash.digest()
}

/** A file of keys whose passphrase was right. */
export class KeyFile {
  readonly share: ExportedShare
  readonly #messages: AsyncGenerator<Buffer>

  private constructor(share: ExportedShare, messages: AsyncGenerator<Buffer>) {
    this.share = share
    this.#messages = messages
  }

  /**
   * Opens a file of keys. Damage is told from a wrong passphrase by a checksum, which protects against nothing else.
   * @param passphrase is asked for once the file is known to be one, and whole
   * @throws DatError KEY_FILE, PASSPHRASE, and those of a file that cannot be read
   */
  static async open(file: string, passphrase: () => Promise<Buffer>): Promise<KeyFile> {
    let handle: fs.promises.FileHandle
    try {
      handle = await fs.promises.open(file)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) throw new DatError('KEY_FILE', `there is no file ${file}`)
      throw fileError(error, `read ${file}`)
    }
    try {
      const preamble = await check(handle)
      const messages = unseal(handle, preamble, await passphrase())
      const first = await messages.next()
      if (first.done) throw new DatError('KEY_FILE', 'there is nothing in this file')
      return new KeyFile(readExported(first.value.toString()), messages)
    } catch (error) {
      await handle.close()
      throw error instanceof DatError ? error : fileError(error, `read ${file}`)
    }
  }

  /** Entries of the blocks of the share, in order. To be read once. @throws DatError KEY_FILE */
  async *entries(): AsyncGenerator<Buffer> {
    for await (const message of this.#messages) {
      if (message.length % ENTRY_BYTES !== 0) throw new DatError('KEY_FILE', 'this file has blocks that are none')
      for (let at = 0; at < message.length; at += ENTRY_BYTES) {
        if (!isEntryOfBlock(message, at)) throw new DatError('KEY_FILE', 'this file has blocks that are none')
      }
      if (message.length > 0) yield message
    }
  }

  async close(): Promise<void> {
    await this.#messages.return(undefined)
  }
}

/** Looks whether the file is whole. @returns its beginning */
async function check(handle: fs.promises.FileHandle): Promise<Buffer> {
  const { size } = await handle.stat()
  const preamble = Buffer.alloc(Math.min(size, PREAMBLE_BYTES))
  await readUpTo(handle.fd, preamble, 0)
  readPreamble(preamble)
  const hash = createHash('sha256')
  const end = size - CHECKSUM_BYTES
  const buffer = Buffer.alloc(READ_BYTES)
  for (let at = 0; at < end; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, end - at))
    await readUpTo(handle.fd, part, at)
    hash.update(part)
  }
  const checksum = Buffer.alloc(CHECKSUM_BYTES)
  await readUpTo(handle.fd, checksum, Math.max(0, end))
  if (end < PREAMBLE_BYTES || !hash.digest().equals(checksum)) {
    throw new DatError('KEY_FILE', 'this file of keys is damaged, or not whole')
  }
  return preamble
}

/** The messages of a file, each of them authentic. Closes the file at its end. */
async function* unseal(
  handle: fs.promises.FileHandle,
  preamble: Buffer,
  passphrase: Buffer
): AsyncGenerator<Buffer, undefined> {
  try {
    const { stream, ...limits } = readPreamble(preamble)
    const key = await derive(passphrase, limits)
    const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES)
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, stream, key)
    sodium.sodium_memzero(key)
    const tag = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_TAGBYTES)
    const prefix = Buffer.alloc(4)
    for (let at = PREAMBLE_BYTES; tag[0] !== FINAL; ) {
      await readUpTo(handle.fd, prefix, at)
      const length = prefix.readUInt32BE(0)
      if (length > MAX_MESSAGE_BYTES) throw new DatError('KEY_FILE', 'this file of keys is damaged')
      const sealed = Buffer.alloc(length + SEAL_BYTES)
      await readUpTo(handle.fd, sealed, at + 4)
      const message = Buffer.alloc(length)
      try {
        sodium.crypto_secretstream_xchacha20poly1305_pull(state, message, tag, sealed, preamble)
      } catch (error) {
        // Whoever altered the file may have put the checksum right: then it looks like another passphrase.
        if (at === PREAMBLE_BYTES) throw new DatError('PASSPHRASE', 'this is not the passphrase', { cause: error })
        throw new DatError('KEY_FILE', 'this file of keys was altered', { cause: error })
      }
      at += 4 + sealed.length
      yield message
    }
  } finally {
    await handle.close()
  }
}

async function derive(passphrase: Buffer, { operations, memoryKib, salt }: Omit<Preamble, 'stream'>): Promise<Buffer> {
  const key = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES)
  const { crypto_pwhash_ALG_ARGON2ID13: algorithm } = sodium
  try {
    await sodium.crypto_pwhash_async(key, passphrase, salt, operations, memoryKib * 1024, algorithm)
  } catch (error) {
    const message = `there is not enough memory to make a key of the passphrase: it takes ${memoryKib / 1024} MiB`
    throw new DatError('PERMISSION', message, { cause: error, hint: 'close other programs, or use another computer' })
  }
  return key
}
