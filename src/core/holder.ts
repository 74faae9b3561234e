import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { systemCode } from '../base/errors.js'

/** Beside the index: who is working with it. It locks nothing; RocksDB does. */
const FILE = 'in-use.json'

interface Holder {
  pid: number
  host: string
  /** What it does: `share`, `clone` and so on. */
  work: string
}

/** Says who we are to whoever comes later. Never fails: it is a courtesy. @returns takes it back */
export async function signHolder(store: string, work: string): Promise<() => Promise<void>> {
  const file = path.join(store, FILE)
  const holder: Holder = { pid: process.pid, host: os.hostname(), work }
  await fs.promises.writeFile(file, `${JSON.stringify(holder)}\n`, { mode: 0o600 }).catch(() => {})
  return () => fs.promises.rm(file, { force: true }).catch(() => {})
}

/** Who holds an index, as far as it can be known; '' where it cannot: what a dead process wrote is no answer. */
export async function describeHolder(store: string): Promise<string> {
  try {
    const holder = readHolder(await fs.promises.readFile(path.join(store, FILE), 'utf8'))
    if (!holder) return ''
    const { pid, host, work } = holder
    if (host !== os.hostname()) return `\`dat ${work}\`, process ${pid} on ${host}`
    return isRunning(pid) ? `\`dat ${work}\`, process ${pid} on this computer` : ''
  } catch {
    return ''
  }
}

/** Reads what the holder of an index wrote, or whoever else may write there; null if it is something else. */
export function readHolder(text: string): Holder | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const { pid, host, work } = (value ?? {}) as Partial<Record<keyof Holder, unknown>>
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return null
  if (typeof host !== 'string' || !/^[\w.-]{1,255}$/.test(host)) return null
  return typeof work === 'string' && /^[a-z]{1,20}$/.test(work) ? { pid, host, work } : null
}

/** Whether a process of this computer is there, also one of another user. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) === 'EPERM'
  }
}
