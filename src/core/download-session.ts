import fs from 'node:fs'
import { DatError, fileError } from '../base/errors.js'
import { parseLink } from '../base/link.js'
import { Scope } from '../base/scope.js'
import { formatBytes } from '../base/sizes.js'
import type { FileRecord } from '../storage/file-record.js'
import { adoptCopied } from './adopt-copied.js'
import { Download } from './download.js'
import type { DownloadContext } from './download-context.js'
import type { OpenDrive } from './drive.js'
import { datKeys, readState, type ShareState, STATE } from './entry.js'
import { firstContact, shareError } from './first-contact.js'
import { forgetForked } from './forget-forked.js'
import { gateHere } from './gate-setting.js'
import type { InviteAsker } from './invite-asker.js'
import type { Join } from './join.js'
import { Patience } from './patience.js'
import { recover } from './recover.js'
import { Replication } from './replication.js'
import { Selection } from './selection.js'
import { saveServed } from './served-at.js'
import type { DownloadOptions, Session, Summary } from './session.js'
import { linkEvent } from './shown-link.js'
import { settledVersion, whatIsKept } from './versions.js'

const CLOSE_MS = 1500
/** Damaged files that are told of one by one. */
const MAX_TOLD = 100
const STALL_SECONDS = 10
/** Less than this in a second is keep-alives and the like. More is the part of a block that is on its way. */
const TRICKLE_BYTES = 512
const STALL_REPEAT_SECONDS = 30
/** Another look at the versions of the peers, should an announcement have been lost. */
const LOOK_MS = 500

export interface DownloadSessionOptions extends DownloadOptions {
  open: OpenDrive
  link: string
  /** A file or folder inside the share; '' for all. */
  under: string
  /** The version that is wanted; null for the newest, always. */
  pin?: number | null
  /** The connections to begin with, where there are some. */
  join?: Join | undefined
  /** What to be let in by, if the index does not say it. */
  asker?: InviteAsker | undefined
  /** Go on following the share after everything is here. */
  follow: boolean
}

/** A running clone, pull or sync. Owns `open` and closes it. */
export async function startDownload(options: DownloadSessionOptions): Promise<Session> {
  const session = new DownloadSession(options)
  await session.start()
  return session
}

class DownloadSession implements Session {
  readonly link: string
  readonly dir: string
  readonly finished: Promise<Summary | null>
  readonly #options: DownloadSessionOptions
  readonly #scope = new Scope()
  readonly #abort = new AbortController()
  readonly #started = Date.now()
  #resolve: (summary: Summary | null) => void = () => {}
  #reject: (error: unknown) => void = () => {}
  #replication: Replication | null = null
  #running: Promise<void> = Promise.resolve()
  /** Files that were found damaged. */
  readonly #told = new Set<string>()
  #phase = 'waiting for the other computer'
  /** The version that is wanted, once it is known to exist; null for the newest. */
  #pin: number | null = null

  constructor(options: DownloadSessionOptions) {
    this.#options = options
    this.link = options.link
    this.dir = options.open.place.root
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.finished.catch(() => {})
  }

  async start(): Promise<void> {
    const { open, network, report, seeOwner, join, asker, follow } = this.#options
    this.#scope.defer(() => open.close())
    try {
      this.#replication = await Replication.start({ open, network, report, seeOwner, join, asker, invites: follow })
    } catch (error) {
      await this.#scope.close().catch(() => {})
      throw error
    }
    const replication = this.#replication
    this.#scope.defer(() => replication.close())
    void replication.door.denied.then((error) => this.#reject(error))
    open.files.ondamaged = (record, index) => this.#damaged(record, index)
    // A clone that is followed is served to others too: they need its link.
    if (follow) await this.#reportLink(replication.network.listening)
    try {
      const beside = await this.#options.beside?.(open)
      if (beside) this.#scope.defer(() => beside.close())
    } catch (error) {
      await this.#scope.close().catch(() => {})
      throw error
    }
    this.#running = this.#run().then(
      (summary) => this.#resolve(summary),
      (error) => this.#reject(shareError(error))
    )
  }

  async #reportLink(listening: readonly string[]): Promise<void> {
    const { open, report, network } = this.#options
    const addresses = listening.length > 0 ? [...listening] : parseLink(this.link).addresses
    const relays = network.relays ?? []
    await saveServed(open, { addresses, relays })
    const gate = await gateHere(open)
    report(linkEvent({ key: open.drive.key, gate, dir: this.dir }, { addresses, relays }))
  }

  async close(): Promise<void> {
    this.#abort.abort()
    // A peer that fell silent may leave a read of the drive waiting: closing the drive ends it.
    await Promise.race([this.#running, delay(CLOSE_MS)])
    await this.#scope.close()
    this.#resolve(null)
  }

  async #run(): Promise<Summary | null> {
    const { open, report, force, dryRun, include, exclude, under } = this.#options
    const replication = this.#replication as Replication
    const { timeout, endEarly = false, follow, pin = null } = this.#options
    const contact = { timeout, endEarly: endEarly && !follow, report, signal: this.#abort.signal }
    const content = await firstContact(open, replication, contact)
    if (!content) return null
    if (pin !== null) this.#pin = await settledVersion(open, pin)
    const selection = new Selection(include, exclude, under)
    const signal = this.#abort.signal
    await open.files.partials.clean()
    await adoptCopied(open)
    await recover(open, content, report)
    for (let careful = false; !signal.aborted; careful = true) {
      const pin = this.#pin
      const context = { open, content, replication, selection, report, signal, force, dryRun, careful, pin }
      const ended = await this.#download(context)
      if (ended !== 'forked') return ended
    }
    return null
  }

  /** @returns 'forked' if the owner began another fork meanwhile: what was planned speaks of blocks that are others now */
  async #download(context: DownloadContext): Promise<Summary | null | 'forked'> {
    const { open, content } = context
    await forgetForked(open, content)
    const download = new Download(context)
    const watchdog = this.#watchStalls(download)
    const onappend = (): void => download.actions.wake()
    const onfork = (): void => download.actions.fork()
    open.drive.core.on('append', onappend)
    open.drive.core.on('truncate', onfork)
    content.on('truncate', onfork)
    try {
      return await this.#follow(download, context.selection)
    } catch (error) {
      if (!download.actions.forked) throw error
      return 'forked'
    } finally {
      clearInterval(watchdog)
      open.drive.core.off('append', onappend)
      open.drive.core.off('truncate', onfork)
      content.off('truncate', onfork)
      await download.actions.close()
    }
  }

  /** Takes back the claim on a block that a failing disk has spoiled, so that others get it elsewhere. */
  #damaged({ path }: FileRecord, index: number): void {
    const { open, report } = this.#options
    const clear = async (): Promise<void> => {
      const content = await open.content()
      await content.clear(index, index + 1)
    }
    clear().catch((error) => this.#reject(fileError(error, 'write the index')))
    if (this.#told.has(path) || this.#told.size >= MAX_TOLD) return
    this.#told.add(path)
    const message = `${path} is damaged here, and not passed on; \`dat verify --repair\` fetches it again`
    report({ type: 'note', message, important: true })
  }

  async #follow(download: Download, selection: Selection): Promise<Summary | null | 'forked'> {
    const { open, follow, dryRun } = this.#options
    const { actions } = download
    const patience = new Patience()
    let state: ShareState | null = null
    let reported = 0
    while (!this.#abort.signal.aborted) {
      if (actions.forked) return 'forked'
      if (actions.error) throw actions.error
      const version = this.#pin ?? open.drive.version
      if (version > download.version && open.drive.core.length > 1) {
        // The two cores arrive at a new fork one after the other; entries of one with blocks of the other are no files.
        if (!(await download.matches(version))) {
          if (!actions.forked) await actions.changed(LOOK_MS)
          continue
        }
        if (download.version === 0) await this.#checkSpace(version, selection)
        state = await download.advance(version)
        continue
      }
      const complete = download.version > 0 && (this.#pin !== null || (state?.complete ?? true))
      if (complete && actions.idle && download.version === version) {
        await actions.settled()
        if (actions.error) throw actions.error
        if (actions.forked) return 'forked'
        if (reported !== download.version) {
          reported = download.version
          const summary = this.#complete(download, state)
          if (!follow || dryRun) {
            if (download.failures.length === 0) await this.#replication?.delivered()
            return await this.#conclude(download, summary)
          }
        }
      }
      this.#phase = complete ? 'waiting for data' : 'the other computer is still indexing'
      const { peers, heard } = (this.#replication as Replication).network
      if (patience.isOver(peers.size > 0, heard, actions.progress.downloadedBytes)) download.abandonUnreadable()
      await actions.changed(LOOK_MS)
    }
    return null
  }

  #complete(download: Download, state: ShareState | null): Summary {
    const { report, dryRun } = this.#options
    const { progress } = download.actions
    progress.report(true)
    const { filesDone, bytesDone } = progress.current
    const summary: Summary = {
      dir: this.dir,
      version: download.version,
      files: this.#options.follow && state ? state.files : filesDone,
      bytes: this.#options.follow && state ? state.bytes : bytesDone,
      downloadedBytes: progress.downloadedBytes,
      seconds: (Date.now() - this.#started) / 1000,
      failures: download.failures
    }
    if (dryRun) return summary
    if (download.failures.length === 0) {
      this.#replication?.setStatus({ version: download.version, complete: true })
      const { failures: _none, ...done } = summary
      report({ type: 'done', ...done })
    }
    return summary
  }

  async #conclude(download: Download, summary: Summary): Promise<Summary> {
    const { failures } = summary
    if (failures.length === 0) return summary
    const count = download.failed === 1 ? 'one file' : `${download.failed} files`
    if (download.onlyAltered) {
      const words = download.failed === 1 ? 'was altered, and is left alone' : 'were altered, and are left alone'
      throw new DatError('ALTERED', `${count} in ${this.dir} ${words}`, { failures })
    }
    const { open } = this.#options
    const hint = this.#pin === null ? undefined : await whatIsKept(open)
    const message = `${count} could not be downloaded; everything else is in ${this.dir}`
    throw new DatError('PARTIAL', message, { failures, ...(hint && { hint }) })
  }

  async #checkSpace(version: number, selection: Selection): Promise<void> {
    const { open } = this.#options
    if (!selection.everything || !(await open.index.isEmpty())) return
    const bee = open.drive.db.checkout(version)
    const state = readState((await bee.get<unknown>(STATE, datKeys))?.value)
    await bee.close()
    if (!state) return
    const { bavail, bsize } = await fs.promises.statfs(open.place.root)
    const free = bavail * bsize
    // What the owner says of holes may be wrong: then the disk is full later, and not now.
    const needed = state.bytes - state.holes
    if (needed > free) {
      const message = `the share has ${formatBytes(needed)}, but only ${formatBytes(free)} are free in ${this.dir}`
      throw new DatError('DISK_FULL', message)
    }
  }

  #watchStalls(download: Download): NodeJS.Timeout {
    let bytes = -1
    let since = Date.now()
    let said = 0
    let heard = 0
    return setInterval(() => {
      const { progress } = download.actions
      progress.report()
      // Not of the network alone: zeros are made here.
      const now = progress.current.bytesDone
      const before = heard
      heard = this.#replication?.network.heard ?? 0
      const arriving = heard - before > TRICKLE_BYTES
      const working =
        arriving || now !== bytes || (download.actions.idle && this.#phase !== 'the other computer is still indexing')
      if (working) {
        bytes = now
        since = Date.now()
        said = 0
        return
      }
      const seconds = Math.round((Date.now() - since) / 1000)
      if (seconds < STALL_SECONDS || seconds - said < (said === 0 ? 0 : STALL_REPEAT_SECONDS)) return
      said = seconds
      const peers = this.#replication?.network.peers.size ?? 0
      const reason = peers === 0 ? 'no other computer is connected; it goes on by itself when one is back' : this.#phase
      this.#options.report({ type: 'stalled', seconds, reason })
    }, 1000)
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
