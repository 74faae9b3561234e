import { createHmac, randomBytes, scrypt } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { fileError, systemCode } from '../base/errors.js'

const FOLDER = 'gateway'
const BYTES = 32

/**
 * The secret by which URLs of a share are signed. It is made once, and kept for the user alone, so that URLs are good
 * until they expire, however often the gateway is started.
 * @param home where dat keeps what belongs to the user; null keeps nothing
 * @param key of the drive
 * @param renew makes a new one: all URLs that were given away are worthless then
 */
export async function openSecret(home: string | null, key: Buffer, renew: boolean): Promise<Buffer> {
  if (home === null) return randomBytes(BYTES)
  const folder = path.join(home, FOLDER)
  // A hash: the file's name must not tell the link.
  const name = createHmac('sha256', key).update('dat gateway secret').digest('hex').slice(0, 32)
  const file = path.join(folder, name)
  try {
    await fs.promises.mkdir(folder, { recursive: true, mode: 0o700 })
    if (renew) await fs.promises.rm(file, { force: true })
    for (;;) {
      const known = await fs.promises.readFile(file).catch(missing)
      if (known?.length === BYTES) return known
      if (known) await fs.promises.rm(file, { force: true })
      await create(file, randomBytes(BYTES))
    }
  } catch (error) {
    throw fileError(error, `keep the secret for signed URLs in ${folder}`)
  }
}

/** Whole or not at all, and never over another one's. */
async function create(file: string, secret: Buffer): Promise<void> {
  const fresh = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  await fs.promises.writeFile(fresh, secret, { mode: 0o600, flag: 'wx' })
  try {
    await fs.promises.link(fresh, file)
  } catch (error) {
    // Another gateway was faster. Some file systems have no links: there the last one wins.
    if (systemCode(error) !== 'EEXIST') await fs.promises.rename(fresh, file)
  } finally {
    await fs.promises.rm(fresh, { force: true })
  }
}

function missing(error: unknown): null {
  if (systemCode(error) === 'ENOENT') return null
  throw error
}

/** About 60 ms and 32 MiB for each guess. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }
const derive = promisify<string, Buffer, number, typeof COST, Buffer>(scrypt)

/** What is known of a password: enough to compare, too little to find it quickly. */
export function hashPassword(secret: Buffer, password: string): Promise<Buffer> {
  const salt = createHmac('sha256', secret).update('dat gateway password').digest()
  return derive(password.normalize('NFC'), salt, BYTES, COST)
}

/**
 * The key by which URLs are signed. One that was given away with a password is worthless without it, or with another.
 */
export function signingKey(secret: Buffer, passwordHash: Buffer | null): Buffer {
  const hmac = createHmac('sha256', secret).update('dat gateway signatures')
  return (passwordHash ? hmac.update(passwordHash) : hmac).digest()
}
