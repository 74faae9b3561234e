import fs from 'node:fs'
import type { EntryValue } from 'hyperdrive'
import { type Beneath, pathOf } from '../storage/beneath.js'
import { type FileRecord, type Fingerprint, sameRange } from '../storage/file-record.js'
import type { BlockRange } from '../storage/layout.js'
import { assemble } from './assemble.js'
import type { BlockClaims } from './block-claims.js'
import { contentHash, holdsBlocks } from './content-check.js'
import type { Destination } from './destination.js'
import type { DownloadContext, Wanted } from './download-context.js'
import type { Action } from './download-plan.js'
import type { Progress } from './download-progress.js'
import { assembledText, doneRecord } from './download-records.js'
import { fileKeys, mtimeOf } from './entry.js'

/** Carries out what needs no new blocks in a partial file: links, empty files, copies, moves, times. */
export class Settling {
  readonly #options: DownloadContext
  readonly #destination: Destination
  readonly #claims: BlockClaims
  readonly #progress: Progress
  /** Where files are by now that others are copies of, by the path where they were; until a version is settled. */
  readonly #copies = new Map<string, Promise<string>>()

  constructor(options: DownloadContext, destination: Destination, claims: BlockClaims, progress: Progress) {
    this.#options = options
    this.#destination = destination
    this.#claims = claims
    this.#progress = progress
  }

  /** A version is settled: files are where they are. */
  done(): void {
    this.#copies.clear()
  }

  /** @returns the record of the path as it is now */
  async settle(wanted: Wanted, action: Action): Promise<FileRecord> {
    const { partials } = this.#options.open.files
    const temporary = partials.temporary()
    try {
      return await this.#settle(wanted, action, temporary)
    } catch (error) {
      await partials.discard(temporary).catch(() => {})
      throw error
    }
  }

  async #settle({ path, value, record }: Wanted, action: Action, temporary: Beneath): Promise<FileRecord> {
    const { open, content, force } = this.#options
    const look = { mtime: mtimeOf(value), executable: value.executable === true }
    const old = record?.range && action.act !== 'redress' && action.act !== 'adopt' ? record.range : null
    if (old && action.act !== 'copy') await this.#claims.releaseOf(record as FileRecord)
    let range: BlockRange | null = null
    let print: Fingerprint
    switch (action.act) {
      case 'link':
        print = await this.#destination.link(path, value.linkname as string, record, force)
        return { ...doneRecord(path, value, print, null), kind: 'link', target: value.linkname as string }
      case 'copy':
        range = value.blob
        print = await this.#copy(
          action.from,
          async (source, leaving) =>
            leaving
              ? this.#destination.place(this.#destination.at(source), path, look, record, force)
              : this.#duplicate(source, range as BlockRange, () =>
                  this.#destination.create(path, source, temporary, look, record, force)
                ),
          path
        )
        break
      case 'assemble': {
        const onbytes = (bytes: number) => this.#progress.downloaded(bytes)
        await assemble({ open, content, value, file: temporary, signal: this.#options.signal, onbytes })
        const { size } = await fs.promises.stat(pathOf(temporary))
        const hash = await contentHash(open, temporary, size)
        if (hash === null) throw new Error('it could not be read again after it was written')
        print = await this.#destination.place(temporary, path, look, record, force)
        return { ...doneRecord(path, value, print, null), target: assembledText(value, hash) }
      }
      case 'redress':
        range = record?.range ?? null
        print = await this.#destination.redress(path, look)
        return { ...doneRecord(path, value, print, range), target: record?.target ?? '' }
      case 'adopt':
        range = value.blob
        print = value.linkname ? await this.#destination.fingerprint(path) : await this.#destination.redress(path, look)
        if (value.linkname) return { ...doneRecord(path, value, print, null), kind: 'link', target: value.linkname }
        break
      default:
        print = await this.#destination.create(path, null, temporary, look, record, force)
    }
    return doneRecord(path, value, print, range)
  }

  /** Copies a file that is what it should be: a failing disk must not spread. */
  async #duplicate<T>(source: string, range: BlockRange, copy: () => Promise<T>): Promise<T> {
    if (await holdsBlocks(this.#options.open, this.#destination.at(source), range)) return copy()
    throw new Error(`it is a copy of ${source}, which is damaged here: run \`dat verify --repair\``)
  }

  /** One copy of a file after the other: the first may move it, and the next finds it where it went. */
  async #copy(
    from: FileRecord,
    work: (source: string, leaving: boolean) => Promise<Fingerprint>,
    to: string
  ): Promise<Fingerprint> {
    const before = this.#copies.get(from.path) ?? Promise.resolve(from.path)
    const done = before.then(async (source) => {
      const leaving = source === from.path && (await this.#isLeaving(from))
      return { print: await work(source, leaving), source: leaving ? to : source }
    })
    const next = done.then(
      ({ source }) => source,
      () => before
    )
    this.#copies.set(from.path, next)
    return (await done).print
  }

  /** True if a path is no longer in the share: then its file can be moved instead of copied. */
  async #isLeaving({ path, range }: FileRecord): Promise<boolean> {
    const entry = await this.#options.open.drive.db.get<EntryValue>(`/${path}`, fileKeys)
    return !sameRange(entry?.value.blob ?? null, range)
  }
}
