import { reasonOf } from '../../base/errors.js'
import type { DatEvent, ImportCounters, Report } from '../../base/events.js'
import { parseLink } from '../../base/link.js'
import { apply, createView, type View } from '../ui/view.js'
import { thisProcess } from './identity.js'
import {
  isOver,
  listRunning,
  type Mode,
  newId,
  type RunningShare,
  removeRecord,
  type ShareState,
  type ShareWork,
  SIGN_MS,
  writeRecord
} from './records.js'

/** How soon others see a change, in ms: the record may be on a disk that many computers share. */
const WRITE_MS = 2000
/** Whom a share serves: kept with it. */
export const GATES = ['--gated', '--strict', '--no-gated']
/** Options that are for one time, or are kept with the share: who starts it again must not repeat them. */
const ONCE = new Set(['--moved', '--new-link', '--once', ...GATES])

export interface Enlisting {
  home: string | null
  work: ShareWork
  mode: Mode
  options: readonly string[]
  log: string | null
  report: Report
}

/** A share that `dat ps` lists. */
export interface Enlisted {
  /** Passes events on, and learns from them how the share is doing. */
  report: Report
  /** Resolves when what is known so far was written. */
  written(): Promise<void>
  /**
   * Takes it off the list.
   * @param failure why it ended, where nobody has heard of it: `dat ps` tells it then
   */
  close(failure?: unknown): Promise<void>
}

/**
 * Has a share listed by `dat ps` from its `link` event on. It never fails: a share that cannot be listed is shared all
 * the same. Whether peers have everything is what they say on the status channel (docs/adr/0005-status-channel.md).
 */
export function enlist(given: Enlisting): Enlisted {
  const view = createView(given.work, { timeout: null }, Date.now())
  let entry: Entry | null = null
  return {
    report: (event) => {
      apply(view, event)
      if (event.type === 'link' && given.home !== null) entry ??= new Entry(given.home, given, view, event)
      else entry?.changed()
      given.report(event)
    },
    written: async () => entry?.written(),
    close: async (failure) => entry?.close(failure)
  }
}

/** Keeps a record up to date: one write at a time, and not often. */
class Entry {
  readonly #home: string
  readonly #view: View
  readonly #record: Promise<RunningShare>
  #failure: string | null = null
  #writing: Promise<void> = Promise.resolve()
  #soon: NodeJS.Timeout | null = null
  readonly #sign: NodeJS.Timeout
  #closed = false

  constructor(home: string, given: Enlisting, view: View, event: Extract<DatEvent, { type: 'link' }>) {
    this.#home = home
    this.#view = view
    this.#record = this.#create(given, event)
    this.#sign = setInterval(() => this.#write(), SIGN_MS)
    this.#sign.unref()
    this.#write()
  }

  async #create(given: Enlisting, event: Extract<DatEvent, { type: 'link' }>): Promise<RunningShare> {
    const { work, mode, options, log } = given
    const { addresses, relays } = event.link === null ? { addresses: [], relays: [] } : parseLink(event.link)
    const dead = (await listRunning(this.#home)).filter((found) => isOver(found) && found.record.dir === event.dir)
    for (const { record } of dead) await removeRecord(this.#home, record.id)
    return {
      ...(await thisProcess()),
      id: newId(),
      dir: event.dir,
      work,
      mode,
      since: this.#view.since,
      places: { addresses, relays },
      options: options.filter((option) => !ONCE.has(option)),
      log,
      ...this.#now()
    }
  }

  #now() {
    const { peers, upload } = this.#view
    return {
      updated: Date.now(),
      ...stateOf(this.#view, this.#failure),
      peers: peers.size,
      complete: [...peers.values()].filter(({ complete }) => complete).length,
      sentBytes: upload?.bytes ?? 0,
      failure: this.#failure
    }
  }

  changed(): void {
    if (this.#closed || this.#soon) return
    this.#soon = setTimeout(() => {
      this.#soon = null
      this.#write()
    }, WRITE_MS)
    this.#soon.unref()
  }

  #write(): void {
    this.#writing = this.#writing
      .then(async () => writeRecord(this.#home, { ...(await this.#record), ...this.#now() }))
      .catch(() => {})
  }

  written(): Promise<void> {
    this.#write()
    return this.#writing
  }

  async close(failure: unknown): Promise<void> {
    this.#closed = true
    if (this.#soon) clearTimeout(this.#soon)
    clearInterval(this.#sign)
    if (failure !== undefined) {
      this.#failure = reasonOf(failure)
      this.#write()
      return await this.#writing
    }
    await this.#writing
    const record = await this.#record.catch(() => null)
    if (record) await removeRecord(this.#home, record.id)
  }
}

/** What a share is doing, in a word. */
export function stateOf(view: View, failure: string | null): { state: ShareState; percent: number | null } {
  if (failure !== null) return { state: 'failed', percent: null }
  const { importing, download, stalled, done, met, peers, imported } = view
  if (importing) return { state: 'indexing', percent: percentOf(importing) }
  if (stalled) return { state: met ? 'stalled' : 'unreachable', percent: null }
  if (download && !done) return { state: 'downloading', percent: percentOf(download) }
  return { state: imported || done || peers.size > 0 ? 'serving' : 'starting', percent: null }
}

function percentOf({ bytesDone, bytesTotal, filesDone, filesTotal }: ImportCounters): number | null {
  const [part, whole] = bytesTotal > 0 ? [bytesDone, bytesTotal] : [filesDone, filesTotal]
  return whole > 0 ? Math.floor((100 * part) / whole) : null
}
