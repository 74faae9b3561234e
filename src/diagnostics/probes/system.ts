import { readFile, statfs } from 'node:fs/promises'
import { arch, release } from 'node:os'
import { formatBytes } from '../../base/sizes.js'
import type { SystemFacts } from '../evidence.js'
import type { ProbeContext, ProbeResult } from '../probe.js'
import { shortened, withoutLogin } from '../redact.js'

/** Below this many bytes there is hardly room for an index. */
const LITTLE_SPACE = 100 * 1024 * 1024
const FEW_FILES = 256
const FEW_WATCHES = 8192

/** This computer: versions, limits, proxy variables, free space. */
export async function system({ options }: ProbeContext): Promise<ProbeResult<SystemFacts>> {
  const [inotifyWatches, openFiles, freeBytes] = await Promise.all([watches(), files(), free(options.dir)])
  const proxies = Object.fromEntries(
    Object.entries(options.proxyVariables).map(([name, value]) => [
      name,
      /^no_proxy$/i.test(name) ? shortened(value) : withoutLogin(value)
    ])
  )
  const facts: SystemFacts = {
    version: options.version,
    node: process.version,
    platform: `${process.platform} ${release()} ${arch()}`,
    proxies,
    inotifyWatches,
    openFiles,
    freeBytes
  }
  const parts = [`dat ${options.version}, ${process.platform}`]
  if (freeBytes !== null) parts.push(`${formatBytes(freeBytes)} free`)
  const trouble: string[] = []
  if (freeBytes !== null && freeBytes < LITTLE_SPACE) trouble.push('the disk is nearly full')
  if (openFiles !== null && openFiles < FEW_FILES) trouble.push(`only ${openFiles} open files allowed`)
  if (inotifyWatches !== null && inotifyWatches < FEW_WATCHES) trouble.push(`only ${inotifyWatches} watches allowed`)
  return { status: trouble.length > 0 ? 'fail' : 'ok', summary: [...trouble, ...parts].join(', '), facts }
}

async function watches(): Promise<number | null> {
  return number(await text('/proc/sys/fs/inotify/max_user_watches'))
}

async function files(): Promise<number | null> {
  return number(/^Max open files\s+(\d+)/m.exec(await text('/proc/self/limits'))?.[1] ?? '')
}

async function free(dir: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(dir)
    return bavail * bsize
  } catch {
    return null
  }
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return ''
  }
}

function number(digits: string): number | null {
  const value = Number.parseInt(digits, 10)
  return Number.isNaN(value) ? null : value
}
