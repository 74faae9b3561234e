import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { systemCode } from '../base/errors.js'
import { holdFile } from '../storage/file-lock.js'
import { thisMachine } from './whereabouts.js'

/**
 * Folders for an index that is needed for a moment. A process that is killed cannot remove its own, so the next that
 * makes one removes those of processes that are gone. Which these are, no number tells: numbers are given out again, and
 * the folder for temporary files may be that of many computers. So each has a file that its process holds locked for as
 * long as it lives.
 */

/** What it is for, a part of its name. */
export type TemporaryUse = 'name' | 'owner' | 'read' | 'serve' | 'trial'

export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

const NAME = /^dat-(?:name|owner|read|serve|trial)-[A-Za-z0-9]{6}$/
const MARKER = 'temporary.json'
/** Names that are looked at and folders that are removed each time, at most: the next one goes on. */
const MAX_NAMES = 20_000
const MAX_REMOVED = 16
const MAX_MARKER_BYTES = 1024

/** Makes a folder that only this user can read. @param parent where, usually where the system has temporary files */
export async function makeTemporaryFolder(use: TemporaryUse, parent = os.tmpdir()): Promise<TemporaryFolder> {
  const tidied = removeLeftBehind(parent).catch(() => {})
  const folder = await fs.promises.mkdtemp(path.join(parent, `dat-${use}-`))
  const remove = async (marker: fs.promises.FileHandle | null): Promise<void> => {
    await tidied
    await removeFolder(folder, marker)
  }
  try {
    const marker = await sign(folder)
    return { path: folder, remove: () => remove(marker) }
  } catch (error) {
    await remove(null)
    throw error
  }
}

/** @returns null where files cannot be locked: nobody will know when its process is gone */
async function sign(folder: string): Promise<fs.promises.FileHandle | null> {
  const file = path.join(folder, MARKER)
  const marker = await fs.promises.open(file, 'wx', 0o600)
  try {
    // Locked before anything is in it, without which it says nothing.
    if (lock(marker)) {
      await marker.writeFile(text())
      return marker
    }
  } catch (error) {
    await marker.close()
    throw error
  }
  await marker.close()
  return null
}

function lock(marker: fs.promises.FileHandle): boolean {
  try {
    return holdFile(marker)
  } catch {
    return false
  }
}

/** What a marker of this computer says. A lock that is seen only where it was made must not be judged elsewhere. */
function text(): string {
  return `${JSON.stringify({ machine: thisMachine(), host: os.hostname() })}\n`
}

async function removeLeftBehind(parent: string): Promise<void> {
  if (!(await isSafe(parent))) return
  let names = 0
  let removed = 0
  for await (const { name } of await fs.promises.opendir(parent)) {
    if (++names > MAX_NAMES || removed >= MAX_REMOVED) return
    if (NAME.test(name) && (await removeIfLeft(path.join(parent, name)).catch(() => false))) removed++
  }
}

/** Whether nobody else can put another folder in the place of one that is about to be removed. */
async function isSafe(parent: string): Promise<boolean> {
  if (process.platform === 'win32') return true
  const { mode } = await fs.promises.stat(parent)
  return (mode & 0o022) === 0 || (mode & 0o1000) !== 0
}

/** @returns whether it was one that was left behind */
async function removeIfLeft(folder: string): Promise<boolean> {
  const stats = await fs.promises.lstat(folder)
  if (!stats.isDirectory() || !isOwn(stats) || (process.platform !== 'win32' && (stats.mode & 0o077) !== 0))
    return false
  const { O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
  const marker = await fs.promises.open(path.join(folder, MARKER), O_RDWR | O_NOFOLLOW | O_NONBLOCK)
  let left = false
  try {
    const is = await marker.stat()
    left = is.isFile() && isOwn(is) && is.size <= MAX_MARKER_BYTES && (await marker.readFile('utf8')) === text()
    left &&= lock(marker)
  } finally {
    if (!left) await marker.close()
  }
  if (left) await removeFolder(folder, marker)
  return left
}

function isOwn({ uid }: fs.Stats): boolean {
  return process.getuid === undefined || uid === process.getuid()
}

/** The marker goes last, and is held until then: so nobody else begins to remove the same folder. */
async function removeFolder(folder: string, marker: fs.promises.FileHandle | null): Promise<void> {
  try {
    const names = await fs.promises.readdir(folder)
    for (const name of names) {
      if (name !== MARKER) await fs.promises.rm(path.join(folder, name), { recursive: true, force: true })
    }
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  } finally {
    await marker?.close()
  }
  await fs.promises.rm(folder, { recursive: true, force: true })
}
