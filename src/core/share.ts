import path from 'node:path'
import { DatError, type Failure } from '../base/errors.js'
import { formatLink } from '../base/link.js'
import { Scope } from '../base/scope.js'
import type { FileRecord } from '../storage/file-record.js'
import type { Peer } from '../transport/transport.js'
import { ChangeBatch } from './change-batch.js'
import { type OpenDrive, openDrive } from './drive.js'
import { datKeys, INFO, readUnreadable, type ShareInfo, type ShareState, STATE } from './entry.js'
import { DAMAGED } from './file-import.js'
import { settleGate } from './gate-setting.js'
import { type OwnHistory, withdrawUnowned } from './history.js'
import { OUTRUN, type Outrun } from './identity.js'
import { IgnoreRules } from './ignore.js'
import { saveIgnoreOptions } from './ignore-options.js'
import { Import } from './import.js'
import { HistoryKeeper } from './keep-history.js'
import { formerOwner, outrunBy } from './owner-keys.js'
import type { OwnerClaim, OwnerKeys } from './ownership.js'
import { followClone } from './pull.js'
import { watchReachability } from './reachability.js'
import { Replication } from './replication.js'
import { saveServed } from './served-at.js'
import type { Session, ShareOptions, Summary } from './session.js'
import { linkEvent } from './shown-link.js'
import { findSource, type Source, tellOfKept } from './source.js'
import { SourceRoot } from './source-root.js'
import { type Watch, watchFolder } from './watch.js'

/** A share of a folder that is a clone serves it further, and keeps it up to date. */
const FOLLOW_ALL = { include: [], exclude: [], dryRun: false, force: false, timeout: 0 }

/**
 * Shares a folder or a file in place. Resolves once the link is known and peers are served; indexing goes on meanwhile.
 * @throws DatError NOT_A_FOLDER, SOURCE, INDEX_LOCKED, INDEX_DAMAGED, DISK_FULL, PERMISSION
 */
export async function openShare(options: ShareOptions): Promise<Session> {
  const source = await findSource(options.path, options.store, options.home ?? null)
  const scope = new Scope()
  try {
    const { home, moved, newLink, report } = options
    const create = { role: 'owner' as const, file: source.file }
    const open = await openDrive({ place: source.place, create, work: 'share', home, moved, newLink })
    if (open.identity.role === 'clone') {
      await open.close()
      if (options.gate !== undefined) throw new DatError('NOT_OWNER', `${source.place.root} is a clone`)
      if (open.ceded) report({ type: 'note', message: formerOwner(open.ceded), important: true })
      return followClone({ ...options, store: source.place.store, dir: source.place.root, ...FOLLOW_ALL })
    }
    scope.defer(() => open.close())
    if (source.away) {
      const message = `${source.place.root} cannot be written to: the index is in ${source.place.store}`
      report({ type: 'note', message, important: true })
    }
    tellOfKept(open, report)
    const share = new Share(options, open, source, scope)
    return await share.start()
  } catch (error) {
    await scope.close().catch(() => {})
    throw error
  }
}

/** A file that a read found changed is looked at again, and told of again, only after this long. */
const CHANGED_MS = 10_000
/** After so many changes the index is compacted. */
const COMPACT_CHANGES = 1000
const MAX_CHANGED = 1000

/** A running share. */
class Share implements Session {
  readonly link: string
  readonly dir: string
  readonly finished: Promise<Summary | null>
  readonly #options: ShareOptions
  readonly #open: OpenDrive
  readonly #source: Source
  readonly #scope: Scope
  #resolve: (summary: Summary | null) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #batch: ChangeBatch | null = null
  #replication: Replication | null = null
  #root: SourceRoot | null = null
  #watch: Watch | null = null
  #history: HistoryKeeper | null = null
  #importing: Promise<void> = Promise.resolve()
  #indexed = false
  /** When a file was last found changed by a read: milliseconds since 1970, by path. */
  readonly #changedAt = new Map<string, number>()
  #failures: Failure[] = []
  /** Files that could not be read for a peer, until the next import has looked at them. */
  readonly #suspects = new Set<string>()
  readonly #since = Date.now()
  readonly #abort = new AbortController()

  constructor(options: ShareOptions, open: OpenDrive, source: Source, scope: Scope) {
    this.#options = options
    this.#open = open
    this.#source = source
    this.#scope = scope
    this.link = formatLink(open.drive.key)
    this.dir = source.file ? path.join(open.place.root, source.file) : open.place.root
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.finished.catch(() => {})
  }

  async start(): Promise<Session> {
    const { report, network } = this.#options
    this.#root = await SourceRoot.open(this.#open.place.root, !(await this.#open.index.isEmpty()))
    this.#open.files.onchanged = (record, reason, failing) => this.#sourceChanged(record, reason, failing)
    this.#open.files.ondamaged = (record) => this.#sourceChanged(record, DAMAGED, true)
    if (this.#open.since !== null) await this.#open.settle()
    await saveIgnoreOptions(this.#open, this.#options)
    const gate = await settleGate(this.#open, this.#options.gate, report)
    await this.#writeInfo()
    this.#history = await HistoryKeeper.open(this.#open, report, this.#options.history)
    this.#batch = await ChangeBatch.create(this.#open)
    const batch = this.#batch
    this.#scope.defer(() => batch.close())
    this.#replication = await Replication.start({
      open: this.#open,
      network,
      report,
      invites: true,
      onstatus: (_peer, status) => this.#peerStatus(status.complete, status.version),
      owner: {
        keys: this.#open.drive.core.keyPair as OwnerKeys,
        since: this.#since,
        onother: (peer, claim) => this.#meet(peer, claim),
        onoutrun: (fork) => this.#outrun(fork)
      }
    })
    const replication = this.#replication
    this.#scope.defer(() => replication.close())
    const reachability = watchReachability(replication.network, report)
    this.#scope.defer(() => reachability.close())
    const places = { addresses: replication.network.listening, relays: network.relays ?? [] }
    await saveServed(this.#open, places)
    const link = formatLink(this.#open.drive.key, places)
    Object.assign(this, { link })
    report(linkEvent({ key: this.#open.drive.key, gate, dir: this.dir }, places))
    const beside = await this.#options.beside?.(this.#open)
    if (beside) this.#scope.defer(() => beside.close())
    this.#importing = this.#firstImport().catch((error) => this.#fail(error))
    return this
  }

  async close(): Promise<void> {
    this.#abort.abort()
    // First, since it may be about to open the watch.
    await this.#importing
    await this.#watch?.close()
    await this.#importing
    await this.#scope.close()
    this.#resolve(null)
  }

  async #writeInfo(): Promise<void> {
    const { db } = this.#open.drive
    if (await db.get(INFO, datKeys)) return
    const info: ShareInfo = { name: this.#source.name, file: this.#source.file !== null }
    const batch = db.batch()
    await batch.put(INFO, info, datKeys)
    // With the first thing that peers see comes that more will follow: a clone that is early waits for it.
    const state: ShareState = {
      complete: false,
      time: Date.now(),
      files: 0,
      bytes: 0,
      holes: 0,
      fork: (await this.#open.content()).fork
    }
    await batch.put(STATE, state, datKeys)
    await batch.flush()
  }

  async #import(folders: string[]): Promise<void> {
    const { report, useIgnoreFiles, ignore } = this.#options
    const run = new Import({
      open: this.#open,
      root: this.#root as SourceRoot,
      batch: this.#batch as ChangeBatch,
      rules: IgnoreRules.root(ignore, useIgnoreFiles),
      report,
      signal: this.#abort.signal,
      suspects: this.#suspects,
      only: this.#source.file,
      onfolder: (folder) => this.#watch?.entering(folder)
    })
    const result = await run.run(folders)
    if (this.#abort.signal.aborted) return
    await run.finish()
    this.#failures = result.failed
    const { added, changed, removed, skipped } = result
    if (!this.#indexed && run.counters.filesTotal === 0 && skipped > result.failed.length) {
      throw new DatError('EMPTY_SHARE', `nothing of ${this.dir} would be shared: all of it is ignored`)
    }
    const version = this.#open.drive.version
    await this.#history?.settled(this.#abort.signal)
    if (folders[0] !== '' && added + changed + removed + skipped === 0) return
    // Until then RocksDB keeps what was overwritten, which is as much again.
    if (added + changed + removed >= COMPACT_CHANGES) await this.#open.compact()
    report({ type: 'import.done', ...run.shared, added, changed, removed, skipped, version })
    this.#replication?.setStatus({ version, complete: true })
  }

  async #firstImport(): Promise<void> {
    // Watched from before the first look on: what changes during it is not missed.
    if (this.#options.watch) {
      this.#watch = await watchFolder({
        root: this.#open.place.root,
        only: this.#source.file,
        report: this.#options.report,
        rescan: (folders) => this.#rescan(folders)
      })
    }
    // What could not be read the last time is tried again.
    for (const path of (await readUnreadable(this.#open.drive.db)).keys()) this.#suspects.add(path)
    await this.#import([''])
    const { kept, renewed } = this.#open
    if (kept && renewed && !this.#abort.signal.aborted) await withdrawUnowned(await this.#own(), kept)
    this.#indexed = true
  }

  async #own(): Promise<OwnHistory> {
    const { drive, index } = this.#open
    return { drive, index, content: await this.#open.content() }
  }

  #rescan(folders: string[]): Promise<void> {
    this.#importing = this.#importing.then(() => this.#import(folders)).catch((error) => this.#fail(error))
    return this.#importing
  }

  #sourceChanged(record: FileRecord, reason: string, failing: boolean): void {
    // Every block of it that a peer asks for finds the same again, until the import has looked.
    const now = Date.now()
    if (now - (this.#changedAt.get(record.path) ?? 0) < CHANGED_MS) return
    if (this.#changedAt.size > MAX_CHANGED) {
      this.#changedAt.clear()
      this.#suspects.clear()
    }
    this.#changedAt.set(record.path, now)
    if (failing) this.#suspects.add(record.path)
    this.#options.report({ type: 'source.changed', path: record.path, reason })
    const folder = path.posix.dirname(record.path)
    void this.#rescan([folder === '.' ? '' : `${folder}/`])
  }

  /**
   * Another has the key of this share, and serves it too. The one whose history others follow goes on, and of two with
   * the same history the one that came first; the other ends, before both write.
   */
  #meet(peer: Peer, { since, fork }: OwnerClaim): void {
    const message = 'another computer shares the same link at this moment'
    const own = this.#open.drive.core.fork
    if (fork > own) {
      this.#outrun(fork)
      return
    }
    if (fork < own || since > this.#since) {
      this.#options.report({ type: 'note', message: `${message}; it was told to stop (${peer.id})`, important: true })
      return
    }
    const hint = 'stop it there first; or for a link of its own: remove .dat here, then run `dat share --new-link`'
    this.#fail(new DatError('INDEX_COPIED', message, { hint }))
  }

  /** Others have a later history than this one, signed with its key: what is written here from now on is in vain. */
  #outrun(fork: number): void {
    if (this.#abort.signal.aborted) return
    const { index, place } = this.#open
    const outrun: Outrun = { fork, time: Date.now() }
    const batch = index.batch()
    batch.putMeta(OUTRUN, outrun)
    this.#scope.defer(() => batch.flush())
    this.#fail(outrunBy(place, outrun))
  }

  #peerStatus(complete: boolean, version: number): void {
    if (!this.#options.once || !complete || !this.#indexed || version < this.#open.drive.version) return
    if (this.#failures.length > 0) {
      const count = this.#failures.length === 1 ? 'one file' : `${this.#failures.length} files`
      this.#reject(
        new DatError('PARTIAL', `${count} could not be read and so not be shared`, { failures: this.#failures })
      )
    } else {
      this.#resolve(null)
    }
  }

  #fail(error: unknown): void {
    if (!this.#abort.signal.aborted) this.#reject(error)
  }
}
