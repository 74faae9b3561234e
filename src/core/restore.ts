import type { EntryValue, Hyperbee } from 'hyperdrive'
import { DatError, type Failure, fileError, reasonOf } from '../base/errors.js'
import { safeLinkText, safePath } from '../base/safe-path.js'
import { Scope } from '../base/scope.js'
import type { Beneath } from '../storage/beneath.js'
import type { FileRecord } from '../storage/file-record.js'
import { isTaskError, toError } from '../storage/file-tasks.js'
import { type BlockRange, isValidRange } from '../storage/layout.js'
import { assemble } from './assemble.js'
import { holdsBlocks } from './content-check.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { below, fileKeys, isEntry, mtimeOf } from './entry.js'
import { firstContact, isUnserved } from './first-contact.js'
import { alsoAt } from './places.js'
import { findFolder } from './pull.js'
import { Replication } from './replication.js'
import { RestoreDrafts } from './restore-drafts.js'
import { readSaved } from './saved-clone.js'
import type { CommonOptions } from './session.js'
import { beeAt, whatIsKept } from './versions.js'

export interface RestoreOptions extends CommonOptions {
  dir: string
  /** Of a file or a folder, inside the share. */
  path: string
  version: number
  /** Overwrite what is not kept. */
  force: boolean
  timeout: number
  endEarly?: boolean
  onrestored: (path: string, bytes: number) => void
}

/** How long a peer may take for the content of one file without anything arriving, in milliseconds. */
const QUIET_MS = 10_000

/**
 * Brings back what a file or a folder was in an older version: from the copies that the owner keeps, or in a clone from
 * a peer. The share may be running: it takes what was restored for a change like any other.
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, NO_VERSION, USAGE (the path is not in that version), PARTIAL, NO_PEER
 */
export async function restore(options: RestoreOptions): Promise<{ files: number; bytes: number }> {
  const root = await findFolder(options.dir)
  const place = placeOf(root, options.store, options.home)
  let open = await openDrive({ place, create: null, readOnly: true })
  const scope = new Scope()
  try {
    if (open.identity.role === 'clone') {
      await open.close()
      open = await openDrive({ place, create: null, work: 'restore' })
    }
    scope.defer(() => open.close())
    const alone = open.identity.role === 'clone' ? await connect(open, options, scope) : null
    return await new Restore(open, options, alone).run()
  } finally {
    await scope.close()
  }
}

/** Connects a clone. @returns why not, when nobody is there: what is here may be enough */
async function connect(open: OpenDrive, options: RestoreOptions, scope: Scope): Promise<DatError | null> {
  const { report, timeout, endEarly = false, signal, version } = options
  const { core } = open.drive
  const network = alsoAt(options.network, await readSaved(open))
  const replication = await Replication.start({ open, network, report })
  scope.defer(() => replication.close())
  try {
    await firstContact(open, replication, { timeout, endEarly, report, signal })
    return null
  } catch (error) {
    const known = version <= open.drive.version && core.contiguousLength === core.length
    if (known && isUnserved(error)) return error
    throw error
  }
}

class Restore {
  readonly #open: OpenDrive
  readonly #options: RestoreOptions
  /** Why nobody can be asked for the content that is not here. */
  readonly #alone: DatError | null
  readonly #failures: Failure[] = []
  readonly #drafts: RestoreDrafts

  constructor(open: OpenDrive, options: RestoreOptions, alone: DatError | null) {
    this.#open = open
    this.#options = options
    this.#alone = alone
    this.#drafts = new RestoreDrafts(open)
  }

  async run(): Promise<{ files: number; bytes: number }> {
    const { version, path, signal, onrestored } = this.#options
    const done = { files: 0, bytes: 0 }
    await this.#drafts.cleanUp()
    const bee = await beeAt(this.#open, version)
    try {
      let any = false
      for await (const { relative, value } of this.#entries(bee)) {
        if (signal.aborted) throw new DatError('INTERRUPTED', 'interrupted')
        any = true
        const reason = await this.#restore(relative, value)
        if (reason !== null) {
          this.#failures.push({ path: relative, reason })
          continue
        }
        const bytes = value.blob?.byteLength ?? 0
        onrestored(relative, bytes)
        done.files++
        done.bytes += bytes
      }
      if (!any) {
        throw new DatError('USAGE', `there is no ${path} in version ${version}`, {
          hint: `\`dat log . ${path}\` lists the versions in which it changed`
        })
      }
    } finally {
      if (bee !== this.#open.drive.db) await bee.close()
    }
    if (this.#failures.length > 0) {
      const count = this.#failures.length === 1 ? 'one file' : `${this.#failures.length} files`
      throw new DatError('PARTIAL', `${count} could not be brought back`, {
        failures: this.#failures,
        hint: await whatIsKept(this.#open)
      })
    }
    return done
  }

  async *#entries(bee: Hyperbee): AsyncGenerator<{ relative: string; value: EntryValue }> {
    const { path } = this.#options
    const one = path === '' ? null : await bee.get<EntryValue>(`/${path}`, fileKeys)
    if (one) {
      if (isEntry(one.value)) yield { relative: path, value: one.value }
      return
    }
    for await (const { key, value } of bee.createReadStream<EntryValue>(below(path), fileKeys)) {
      if (isEntry(value)) yield { relative: key.slice(1), value }
    }
  }

  /** @returns why not; null when it is in its place */
  async #restore(relative: string, value: EntryValue): Promise<string | null> {
    const open = this.#open
    const checked = safePath(relative)
    if (!checked.ok) return checked.reason
    const at: Beneath = { root: open.root, path: checked.relative }
    const record = await open.index.get(checked.relative)
    try {
      const inTheWay = await this.#inTheWay(at, record)
      if (inTheWay !== null) return inTheWay
      const replace = record?.state === 'done' ? { mtime: record.mtime, inode: record.inode } : null
      if (value.linkname) return await this.#link(at, value.linkname, replace)
      const from = this.#drafts.next()
      try {
        const why = await this.#content(from, value)
        if (why !== null) return why
        const placed = await open.workers.place({
          from,
          to: at,
          mtime: mtimeOf(value),
          mode: value.executable ? 0o755 : 0o644,
          replace,
          force: this.#options.force
        })
        if (isTaskError(placed)) throw toError(placed)
        return 'inTheWay' in placed ? ALTERED : null
      } finally {
        await open.workers.edit({ edit: 'remove', at: from, unless: null })
      }
    } catch (error) {
      if (error instanceof DatError) throw error
      const failure = fileError(error, `write ${relative}`)
      if (failure.code === 'DISK_FULL') throw failure
      return reasonOf(error)
    }
  }

  /** What is there now must not be lost: it is kept, or the user says so. */
  async #inTheWay(at: Beneath, record: FileRecord | null): Promise<string | null> {
    if (this.#options.force) return null
    const now = await this.#open.workers.edit({ edit: 'look', at }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
      throw error
    })
    if (!now) return null
    if (now.kind === 'folder') return 'a folder is in its place'
    if (!record || now.mtime !== record.mtime || now.size !== record.size) return ALTERED
    if (this.#open.identity.role === 'clone' || !record.range) return null
    const kept = await this.#open.index.isArchived(record.range.blockOffset)
    return kept ? null : 'what is there now is not kept: --force overwrites it'
  }

  async #link(at: Beneath, target: string, replace: { mtime: number; inode: number } | null): Promise<string | null> {
    const checked = safeLinkText(target)
    if (!checked.ok) return checked.reason
    const { force } = this.#options
    const made = await this.#open.workers.edit({ edit: 'link', at, target, replace, force })
    return 'inTheWay' in made ? ALTERED : null
  }

  /** Makes a file with the content of an entry. @returns why not */
  async #content(to: Beneath, value: EntryValue): Promise<string | null> {
    const { workers, files } = this.#open
    await files.partials.makeFolder()
    const { blob } = value
    if (!blob || blob.byteLength === 0) {
      await workers.edit({ edit: 'copy', at: to, from: null })
      return null
    }
    if (!isValidRange(blob)) return 'its entry is not valid'
    for (const from of await this.#copies(blob)) {
      await workers.edit({ edit: 'copy', at: to, from }).catch(() => {})
      const copied = await workers.edit({ edit: 'look', at: to }).catch(() => null)
      if (copied?.size === blob.byteLength && (await holdsBlocks(this.#open, to, blob))) return null
    }
    if (this.#open.identity.role === 'owner') return GONE
    if (this.#alone) throw this.#alone
    return this.#fetch(to, value)
  }

  /** Files of this computer that may have the content. */
  async #copies(range: BlockRange): Promise<Beneath[]> {
    const { archive, index, root } = this.#open
    const found: Beneath[] = []
    const old = await archive.find(range.blockOffset)
    if (old?.range.blockOffset === range.blockOffset) found.push(old.file)
    for (const { blockOffset, path } of await index.rangesFrom(range.blockOffset, 4)) {
      if (blockOffset === range.blockOffset) found.push({ root, path })
    }
    return found
  }

  async #fetch(file: Beneath, value: EntryValue): Promise<string | null> {
    const content = await this.#open.content()
    const quiet = new AbortController()
    const stop = (): void => quiet.abort()
    let timer = setTimeout(stop, QUIET_MS)
    this.#options.signal.addEventListener('abort', stop, { once: true })
    const onbytes = (): void => {
      clearTimeout(timer)
      timer = setTimeout(stop, QUIET_MS)
    }
    try {
      await assemble({ open: this.#open, content, value, file, signal: quiet.signal, onbytes })
      return null
    } catch (error) {
      if (this.#options.signal.aborted) throw new DatError('INTERRUPTED', 'interrupted')
      if (quiet.signal.aborted) return GONE
      throw error
    } finally {
      clearTimeout(timer)
      this.#options.signal.removeEventListener('abort', stop)
    }
  }
}

const ALTERED = 'it was altered here: --force overwrites it'
const GONE = 'its content of that version is no longer kept'
