import fs from 'node:fs'
import os from 'node:os'
import { DatError } from '../base/errors.js'

/**
 * Batch systems limit the addresses that a process may use (`ulimit -v`, RLIMIT_AS), where they mean memory. V8 reserves
 * many that it never uses, and when it gets none for a further thread, it ends the process, with nothing that could be
 * caught. So what is too little is refused before.
 */

/** Bytes. Measured with two threads: up to 3.8 GB, of which the allocator takes a part for each thread where it can. */
const ENOUGH = 4e9
/** Bytes, with which nobody has to save: four threads take up to 5.1 GB. */
const PLENTY = 6.5e9
const MAX_WORKERS = 4
const FEW_WORKERS = 2

/** Bytes of addresses; Infinity where there is no limit. */
export interface AddressLimit {
  /** What counts now. */
  soft: number
  /** Up to which the user may raise it. */
  hard: number
}

const UNLIMITED: AddressLimit = { soft: Number.POSITIVE_INFINITY, hard: Number.POSITIVE_INFINITY }

/** The limit of this process. Only Linux tells; elsewhere there is hardly ever one. */
export function readAddressLimit(file = '/proc/self/limits'): AddressLimit {
  let text: string
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch {
    return UNLIMITED
  }
  const [, soft, hard] = /^Max address space\s+(\d+|unlimited)\s+(\d+|unlimited)\s/m.exec(text) ?? []
  const bytes = (value = 'unlimited') => (value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value))
  return { soft: bytes(soft), hard: bytes(hard) }
}

/** @throws DatError MEMORY_LIMIT where dat could not work to its end */
export function refuseSmallAddressSpace({ soft, hard }: AddressLimit): void {
  if (soft >= ENOUGH) return
  const kibibytes = Math.floor(soft / 1024)
  const message = `the system lets this process use ${kibibytes} KiB of address space (\`ulimit -v\`), which is too little`
  const most = hard === Number.POSITIVE_INFINITY ? 'unlimited' : `${Math.floor(hard / 1024)}`
  // What the catalogue advises is for those who may not raise it by themselves.
  const hint = hard >= ENOUGH ? { hint: `type \`ulimit -S -v ${most}\`, then the same command again` } : {}
  throw new DatError('MEMORY_LIMIT', message, hint)
}

/** How many threads may work on files. */
export function workerThreads({ soft }: AddressLimit): number {
  const most = soft < PLENTY ? FEW_WORKERS : MAX_WORKERS
  return Math.min(most, Math.max(2, os.availableParallelism()))
}
