import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileError, systemCode } from '../base/errors.js'
import { type Redeemer, redeemerOf } from './invite-proof.js'

const FILE = 'redeemer'

/**
 * Who this user is to those whose invites are used: one and the same for an invite, so that a clone that was broken off
 * does not use it up twice.
 * @param home the folder of dat's per-user data; null to be somebody else each time
 * @throws DatError DISK_FULL, PERMISSION
 */
export async function redeemerFor(home: string | null, inviteSecret: Buffer): Promise<Redeemer> {
  return redeemerOf(home === null ? randomBytes(32) : await readSecret(home), inviteSecret)
}

async function readSecret(home: string): Promise<Buffer> {
  const file = path.join(home, FILE)
  for (;;) {
    const text = await fs.promises.readFile(file, 'utf8').catch((error) => {
      if (systemCode(error) === 'ENOENT') return null
      throw fileError(error, `read ${file}`)
    })
    if (text !== null && /^[0-9a-f]{64}\n$/.test(text)) return Buffer.from(text, 'hex')
    await writeSecret(file)
  }
}

/** Whole or not at all. Of two that write at once the last one wins, for both: they read what is there then. */
async function writeSecret(file: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await fs.promises.mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    await fs.promises.writeFile(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true })
    await fs.promises.rename(draft, file)
  } catch (error) {
    await fs.promises.rm(draft, { force: true })
    throw fileError(error, `write ${file}`)
  }
}
