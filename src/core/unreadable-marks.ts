import type { Failure } from '../base/errors.js'
import type { ChangeBatch } from './change-batch.js'
import type { OpenDrive } from './drive.js'
import { MAX_UNREADABLE, readUnreadable } from './entry.js'

/** What peers are told of as unreadable, while an import looks at it again. */
export class UnreadableMarks {
  readonly #open: OpenDrive
  /** Why, by path. */
  readonly #told: Map<string, string>
  readonly #still = new Set<string>()

  private constructor(open: OpenDrive, told: Map<string, string>) {
    this.#open = open
    this.#told = told
  }

  static async read(open: OpenDrive): Promise<UnreadableMarks> {
    return new UnreadableMarks(open, await readUnreadable(open.drive.db))
  }

  /** A path was met as it was: what could not be read, and did not change since, is the same trouble. */
  unchanged(path: string): void {
    if (this.#told.has(path)) this.#still.add(path)
  }

  /** Brings the marks up to date with what failed now, as far as it was looked at. */
  async settle(batch: ChangeBatch, folders: readonly string[], failures: readonly Failure[]): Promise<void> {
    const told = this.#told
    const failed = new Map(failures.map(({ path, reason }) => [path, reason]))
    for (const path of told.keys()) {
      if (failed.has(path) || this.#still.has(path)) continue
      if (folders.some((folder) => path.startsWith(folder))) batch.mark(path, null)
    }
    for (const [path, reason] of failed) {
      if (told.get(path) === reason || !(await this.#isShared(path))) continue
      if (told.size >= MAX_UNREADABLE) return
      told.set(path, reason)
      batch.mark(path, reason)
    }
  }

  async #isShared(path: string): Promise<boolean> {
    if (!path.endsWith('/') && path !== '') return (await this.#open.index.get(path)) !== null
    for await (const _record of this.#open.index.records(path)) return true
    return false
  }
}
