import fs, { type Stats } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemCode } from '../base/errors.js'
import { type Beneath, pathOf } from '../storage/beneath.js'
import type { FileRecord, Fingerprint } from '../storage/file-record.js'
import { isTaskError, type PlaceJob, type InTheWay as Refused, toError } from '../storage/file-tasks.js'
import type { FileWorkers } from '../storage/file-workers.js'

const lstat = promisify(fs.lstat)

/** How a file is to look once it is in place. */
export interface Look {
  /** Milliseconds since 1970; null leaves the time of the download. */
  mtime: number | null
  executable: boolean
}

/** Something that is not ours is where a file should go. */
export class InTheWay extends Error {}
/** The same, but it goes away by itself if the share no longer has it either: it is worth another try after that. */
export class FolderInTheWay extends InTheWay {}

/** Whether it is worth another try after the removals of a version: something is in the way that may go by them. */
export function isBlocked(error: unknown): boolean {
  return error instanceof FolderInTheWay || ['ENOTDIR', 'ELINK'].includes(systemCode(error))
}

const IN_THE_WAY = {
  folder: 'a folder that is not empty is in its place',
  altered: 'it was altered here',
  foreign: 'another file is in its place'
}

/**
 * The folder of a clone: the only place where dat puts, replaces and removes a user's files. Takes paths that passed
 * `safePath`. No link is ever followed, neither for a file nor for a folder on the way to it, whoever puts one there and
 * whenever: all changes are made by workers in open folders (`storage/beneath.ts`).
 */
export class Destination {
  readonly #root: string
  readonly #workers: FileWorkers

  constructor(root: string, workers: FileWorkers) {
    this.#root = root
    this.#workers = workers
  }

  at(relative: string): Beneath {
    return { root: this.#root, path: relative }
  }

  /**
   * What is at a path now, without following a link; null if nothing. It helps to decide what to do, and what is done
   * then looks for itself: it takes the short way, which somebody may turn elsewhere.
   */
  async look(relative: string): Promise<Stats | null> {
    try {
      return await lstat(pathOf(this.at(relative)))
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
  place(from: Beneath, relative: string, how: Look, ours: FileRecord | null, force: boolean): Promise<Fingerprint> {
    return this.#place(from, relative, how, how.executable ? modeOf(how) : null, ours, force)
  }

  /** Makes an empty file, or a copy of a file of this clone that has the same content (a reflink where possible). */
  async create(
    relative: string,
    source: string | null,
    temporary: Beneath,
    how: Look,
    ours: FileRecord | null,
    force: boolean
  ): Promise<Fingerprint> {
    await this.#workers.edit({ edit: 'copy', at: temporary, from: source === null ? null : this.at(source) })
    try {
      // A copy has the mode of its original, which may be executable where this one is not.
      return await this.#place(temporary, relative, how, modeOf(how), ours, force)
    } catch (error) {
      await this.#workers.edit({ edit: 'remove', at: temporary, unless: null }).catch(() => {})
      throw error
    }
  }

  /** Sets time and executable bit of a file that is in place. */
  redress(relative: string, how: Look): Promise<Fingerprint> {
    return this.#workers.edit({ edit: 'dress', at: this.at(relative), mtime: how.mtime, mode: modeOf(how) })
  }

  fingerprint(relative: string): Promise<Fingerprint> {
    return this.#workers.edit({ edit: 'look', at: this.at(relative) })
  }

  async link(relative: string, target: string, ours: FileRecord | null, force: boolean): Promise<Fingerprint> {
    const replace = replaceable(ours)
    return expected(await this.#workers.edit({ edit: 'link', at: this.at(relative), target, replace, force }))
  }

  /** Makes a folder and those above it. */
  async makeFolder(relative: string): Promise<void> {
    await this.#workers.edit({ edit: 'make', at: this.at(relative), mode: 0o777 })
  }

  /**
   * Removes a file or link, and the folders that it leaves empty. Never more than what is at that path.
   * @param ours removes only what dat put there; null removes whatever it is
   */
  async remove(relative: string, ours: FileRecord | null): Promise<void> {
    expected(await this.#workers.edit({ edit: 'remove', at: this.at(relative), unless: replaceable(ours) }))
    await this.removeFolder(path.posix.dirname(relative))
  }

  /** Removes a folder if it is empty, and those above that become empty. */
  async removeFolder(relative: string): Promise<void> {
    if (relative !== '.') await this.#workers.edit({ edit: 'prune', at: this.at(relative) })
  }

  /** @param mode null leaves what the file was made with */
  async #place(
    from: Beneath,
    relative: string,
    { mtime }: Look,
    mode: number | null,
    ours: FileRecord | null,
    force: boolean
  ): Promise<Fingerprint> {
    const to = this.at(relative)
    const result = await this.#workers.place({ from, to, mtime, mode, replace: replaceable(ours), force })
    if (isTaskError(result)) throw toError(result)
    return expected(result)
  }
}

function modeOf({ executable }: Look): number {
  return (executable ? 0o777 : 0o666) & ~umask()
}

function replaceable(ours: FileRecord | null): PlaceJob['replace'] {
  return ours ? { mtime: ours.mtime, inode: ours.inode } : null
}

function expected<T extends object>(result: T | Refused): T {
  if ('inTheWay' in result) {
    const Reason = result.inTheWay === 'folder' ? FolderInTheWay : InTheWay
    throw new Reason(IN_THE_WAY[result.inTheWay])
  }
  return result
}

let mask: number | null = null

/** The process's umask; read once, since reading it sets it for a moment. */
function umask(): number {
  mask ??= process.umask()
  return mask
}
