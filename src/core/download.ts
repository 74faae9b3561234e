import type { BeeEntry, EntryValue, Hyperbee } from 'hyperdrive'
import { type Failure, fileError, systemCode } from '../base/errors.js'
import type { FileRecord } from '../storage/file-record.js'
import { Destination } from './destination.js'
import { DownloadActions } from './download-actions.js'
import type { DownloadContext, Unresolved, Wanted } from './download-context.js'
import { DownloadFailures } from './download-failures.js'
import {
  datKeys,
  FOLDERS,
  fileKeys,
  folderKey,
  folderOfKey,
  folderPathOfKey,
  isEntry,
  pathOfKey,
  readState,
  readUnreadable,
  type ShareState,
  STATE
} from './entry.js'
import { standingOf } from './versions.js'
import { compareBytes } from './walk.js'

/** Entries that are decided on, and asked for, together. The first few come at once, so that data flows early. */
const FIRST_CHUNK = 32
const CHUNK = 256
/** Characters of a name that was refused: it may be longer than any file's. */
const MAX_SHOWN = 1024

/** Makes a folder like a drive, version after version. */
export class Download {
  readonly #options: DownloadContext
  readonly #destination: Destination
  readonly #actions: DownloadActions
  readonly #failures: DownloadFailures
  /** What the owner says cannot be read at this version, and why. */
  #unreadable: ReadonlyMap<string, string> = new Map()
  readonly #abandoned = new Set<string>()
  #planned = 0
  #chunk: Unresolved[] = []
  /** Paths that are gone from the share; kept until the rest is planned, since a moved file is found by its old path. */
  #removals: FileRecord[] = []
  /** Empty folders; made last, since removing the last file of a folder removes the folder too. */
  #folders: { path: string; known: boolean }[] = []
  #chunkSize = FIRST_CHUNK

  constructor(options: DownloadContext) {
    this.#options = options
    this.#failures = new DownloadFailures(options.report)
    this.#destination = new Destination(options.open.root, options.open.workers)
    this.#actions = new DownloadActions(options, this.#destination, {
      onfailed: (path, error) => this.#fail(path, error),
      onsettled: (path) => this.#failures.forget(path)
    })
  }

  /**
   * Gives up the files that the owner cannot read, and those of an older version that nobody has: for when nobody has
   * sent anything for a while.
   */
  abandonUnreadable(): void {
    for (const path of this.#actions.waiting) {
      if (this.#options.pin !== null && !this.#actions.isOffered(path)) {
        this.#abandoned.add(path)
        this.#actions.abandon(path, `nobody who is online keeps what it was in version ${this.#options.pin}`)
        continue
      }
      const reason = this.#whyUnreadable(path)
      if (reason === null) continue
      this.#abandoned.add(path)
      this.#actions.abandon(path, `the computer that shares it cannot read it: ${reason}`)
    }
  }

  #whyUnreadable(path: string): string | null {
    if (this.#unreadable.size === 0) return null
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 2) + 1) {
      const reason = this.#unreadable.get(path.slice(0, end))
      if (reason !== undefined) return reason
    }
    return this.#unreadable.get('') ?? null
  }

  get actions(): DownloadActions {
    return this.#actions
  }

  get failures(): Failure[] {
    return this.#failures.list
  }

  /** How many files failed, more than are listed. */
  get failed(): number {
    return this.#failures.count
  }

  /** True if all that failed was altered here by the user. */
  get onlyAltered(): boolean {
    return this.#failures.onlyAltered
  }

  /** The version that was last looked at. */
  get version(): number {
    return this.#planned
  }

  /** Whether a version can be planned by now. Whoever follows a share waits for what its new fork says. */
  async matches(version: number): Promise<boolean> {
    const { open, pin } = this.#options
    const bee = open.drive.db.checkout(version)
    try {
      const standing = await standingOf(bee, open)
      return standing === 'now' || (standing === 'before' && pin !== null)
    } finally {
      await bee.close()
    }
  }

  /**
   * Plans everything up to `version` and starts to fetch it; resolves when all of it was asked for.
   * @returns the share's marker at that version; null for a drive that was not made by dat
   */
  async advance(version: number): Promise<ShareState | null> {
    const bee = this.#options.open.drive.db.checkout(version)
    try {
      const state = readState((await bee.get<unknown>(STATE, datKeys))?.value)
      if (state) this.#actions.progress.expect(state, this.#options.selection.everything)
      this.#unreadable = await readUnreadable(bee)
      if (this.#planned === 0) await this.#planAll(bee)
      else await this.#planChanges(bee)
      await this.#wantAgain(bee)
      await this.#planChunk()
      if (await this.#removeAll()) await this.#tryAgain(bee)
      await this.#makeFolders()
      if (!this.#stopped) this.#planned = version
      return state
    } finally {
      await bee.close()
    }
  }

  /** Every entry joined with every record, both sorted. */
  async #planAll(bee: Hyperbee): Promise<void> {
    const { open } = this.#options
    const folders = new Map<string, FileRecord>()
    const records = open.index.records()
    try {
      let known = await records.next()
      for await (const { key, value } of bee.createReadStream<EntryValue>({}, fileKeys)) {
        if (this.#stopped) return
        const path = this.#checked(key)
        if (path === null) continue
        while (!known.done && compareBytes(known.value.path, path) < 0) {
          if (known.value.kind === 'folder') folders.set(known.value.path, known.value)
          else this.#remove(known.value)
          known = await records.next()
        }
        const record = !known.done && known.value.path === path ? known.value : null
        if (record) known = await records.next()
        await this.#want(path, value, record)
      }
      for (; !known.done; known = await records.next()) {
        if (known.value.kind === 'folder') folders.set(known.value.path, known.value)
        else this.#remove(known.value)
      }
    } finally {
      await records.return(undefined)
    }
    for await (const { key } of bee.createReadStream<unknown>(FOLDERS, datKeys)) {
      const path = folderOfKey(key)
      this.#folder(path, folders.has(path))
      folders.delete(path)
    }
    for (const record of folders.values()) await this.#actions.removeFolder(record)
  }

  async #planChanges(bee: Hyperbee): Promise<void> {
    const { open } = this.#options
    const changes = bee.createDiffStream<EntryValue>(this.#planned, {}, fileKeys)
    for await (const { left, right } of changes) {
      if (this.#stopped) return
      const entry = (left ?? right) as BeeEntry<EntryValue>
      const path = this.#checked(entry.key)
      if (path === null) continue
      // An earlier version of this path may still be on its way.
      await this.#actions.cancel(path, left?.value ?? null)
      if (left) await this.#want(path, left.value, undefined)
      else {
        await this.#actions.settled()
        const record = await open.index.get(path)
        if (record) this.#remove(record)
      }
    }
    for await (const { left, right } of bee.createDiffStream<unknown>(this.#planned, FOLDERS, datKeys)) {
      const path = folderOfKey((left ?? right)?.key ?? '')
      const record = await open.index.get(path)
      if (left) this.#folder(path, record !== null)
      else if (record) await this.#actions.removeFolder(record)
    }
  }

  get #stopped(): boolean {
    return this.#options.signal.aborted || this.#actions.forked
  }

  /** What could not be read, and can be now, without having changed. */
  async #wantAgain(bee: Hyperbee): Promise<void> {
    for (const path of this.#abandoned) {
      if (this.#whyUnreadable(path) !== null) continue
      this.#abandoned.delete(path)
      this.#failures.forget(path)
      const entry = await bee.get<EntryValue>(`/${path}`, fileKeys)
      const planned = this.#chunk.some((wanted) => wanted.path === path) || this.#actions.waiting.includes(path)
      if (entry && !planned) await this.#want(path, entry.value, undefined)
    }
  }

  #checked(key: string): string | null {
    const checked = pathOfKey(key)
    if (checked.ok) return checked.relative
    this.#fail(key.length > MAX_SHOWN ? `${key.slice(0, MAX_SHOWN)}…` : key, new Error(checked.reason))
    return null
  }

  async #want(path: string, value: EntryValue, record: FileRecord | null | undefined): Promise<void> {
    if (!this.#options.selection.wants(path)) return
    if (!isEntry(value)) return this.#fail(path, new Error('its entry is not valid'))
    this.#chunk.push({ path, value, record })
    if (this.#chunk.length >= this.#chunkSize) await this.#planChunk()
  }

  async #planChunk(): Promise<void> {
    const chunk = this.#chunk
    this.#chunk = []
    this.#chunkSize = CHUNK
    if (chunk.length === 0 || this.#stopped) return
    // The index has to know what became of these paths so far.
    await this.#actions.settled()
    const unknown = chunk.filter(({ record }) => record === undefined)
    const records = await this.#options.open.index.getMany(unknown.map(({ path }) => path))
    unknown.forEach((wanted, i) => {
      wanted.record = records[i] ?? null
    })
    await this.#actions.start(chunk as Wanted[])
  }

  #remove(record: FileRecord): void {
    if (this.#options.selection.wants(record.path)) this.#removals.push(record)
  }

  async #makeFolders(): Promise<void> {
    const folders = this.#folders
    this.#folders = []
    for (const { path, known } of folders) {
      if (this.#stopped) return
      await this.#actions.folder(path, known)
    }
  }

  /** @returns whether there was anything to remove */
  async #removeAll(): Promise<boolean> {
    const removals = this.#removals
    this.#removals = []
    if (removals.length === 0) return false
    await this.#actions.settlingDone()
    for (const record of removals) {
      if (this.#stopped) return false
      await this.#actions.remove(record)
    }
    return true
  }

  /** Files that came before what was in their way was removed: a folder that became a file, or the other way round. */
  async #tryAgain(bee: Hyperbee): Promise<void> {
    for (const path of this.#failures.takeBlocked()) {
      const entry = await bee.get<EntryValue>(`/${path}`, fileKeys)
      if (entry) await this.#want(path, entry.value, undefined)
    }
    await this.#planChunk()
  }

  #folder(path: string, known: boolean): void {
    const checked = folderPathOfKey(folderKey(path))
    if (!checked.ok) this.#fail(path, new Error(checked.reason))
    else if (this.#options.selection.wants(checked.relative)) this.#folders.push({ path: checked.relative, known })
  }

  #fail(path: string, error: unknown): void {
    const fatal = ['ENOSPC', 'EDQUOT', 'EROFS'].includes(systemCode(error))
    if (fatal) {
      this.#actions.abort(fileError(error, `write ${path}`))
      return
    }
    this.#failures.add(path, error)
  }
}
