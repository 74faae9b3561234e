import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DatEvent } from '../../src/base/events.js'
import { parseInvite } from '../../src/base/invite-link.js'
import { parseLink } from '../../src/base/link.js'
import type * as clone from '../../src/core/clone.js'
import type * as invited from '../../src/core/invited-clone.js'
import type { InvitedCloneOptions } from '../../src/core/invited-clone.js'
import type * as pull from '../../src/core/pull.js'
import type { CloneOptions, PullOptions, Session, ShareOptions, Summary } from '../../src/core/session.js'
import type * as share from '../../src/core/share.js'
import type { NetworkOptions } from '../../src/transport/transport.js'
import { defer } from './cleanup.js'

type Type = DatEvent['type']
export type EventOf<T extends Type> = Extract<DatEvent, { type: T }>

const LIMIT_MS = 30_000

/** A folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'dat-core-'))
  defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

/**
 * Loads a module as it is installed. Whatever starts a worker thread needs it: a worker is a file of JavaScript, which
 * the sources do not have.
 */
export function built<T>(module: string): Promise<T> {
  return import(new URL(`../../dist/${module}.js`, import.meta.url).href) as Promise<T>
}

/** No network at all; everything else builds on it. Nothing here ever leaves 127.0.0.1. */
export const ALONE: NetworkOptions = {
  dht: false,
  bootstrap: [],
  lan: false,
  lanInterface: '127.0.0.1',
  listen: null,
  peers: []
}
/** The sharer of a pair: its link carries the address. */
export const LISTENING: NetworkOptions = { ...ALONE, listen: { host: '127.0.0.1', port: 0 } }
export const ON_LAN: NetworkOptions = { ...ALONE, lan: true }

/** A share, a clone or a pull under test: it keeps every event, and can wait for more. */
export class TestSession {
  readonly events: DatEvent[] = []
  session!: Session
  readonly #waiting = new Set<() => void>()
  #ended: { summary: Summary | null } | { error: unknown } | null = null

  static async share(path: string, options: Partial<ShareOptions> = {}): Promise<TestSession> {
    const { openShare } = await built<typeof share>('core/share')
    const given = { path, watch: false, once: false, useIgnoreFiles: true, ignore: [], store: null }
    return new TestSession().#start((common) => openShare({ ...common, ...given, ...options }), LISTENING)
  }

  static async clone(link: string, dir: string, options: Partial<CloneOptions> = {}): Promise<TestSession> {
    const { openClone } = await built<typeof clone>('core/clone')
    const given = { link: parseLink(link), dir, parent: tmpdir(), ...DOWNLOAD }
    return new TestSession().#start((common) => openClone({ ...common, ...given, ...options }), ALONE)
  }

  static async invited(link: string, dir: string | null, options: Partial<InvitedCloneOptions> = {}) {
    const { openInvitedClone } = await built<typeof invited>('core/invited-clone')
    const given = { link: parseInvite(link), dir, parent: tmpdir(), ...DOWNLOAD }
    return new TestSession().#start((common) => openInvitedClone({ ...common, ...given, ...options }), ALONE)
  }

  /** @param from the share's link, for its address may have changed since the clone */
  static async pull(dir: string, from: string, options: Partial<PullOptions> = {}): Promise<TestSession> {
    const { openPull } = await built<typeof pull>('core/pull')
    const network = { ...ALONE, peers: parseLink(from).addresses }
    return new TestSession().#start((common) => openPull({ ...common, dir, ...DOWNLOAD, ...options }), network)
  }

  /** Keeps a clone up to date, and serves it. */
  static async sync(dir: string, from: string, options: Partial<PullOptions> = {}): Promise<TestSession> {
    const { followClone } = await built<typeof pull>('core/pull')
    const network = { ...LISTENING, peers: parseLink(from).addresses }
    return new TestSession().#start((common) => followClone({ ...common, dir, ...DOWNLOAD, ...options }), network)
  }

  async #start(
    open: (common: {
      network: NetworkOptions
      report: (event: DatEvent) => void
      signal: AbortSignal
    }) => Promise<Session>,
    network: NetworkOptions
  ): Promise<this> {
    const signal = new AbortController().signal
    const report = (event: DatEvent): void => {
      this.events.push(event)
      this.#look()
    }
    this.session = await open({ network, report, signal })
    defer(() => this.session.close())
    this.session.finished.then(
      (summary) => this.#end({ summary }),
      (error) => this.#end({ error })
    )
    return this
  }

  get link(): string {
    return this.session.link
  }

  close(): Promise<void> {
    return this.session.close()
  }

  all<T extends Type>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  /** Waits for an event, past ones included. @param after only events behind this index of `events` */
  async event<T extends Type>(
    type: T,
    predicate: (event: EventOf<T>) => boolean = () => true,
    after = 0
  ): Promise<EventOf<T>> {
    const find = () =>
      this.events.slice(after).find((event) => event.type === type && predicate(event as EventOf<T>)) as
        | EventOf<T>
        | undefined
    await this.#until(() => find() !== undefined, `no such ${type}`)
    return find() as EventOf<T>
  }

  /** What it ended with; fails when it ended with an error, or not in time. */
  async done(): Promise<Summary> {
    await this.#until(() => this.#ended !== null, 'it did not end', true)
    if (this.#ended && 'error' in this.#ended) throw this.#ended.error
    const summary = this.#ended?.summary
    if (!summary) throw new Error('it ended without a result')
    return summary
  }

  /** The error that it ended with. */
  async failure(): Promise<unknown> {
    await this.#until(() => this.#ended !== null, 'it did not end', true)
    if (this.#ended && 'error' in this.#ended) return this.#ended.error
    throw new Error(`it was done: ${JSON.stringify(this.#ended)}`)
  }

  #end(how: { summary: Summary | null } | { error: unknown }): void {
    this.#ended = how
    this.#look()
  }

  #look(): void {
    for (const look of [...this.#waiting]) look()
  }

  #until(holds: () => boolean, complaint: string, ended = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        finish()
      }
      const fail = (why: string): void => {
        const events = this.events.slice(-40).map((event) => JSON.stringify(event))
        const cause = this.#ended && 'error' in this.#ended ? this.#ended.error : undefined
        settle(() => reject(new Error(`${complaint} ${why}\n${events.join('\n')}`, { cause })))
      }
      const look = (): void => {
        if (holds()) settle(resolve)
        else if (this.#ended && !ended) fail(`before it ended: ${describeEnd(this.#ended)}`)
      }
      const timer = setTimeout(() => fail(`within ${LIMIT_MS / 1000} s`), LIMIT_MS)
      this.#waiting.add(look)
      look()
    })
  }
}

const DOWNLOAD = { store: null, include: [], exclude: [], dryRun: false, force: false, timeout: 20 }

function describeEnd(end: { summary: Summary | null } | { error: unknown }): string {
  return 'error' in end ? String(end.error) : JSON.stringify(end.summary)
}

/** Shares a folder, waits until it is indexed, and clones it. */
export async function shareAndClone(source: string, copy: string, options: Partial<ShareOptions> = {}) {
  const owner = await TestSession.share(source, options)
  await owner.event('import.done')
  const clone = await TestSession.clone(owner.link, copy)
  const summary = await clone.done()
  await clone.close()
  return { owner, clone, summary }
}
