import fs from 'node:fs'
import path from 'node:path'
import { DatError } from '../base/errors.js'
import type { Link } from '../base/link.js'
import { FILE_STORE_PREFIX } from '../base/safe-path.js'
import { Scope } from '../base/scope.js'
import { hasIndex, type OpenDrive, openDrive, placeOf } from './drive.js'
import { datKeys, fileKeys, INFO, isEntry, readInfo } from './entry.js'
import type { ContentSources } from './file-content.js'
import { askerFor } from './invite-asker.js'
import { alsoAt } from './places.js'
import { findFolder } from './pull.js'
import { RemoteBlocks } from './remote-blocks.js'
import { readSaved } from './saved-clone.js'
import type { CommonOptions } from './session.js'

/** A share that others may look at and read from, wherever it comes from. */
export interface Served {
  /** The drive's key: what signatures are for. */
  readonly key: Buffer
  /** A file or folder inside that the link named; '' for all. */
  readonly under: string
  /** What the share is called. */
  name(): Promise<string>
  /** The share as it is now; it stays open until it is released. */
  use(): Promise<Use>
  close(): Promise<void>
}

export interface Use {
  /** Where the names are. */
  readonly open: OpenDrive
  /** Where the content is. */
  readonly sources: ContentSources
  release(): void
}

export interface ServeOptions extends CommonOptions {
  target: { link: Link } | { dir: string }
  /** Seconds to wait for a peer; 0 for ever. */
  timeout: number
  endEarly?: boolean
}

/**
 * Opens a share to be served: by its link, or a share or clone of this computer, which may be in use by another dat.
 * Nothing in it is changed.
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, INDEX_DAMAGED, NO_PEER
 */
export function openServed(options: ServeOptions): Promise<Served> {
  const { target } = options
  return 'link' in target ? serveLink(options, target.link) : ServedFolder.open(options, target.dir)
}

/** Serves a drive that somebody else has open, and will close. */
export function serveOpen(open: OpenDrive): Served {
  const use = { open, sources: { local: open, remote: null }, release: () => {} }
  return {
    key: open.drive.key,
    under: '',
    name: () => nameOf(open, path.basename(open.place.root)),
    use: async () => use,
    close: async () => {}
  }
}

async function serveLink(options: ServeOptions, link: Link): Promise<Served> {
  const { timeout, endEarly = false, report, signal } = options
  const remote = await RemoteBlocks.start({ key: link.key, network: alsoAt(options.network, link), report })
  try {
    const met = await remote.meet({ timeout, endEarly, report, signal })
    if (!met) throw new DatError('INTERRUPTED', 'interrupted')
  } catch (error) {
    await remote.close().catch(() => {})
    throw error
  }
  const use = { open: remote.open, sources: { local: null, remote }, release: () => {} }
  return {
    key: link.key,
    under: link.path,
    name: () => nameOf(remote.open, 'share'),
    use: async () => use,
    close: () => remote.close()
  }
}

async function nameOf({ drive }: OpenDrive, otherwise: string): Promise<string> {
  const entry = await drive.db.get<unknown>(INFO, { ...datKeys, timeout: 2000 }).catch(() => null)
  return readInfo(entry?.value)?.name || otherwise
}

/** Whether another dat has written into the index is looked at so often, in ms, when somebody asks for something. */
const LOOK_MS = 1000
/** While a lot is written the index is opened anew so often at most, in ms. */
const REOPEN_MS = 3000

/** An index that is open for reading, and how many requests use it. */
interface Opened {
  open: OpenDrive
  users: number
  /** How the database's files were when it was opened. */
  print: string
  since: number
}

/** A folder whose index is read without its lock: what another dat writes into it is followed by opening it anew. */
class ServedFolder implements Served {
  readonly key: Buffer
  readonly under: string
  readonly #options: ServeOptions
  readonly #root: string
  readonly #scope: Scope
  #current: Opened
  #remote: RemoteBlocks | null = null
  #looked = 0
  #reopening: Promise<void> | null = null
  #closed = false

  private constructor(options: ServeOptions, root: string, current: Opened, under: string, scope: Scope) {
    this.#options = options
    this.#root = root
    this.#current = current
    this.#scope = scope
    this.key = current.open.drive.key
    this.under = under
  }

  static async open(options: ServeOptions, dir: string): Promise<ServedFolder> {
    const { root, store } = await findShare(dir, options.store)
    const scope = new Scope()
    const current = await openReadOnly({ ...options, store }, root)
    try {
      const saved = await readSaved(current.open)
      const served = new ServedFolder({ ...options, store }, root, current, saved.under, scope)
      if (current.open.identity.role === 'clone' && (await isPartial(current.open))) await served.#connect(saved)
      return served
    } catch (error) {
      await scope.close().catch(() => {})
      await current.open.close()
      throw error
    }
  }

  name(): Promise<string> {
    return nameOf(this.#current.open, path.basename(this.#root))
  }

  async use(): Promise<Use> {
    await this.#follow()
    const opened = this.#current
    opened.users++
    let released = false
    const release = (): void => {
      if (released) return
      released = true
      opened.users--
      this.#retire(opened)
    }
    return { open: opened.open, sources: { local: opened.open, remote: this.#remote }, release }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#reopening
    await this.#scope.close()
    await this.#current.open.close()
  }

  /** What this clone has not is fetched from peers, who are looked for as long as it is served. */
  async #connect(saved: { addresses: string[]; relays: string[] }): Promise<void> {
    const { network, report, signal } = this.#options
    const asker = await askerFor(this.#current.open)
    const remote = await RemoteBlocks.start({ key: this.key, network: alsoAt(network, saved), report, asker })
    this.#scope.defer(() => remote.close())
    this.#remote = remote
    const end = new AbortController()
    const met = remote.meet({ timeout: 0, endEarly: false, report, signal: AbortSignal.any([signal, end.signal]) })
    this.#scope.defer(async () => {
      end.abort()
      await met.catch(() => {})
    })
    met.catch((error) => {
      if (!this.#closed)
        report({ type: 'note', message: `cannot fetch what is missing: ${error.message}`, important: true })
    })
  }

  async #follow(): Promise<void> {
    const now = performance.now()
    if (this.#reopening) return this.#reopening
    if (this.#closed || now - this.#looked < LOOK_MS || now - this.#current.since < REOPEN_MS) return
    this.#looked = now
    this.#reopening = this.#reopen().finally(() => {
      this.#reopening = null
    })
    await this.#reopening
  }

  async #reopen(): Promise<void> {
    const before = this.#current
    if ((await printOf(before.open.place.store)) === before.print) return
    // Its owner may be in the middle of something; then the next request tries again.
    const opened = await openReadOnly(this.#options, this.#root).catch(() => null)
    if (!opened) return
    this.#current = opened
    this.#retire(before)
  }

  #retire(opened: Opened): void {
    if (opened.users === 0 && opened !== this.#current) void opened.open.close().catch(() => {})
  }
}

/** Where a share or a clone is; of a single file that was shared its index is beside it. */
async function findShare(dir: string, store: string | null): Promise<{ root: string; store: string | null }> {
  const file = await fs.promises.realpath(path.resolve(dir)).catch(() => '')
  const beside = path.join(path.dirname(file), FILE_STORE_PREFIX + path.basename(file))
  if (file === '' || !(store ? isFile(file) : hasIndex(beside))) return { root: await findFolder(dir), store }
  return { root: path.dirname(file), store: store ?? beside }
}

function isFile(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}

async function openReadOnly({ store, home }: ServeOptions, root: string): Promise<Opened> {
  const place = placeOf(root, store, home)
  const print = await printOf(place.store)
  const open = await openDrive({ place, create: null, readOnly: true })
  return { open, users: 0, print, since: performance.now() }
}

/** Names, sizes and times of the database's files: another print says that something was written. */
async function printOf(store: string): Promise<string> {
  const folder = path.join(store, 'index', 'db')
  const names = await fs.promises.readdir(folder).catch(() => [])
  const files = names.filter((name) => /\.(?:log|sst)$/.test(name)).sort()
  const stats = await Promise.all(files.map((name) => fs.promises.stat(path.join(folder, name)).catch(() => null)))
  return stats.map((stat, i) => `${files[i]} ${stat?.size} ${stat?.mtimeMs}`).join()
}

/** Whether a clone lacks the content of any file. */
async function isPartial({ drive }: OpenDrive): Promise<boolean> {
  const bitfield = drive.blobs?.core.core.bitfield
  for await (const { value } of drive.db.createReadStream<unknown>({}, fileKeys)) {
    if (!isEntry(value) || !value.blob || value.blob.blockLength === 0) continue
    if (!bitfield || bitfield.hasUnset(value.blob.blockOffset, value.blob.blockLength)) return true
  }
  return false
}
