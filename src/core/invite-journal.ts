import fs from 'node:fs'
import path from 'node:path'
import { DatError, fileError, systemCode } from '../base/errors.js'

/**
 * The invites of a share, in a file beside its index: one line of JSON for each thing that happened. Who shares holds
 * the lock of the index all the time; a file to which lines are added can be written by `dat invite` meanwhile.
 */
const FILE = 'invites.jsonl'
/** Of about 250 bytes for each use. */
const MAX_BYTES = 8 * 1024 * 1024
const MAX_NOTE = 200

export interface Use {
  /** Public key in hex of who used it. */
  redeemer: string
  /** In milliseconds since 1970, as are all times here. */
  time: number
  /** The address that it came from. */
  from: string
}

export interface Invite {
  /** In hex. */
  id: string
  publicKey: string
  note: string
  made: number
  /** null: never */
  expires: number | null
  /** How many may use it; null for everybody who has it. */
  uses: number | null
  revoked: number | null
  used: Use[]
}

export type Line =
  | { op: 'make'; id: string; publicKey: string; note: string; expires: number | null; uses: number | null }
  | { op: 'renew'; id: string; expires: number | null; uses: number | null }
  | { op: 'revoke'; id: string }
  | { op: 'use'; id: string; redeemer: string; from: string }

/** Why an invite lets nobody in any more. */
export type Refusal = 'revoked' | 'expired' | 'used'

export class InviteJournal {
  readonly #file: string
  #seen = ''
  #known = new Map<string, Invite>()

  /** @param store the folder of the index */
  constructor(store: string) {
    this.#file = path.join(store, FILE)
  }

  /** All invites by id, the oldest first. @throws DatError INDEX_DAMAGED, PERMISSION */
  async read(): Promise<ReadonlyMap<string, Invite>> {
    let handle: fs.promises.FileHandle
    try {
      handle = await fs.promises.open(this.#file)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw fileError(error, `read ${this.#file}`)
      this.#seen = ''
      this.#known = new Map()
      return this.#known
    }
    try {
      const { size, mtimeNs, ino } = await handle.stat({ bigint: true })
      const seen = `${size} ${mtimeNs} ${ino}`
      if (seen === this.#seen) return this.#known
      if (size > MAX_BYTES) {
        const message = `${this.#file} is larger than the invites of a share can be`
        throw new DatError('INDEX_DAMAGED', message, { hint: 'move it away: invites that are open end with that' })
      }
      this.#known = readJournal(await handle.readFile('utf8'))
      this.#seen = seen
      return this.#known
    } finally {
      await handle.close()
    }
  }

  /** Adds a line; it is on the disk when this resolves. @throws DatError DISK_FULL, PERMISSION */
  async add(line: Line): Promise<void> {
    try {
      const handle = await fs.promises.open(this.#file, 'a', 0o600)
      try {
        if ((await handle.stat()).size > MAX_BYTES - 4096) {
          throw new DatError('DISK_FULL', `${this.#file} is full`, { hint: 'move it away, and make new invites' })
        }
        // A line that was cut off, by a full disk or a crash, spoils itself only.
        await handle.write(`\n${JSON.stringify({ ...line, time: Date.now() })}\n`)
        await handle.sync()
      } finally {
        await handle.close()
      }
    } catch (error) {
      throw fileError(error, `write ${this.#file}`)
    }
  }
}

/** What is asked of an invite. */
export interface Asked {
  /** By one who was let in before, and has the key already. */
  again?: boolean
  /** Where nobody is served whose invite is over. */
  strict?: boolean
}

/**
 * Why an invite does not let in this one; null if it does. Whoever it has let in it goes on knowing until revoked; one
 * that comes again is served after that, too, where not `strict`.
 */
export function refusalOf(
  invite: Invite,
  redeemer: string | null,
  now: number,
  { again = false, strict = false }: Asked = {}
): Refusal | null {
  const known = invite.used.some((use) => use.redeemer === redeemer)
  if (known && again && !strict) return null
  if (invite.revoked !== null) return 'revoked'
  if (known && !strict) return null
  if (invite.expires !== null && now >= invite.expires) return 'expired'
  return !known && invite.uses !== null && invite.used.length >= invite.uses ? 'used' : null
}

/** Reads a journal. Lines that are none are passed over. */
export function readJournal(text: string): Map<string, Invite> {
  const invites = new Map<string, Invite>()
  for (const row of text.split('\n')) {
    const line = row === '' ? null : readLine(row)
    if (!line) continue
    const { time } = line
    const invite = invites.get(line.id)
    if (line.op === 'make') {
      const { id, publicKey, note, expires, uses } = line
      if (!invite) invites.set(id, { id, publicKey, note, made: time, expires, uses, revoked: null, used: [] })
    } else if (!invite) continue
    else if (line.op === 'revoke') invite.revoked ??= time
    else if (line.op === 'renew') Object.assign(invite, { expires: line.expires, uses: line.uses })
    else if (!invite.used.some(({ redeemer }) => redeemer === line.redeemer)) {
      invite.used.push({ redeemer: line.redeemer, time, from: line.from })
    }
  }
  return invites
}

const HEX_KEY = /^[0-9a-f]{64}$/

function readLine(row: string): (Line & { time: number }) | null {
  let value: unknown
  try {
    value = JSON.parse(row)
  } catch {
    return null
  }
  const { op, id, publicKey, note, expires, uses, redeemer, from, time } = (value ?? {}) as Record<string, unknown>
  if (!isKey(id) || !isCount(time)) return null
  if (op === 'revoke') return { op, id, time }
  if (op === 'use') return isKey(redeemer) && typeof from === 'string' ? { op, id, redeemer, from, time } : null
  if (!isCount(expires, true) || !isCount(uses, true)) return null
  if (op === 'renew') return { op, id, expires, uses, time }
  if (op !== 'make' || !isKey(publicKey) || typeof note !== 'string' || note.length > MAX_NOTE) return null
  return { op, id, publicKey, note, expires, uses, time }
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && HEX_KEY.test(value)
}

function isCount(value: unknown): value is number
function isCount(value: unknown, orNull: true): value is number | null
function isCount(value: unknown, orNull = false): boolean {
  return (orNull && value === null) || (Number.isSafeInteger(value) && (value as number) >= 0)
}

/** @throws DatError USAGE when a note is longer than is kept */
export function checkNote(note: string): string {
  if (note.length <= MAX_NOTE) return note
  throw new DatError('USAGE', `--note: more than ${MAX_NOTE} characters`, { hint: 'shorten it' })
}
