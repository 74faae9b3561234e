import fs from 'node:fs'
import { DatError, fileError } from '../base/errors.js'
import type { Report } from '../base/events.js'
import { formatBytes } from '../base/sizes.js'
import { copiesAreFree } from '../storage/archive.js'
import type { FileRecord } from '../storage/file-record.js'
import type { OpenDrive } from './drive.js'
import { parseKeep } from './history-amount.js'
import { historySetting, setHistory } from './history-setting.js'
import { pruneHistory } from './prune.js'
import { oldestVersion, tellHistory } from './versions.js'

const CHUNK_RECORDS = 1024
/** How often what is too old is looked for, while a share runs. */
const PRUNE_MS = 3_600_000

/** Keeps older versions while a share runs. */
export class HistoryKeeper {
  readonly #open: OpenDrive
  readonly #report: Report
  readonly #keep: string
  #began = false
  #pruned = 0

  private constructor(open: OpenDrive, report: Report, keep: string) {
    this.#open = open
    this.#report = report
    this.#keep = keep
  }

  /**
   * @param wanted as it was asked for this time; null turns it off; undefined leaves it as it was
   * @returns null where no history is kept
   */
  static async open(open: OpenDrive, report: Report, wanted: string | null | undefined): Promise<HistoryKeeper | null> {
    const before = await historySetting(open)
    const keep = wanted === undefined ? before : wanted
    if (keep !== before) await setHistory(open, keep)
    if (keep === null) return null
    parseKeep(keep)
    return new HistoryKeeper(open, report, keep)
  }

  /**
   * After each import. The first time, everything that is shared gets its copy, and peers are told.
   * @throws DatError DISK_FULL before anything is copied for which there is no room
   */
  async settled(signal: AbortSignal): Promise<void> {
    if (!this.#began) {
      await this.#begin(signal)
      if (signal.aborted) return
      this.#began = true
    }
    if (Date.now() - this.#pruned < PRUNE_MS) return
    this.#pruned = Date.now()
    await pruneHistory(this.#open, parseKeep(this.#keep))
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { archive, place, root } = this.#open
    const missing = await this.#missingBytes()
    if (missing > 0) await this.#announce(missing)
    for await (const chunk of missing > 0 ? this.#records() : []) {
      if (signal.aborted) return
      try {
        await archive.keep(root, chunk)
      } catch (error) {
        throw fileError(error, `keep copies in ${place.store}`)
      }
    }
    if ((await oldestVersion(this.#open)) !== null) return
    await tellHistory(this.#open, this.#open.drive.version)
  }

  /** Says what it costs, and whether there is room for it. */
  async #announce(bytes: number): Promise<void> {
    const { place } = this.#open
    if (await copiesAreFree(place.root, place.store)) {
      this.#report({ type: 'note', message: 'older versions are kept; until a file changes that takes no space' })
      return
    }
    const { bavail, bsize } = await fs.promises.statfs(place.store)
    const free = bavail * bsize
    const what = `keeping older versions takes another ${formatBytes(bytes)} in ${place.store}: its file system cannot share the bytes of two files`
    if (bytes > free) {
      throw new DatError('DISK_FULL', `${what}, and only ${formatBytes(free)} are free`, {
        hint: 'share without --history, or put the index elsewhere: --store <folder on a larger disk>'
      })
    }
    this.#report({ type: 'note', message: what, important: true })
  }

  /** Of files of which there is no copy yet. */
  async #missingBytes(): Promise<number> {
    let bytes = 0
    for await (const chunk of this.#records()) {
      for (const { size } of await this.#open.archive.missing(chunk)) bytes += size
    }
    return bytes
  }

  async *#records(): AsyncGenerator<FileRecord[]> {
    let chunk: FileRecord[] = []
    for await (const record of this.#open.index.records()) {
      chunk.push(record)
      if (chunk.length < CHUNK_RECORDS) continue
      yield chunk
      chunk = []
    }
    if (chunk.length > 0) yield chunk
  }
}
