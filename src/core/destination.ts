import fs, { type Stats } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../base/errors.js'
import { type FileRecord, type Fingerprint, fingerprintOf } from '../storage/file-record.js'
import { fileTime, isTaskError, type PlaceJob, toError } from '../storage/file-tasks.js'
import type { FileWorkers } from '../storage/file-workers.js'

const lstat = promisify(fs.lstat)
const utimes = promisify(fs.utimes)
const chmod = promisify(fs.chmod)

/** How a file is to look once it is in place. */
export interface Look {
  /** Milliseconds since 1970; null leaves the time of the download. */
  mtime: number | null
  executable: boolean
}

/** Something that is not ours is where a file should go. */
export class InTheWay extends Error {}

const IN_THE_WAY = {
  folder: 'a folder that is not empty is in its place',
  altered: 'it was altered here',
  foreign: 'another file is in its place'
}

/**
 * The folder of a clone: the only place where dat puts, replaces and removes a user's files. Takes paths that passed
 * `safePath`. No link is ever followed, neither for a file nor for a folder on the way to it.
 */
export class Destination {
  readonly root: string
  /** Folders known to be real ones: not links, not missing. */
  readonly #folders = new Set<string>(['.'])
  readonly #making = new Map<string, Promise<void>>()
  /** Ways into folders that are under way. */
  readonly #entering = new Set<Promise<unknown>>()
  /** Set while a link is made or a folder removed. */
  #alone: Promise<unknown> | null = null

  readonly #workers: FileWorkers

  constructor(root: string, workers: FileWorkers) {
    this.root = root
    this.#workers = workers
  }

  absolute(relative: string): string {
    return path.join(this.root, relative)
  }

  /** What is at a path now, without following a link; null if nothing. */
  async look(relative: string): Promise<Stats | null> {
    try {
      return await lstat(this.absolute(relative))
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null
      throw error
    }
  }

  /**
   * Moves a finished file to its place.
   * @param ours the record of what dat itself put there before, which may be replaced; anything else is in the way
   * @param force replace whatever file or link is there
   * @returns the fingerprint of the file in its place
   */
  async place(
    from: string,
    relative: string,
    how: Look,
    ours: FileRecord | null,
    force: boolean
  ): Promise<Fingerprint> {
    const job: PlaceJob = {
      from,
      to: this.absolute(relative),
      mtime: how.mtime,
      mode: how.executable ? 0o777 & ~umask() : null,
      replace: ours ? { mtime: ours.mtime, inode: ours.inode } : null,
      force
    }
    const move = async () => {
      await this.#makeFolder(path.posix.dirname(relative))
      return this.#workers.place(job)
    }
    let result = await this.#enter(move)
    if ('inTheWay' in result && result.inTheWay === 'folder') {
      // Goes if it is empty; those above it are made again.
      await this.removeFolder(relative)
      result = await this.#enter(move)
    }
    if (isTaskError(result)) throw toError(result)
    if ('inTheWay' in result) throw new InTheWay(IN_THE_WAY[result.inTheWay])
    return result
  }

  /** Makes an empty file, or a copy of a file of this clone that has the same content (a reflink where possible). */
  async create(
    relative: string,
    source: string | null,
    temporary: string,
    how: Look,
    ours: FileRecord | null,
    force: boolean
  ): Promise<Fingerprint> {
    await fs.promises.mkdir(path.dirname(temporary), { recursive: true, mode: 0o700 })
    await fs.promises.rm(temporary, { force: true })
    if (source === null) await fs.promises.writeFile(temporary, '', { flag: 'wx' })
    else
      await fs.promises.copyFile(
        this.absolute(source),
        temporary,
        fs.constants.COPYFILE_FICLONE | fs.constants.COPYFILE_EXCL
      )
    return this.place(temporary, relative, how, ours, force)
  }

  /** Sets time and executable bit of a file that is in place. */
  async redress(relative: string, how: Look): Promise<Fingerprint> {
    const file = this.absolute(relative)
    await chmod(file, (how.executable ? 0o777 : 0o666) & ~umask()).catch(tolerate)
    if (how.mtime !== null) {
      const time = fileTime(how.mtime)
      await utimes(file, time, time).catch(tolerate)
    }
    return fingerprintOf(await lstat(this.absolute(relative)))
  }

  async fingerprint(relative: string): Promise<Fingerprint> {
    return fingerprintOf(await lstat(this.absolute(relative)))
  }

  link(relative: string, target: string, ours: FileRecord | null, force: boolean): Promise<Fingerprint> {
    return this.#exclude(async () => {
      await this.#makeFolder(path.posix.dirname(relative))
      await this.#makeWay(relative, ours, force)
      await fs.promises.rm(this.absolute(relative), { force: true })
      await fs.promises.symlink(target, this.absolute(relative))
      return fingerprintOf(await lstat(this.absolute(relative)))
    })
  }

  /** Makes a folder and those above it. */
  makeFolder(relative: string): Promise<void> {
    return this.#enter(() => this.#makeFolder(relative))
  }

  /** Removes a file or link, and the folders that it leaves empty. Never more than what is at that path. */
  remove(relative: string): Promise<void> {
    return this.#exclude(async () => {
      if (!(await this.#isFolder(path.posix.dirname(relative)))) return
      await fs.promises.rm(this.absolute(relative), { force: true })
      await this.#removeFolder(path.posix.dirname(relative))
    })
  }

  /** Removes a folder if it is empty, and those above that become empty. */
  removeFolder(relative: string): Promise<void> {
    return this.#exclude(() => this.#removeFolder(relative))
  }

  /** A way into a folder: many at once, but not while the folder may become a link, which would lead it elsewhere. */
  async #enter<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#alone
    const working = work()
    const ended = working.then(ignore, ignore)
    this.#entering.add(ended)
    try {
      return await working
    } finally {
      this.#entering.delete(ended)
    }
  }

  /** Whatever could make a link of a folder: alone. */
  async #exclude<T>(work: () => Promise<T>): Promise<T> {
    while (this.#alone) await this.#alone
    const working = Promise.all(this.#entering).then(work)
    this.#alone = working.then(ignore, ignore).then(() => {
      this.#alone = null
    })
    return working
  }

  #makeFolder(relative: string): Promise<void> {
    if (this.#folders.has(relative)) return Promise.resolve()
    let making = this.#making.get(relative)
    if (!making) {
      making = this.#make(relative).finally(() => this.#making.delete(relative))
      this.#making.set(relative, making)
    }
    return making
  }

  async #removeFolder(relative: string): Promise<void> {
    if (!(await this.#isFolder(path.posix.dirname(relative)))) return
    for (let folder = relative; folder !== '.' && folder !== ''; folder = path.posix.dirname(folder)) {
      try {
        await fs.promises.rmdir(this.absolute(folder))
      } catch {
        return
      }
      for (const known of this.#folders) {
        if (known === folder || known.startsWith(`${folder}/`)) this.#folders.delete(known)
      }
    }
  }

  async #make(relative: string): Promise<void> {
    await this.#makeFolder(path.posix.dirname(relative))
    const stats = await this.look(relative)
    if (stats && !stats.isDirectory()) {
      throw new Error(
        stats.isSymbolicLink() ? 'a link is where a folder should be' : 'a file is where a folder should be'
      )
    }
    if (!stats) {
      await fs.promises.mkdir(this.absolute(relative)).catch((error) => {
        if (systemCode(error) !== 'EEXIST') throw error
      })
    }
    this.#folders.add(relative)
  }

  /** Whether a folder and all above it are there, and none of them is a link. */
  async #isFolder(relative: string): Promise<boolean> {
    if (this.#folders.has(relative)) return true
    if (!(await this.#isFolder(path.posix.dirname(relative)))) return false
    return (await this.look(relative))?.isDirectory() ?? false
  }

  async #makeWay(relative: string, ours: FileRecord | null, force: boolean): Promise<void> {
    const stats = await this.look(relative)
    if (!stats) return
    if (stats.isDirectory()) {
      await this.#removeFolder(relative)
      // What was above it, and became empty by that, has to stay.
      await this.#makeFolder(path.posix.dirname(relative))
      if (await this.look(relative)) throw new InTheWay(IN_THE_WAY.folder)
      return
    }
    if (force) return
    const untouched = ours !== null && ours.mtime === stats.mtimeMs && ours.inode === stats.ino
    if (!untouched) throw new InTheWay(ours ? IN_THE_WAY.altered : IN_THE_WAY.foreign)
  }
}

/** File systems such as FAT or some network mounts keep neither times nor modes: the content matters more. */
function tolerate(error: unknown): void {
  if (!['EPERM', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL'].includes(systemCode(error))) throw error
}

function ignore(): void {}

let mask: number | null = null

/** The process's umask; read once, since reading it sets it for a moment. */
function umask(): number {
  mask ??= process.umask()
  return mask
}
