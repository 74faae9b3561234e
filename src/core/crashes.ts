import os from 'node:os'
import type { FileIndex } from '../storage/file-index.js'

const SESSION = 'session'
/** The clock and the uptime do not tell the time of boot more exactly, in seconds. */
const BOOT_TOLERANCE = 30

interface OpenSession {
  /** When the machine was booted, in seconds since 1970. */
  boot: number
  /** When the index was opened, in milliseconds since 1970. */
  started: number
}

/** @returns when the earlier session began that ended with the machine; null if there was none */
export async function beginSession(index: FileIndex): Promise<number | null> {
  const last = await index.getMeta<OpenSession | null>(SESSION)
  const crashed = last !== null && Math.abs(last.boot - bootTime()) > BOOT_TOLERANCE
  // Kept until what was written since then has been checked: another crash must not hide it.
  if (crashed) return last.started
  if (!last) await startSession(index)
  return null
}

/** From now on this opening is the one whose end is waited for. */
export function startSession(index: FileIndex): Promise<void> {
  return putSession(index, { boot: bootTime(), started: Date.now() })
}

/** The opening ended in order; one that is still to be checked stays. */
export async function endSession(index: FileIndex): Promise<void> {
  const last = await index.getMeta<OpenSession | null>(SESSION)
  if (last && Math.abs(last.boot - bootTime()) <= BOOT_TOLERANCE) await putSession(index, null)
}

async function putSession(index: FileIndex, session: OpenSession | null): Promise<void> {
  const batch = index.batch()
  batch.putMeta(SESSION, session)
  await batch.flush()
}

function bootTime(): number {
  return Math.round(Date.now() / 1000 - os.uptime())
}
