import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

/**
 * The one way to a file below a folder of the user. A name is checked once, but what is at that name may change at any
 * moment: another process can put a link where a folder was, between a check and what follows it. So a folder is opened,
 * component by component and never through a link, and what is to be done there is done relative to the open folder,
 * wherever it is moved to meanwhile. Node has no openat(2); on Linux a name below `/proc/self/fd/N` is the same. Where
 * there is no such thing, the way is looked at right before, and for what was opened right after.
 */

/** A file or folder below `root`. */
export interface Beneath {
  /** Absolute. Links on the way to it are the user's own, and are followed. */
  root: string
  /** With `/` between its parts, none of them `..`; '' for the root itself. From the root on no link is followed. */
  path: string
}

const { O_RDONLY, O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants
/** Linux (asm-generic/fcntl.h): a descriptor that only names the folder, which needs no permission to read it. */
const O_PATH = 0o10000000
const ROOT = O_PATH | O_RDONLY | O_DIRECTORY
const STEP = ROOT | O_NOFOLLOW
const DESCRIPTORS = '/proc/self/fd'

/** Folders that are kept open side by side, for files that are handled together. */
const MAX_HELD = 32

/** Whether this system can act relative to an open folder. */
export const CAN_HOLD = process.platform === 'linux' && probe()

function probe(): boolean {
  try {
    const fd = fs.openSync('/', ROOT)
    try {
      return fs.statSync(`${DESCRIPTORS}/${fd}/.`).ino === fs.statSync('/').ino
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return false
  }
}

/** Something that is no folder lies on the way. Its code is ELINK for a link, ENOTDIR otherwise. */
function inTheWay(isLink: boolean): NodeJS.ErrnoException {
  const what = isLink ? 'a link' : 'a file'
  return Object.assign(new Error(`${what} is where a folder should be`), { code: isLink ? 'ELINK' : 'ENOTDIR' })
}

/** A root that stays the same folder, even if another one takes its name. */
export interface HeldRoot {
  /** To be used as the root of files below it. */
  readonly path: string
  close(): void
}

export function holdRoot(root: string): HeldRoot {
  if (!CAN_HOLD) return { path: root, close: () => {} }
  const fd = fs.openSync(root, ROOT)
  return { path: `${DESCRIPTORS}/${fd}`, close: () => fs.closeSync(fd) }
}

/** Folders below roots, held open while a few files in them are handled. For a worker: everything here is synchronous. */
export class Folders {
  readonly #fds = new Map<string, number>()
  readonly #canHold: boolean

  constructor(canHold = CAN_HOLD) {
    this.#canHold = canHold
  }

  /**
   * A path by which the system finds `file` now, and not through a link; good until the next call of `tidy` or `close`.
   * @param mode with which missing folders on the way are made; null makes none
   * @throws with the code ELINK where a link is on the way, ENOTDIR where a file is
   */
  reach({ root, path: relative }: Beneath, mode: number | null = null): string {
    const slash = relative.lastIndexOf('/')
    const name = relative.slice(slash + 1)
    return `${this.folder({ root, path: slash === -1 ? '' : relative.slice(0, slash) }, mode)}/${name}`
  }

  /** The same for a folder, with what is missing of it. */
  folder({ root, path: relative }: Beneath, mode: number | null = null): string {
    if (this.#canHold) return `${DESCRIPTORS}/${this.#hold(root, relative, mode)}`
    let at = root
    for (const part of parts(relative)) {
      at = path.join(at, part)
      const stats = fs.lstatSync(at, { throwIfNoEntry: mode === null }) ?? makeFolder(at, mode)
      if (!stats.isDirectory()) throw inTheWay(stats.isSymbolicLink())
    }
    return at
  }

  /** Opens a file, which must not be a link. */
  open(file: Beneath, flags: number, mode?: number): number {
    const at = this.reach(file)
    const fd = fs.openSync(at, flags | O_NOFOLLOW, mode)
    if (this.#canHold) return fd
    try {
      if (same(fs.fstatSync(fd), fs.lstatSync(this.reach(file)))) return fd
      throw inTheWay(true)
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  }

  /** Between two files: keeps what is held within bounds. */
  tidy(): void {
    if (this.#fds.size > MAX_HELD) this.close()
  }

  close(): void {
    for (const fd of this.#fds.values()) fs.closeSync(fd)
    this.#fds.clear()
  }

  #hold(root: string, relative: string, mode: number | null): number {
    const key = (folder: string) => `${root}\0${folder}`
    const known = this.#fds.get(key(relative))
    if (known !== undefined) return known
    // From the nearest folder above that is held.
    let end = relative.length
    while (end > 0 && !this.#fds.has(key(relative.slice(0, end)))) end = Math.max(0, relative.lastIndexOf('/', end - 1))
    let fd = this.#fds.get(key(relative.slice(0, end)))
    if (fd === undefined) {
      fd = fs.openSync(root, ROOT)
      this.#fds.set(key(''), fd)
    }
    // A way of a thousand folders is gone along without keeping all of them. What is held already stays so: a path
    // that was given out goes through it.
    let passing: number | null = null
    try {
      for (const part of parts(relative.slice(end))) {
        end = end === 0 ? part.length : end + 1 + part.length
        const above = passing
        fd = step(`${DESCRIPTORS}/${fd}/${part}`, mode)
        passing = end < relative.length && this.#fds.size >= MAX_HELD ? fd : null
        if (passing === null) this.#fds.set(key(relative.slice(0, end)), fd)
        if (above !== null) fs.closeSync(above)
      }
    } catch (error) {
      if (passing !== null) fs.closeSync(passing)
      throw error
    }
    return fd
  }
}

function step(at: string, mode: number | null): number {
  try {
    return fs.openSync(at, STEP)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && mode !== null) {
      makeFolder(at, mode)
      return fs.openSync(at, STEP)
    }
    throw code === 'ENOTDIR' || code === 'ELOOP' ? inTheWay(isLink(at)) : error
  }
}

function makeFolder(at: string, mode: number | null): fs.Stats {
  try {
    fs.mkdirSync(at, mode ?? 0o777)
  } catch (error) {
    // Another thread makes the same folders.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return fs.lstatSync(at)
}

function isLink(at: string): boolean {
  return fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
}

function parts(relative: string): string[] {
  return relative.split('/').filter((part) => part !== '')
}

function same(a: fs.Stats, b: fs.Stats): boolean {
  return a.ino === b.ino && a.dev === b.dev
}

const open = promisify(fs.open)
const close = promisify(fs.close)
const lstat = promisify(fs.lstat)
const fstat = promisify(fs.fstat)

/**
 * Opens a file below a folder without blocking, as `Folders.open` does.
 * @throws with the code ELINK where a link is on the way, ENOTDIR where a file is, ELOOP where the file is a link
 */
export async function openBeneath(file: Beneath, flags: number, mode?: number): Promise<number> {
  const way = parts(file.path)
  const name = way.pop() ?? ''
  if (!CAN_HOLD) return openChecked(file, flags, mode)
  let folder = await open(file.root, ROOT)
  try {
    for (const part of way) {
      const at = `${DESCRIPTORS}/${folder}/${part}`
      const below = await open(at, STEP).catch((error: NodeJS.ErrnoException) => {
        throw error.code === 'ENOTDIR' || error.code === 'ELOOP' ? inTheWay(isLink(at)) : error
      })
      await close(folder)
      folder = below
    }
    return await open(`${DESCRIPTORS}/${folder}/${name}`, flags | O_NOFOLLOW, mode)
  } finally {
    await close(folder)
  }
}

async function openChecked(file: Beneath, flags: number, mode?: number): Promise<number> {
  const folders = new Folders(false)
  const fd = await open(folders.reach(file), flags | O_NOFOLLOW, mode)
  try {
    if (same(await fstat(fd), await lstat(folders.reach(file)))) return fd
    throw inTheWay(true)
  } catch (error) {
    await close(fd)
    throw error
  }
}

/** Where a file is for whoever may be led elsewhere without harm: to look whether it is there, or in a message. */
export function pathOf({ root, path: relative }: Beneath): string {
  return path.join(root, relative)
}
