import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { compareTrees } from '../bench/trees.js'
import { BOOTSTRAP } from './lab.js'

/** Somebody shares, somebody else clones: both with the real program, on hosts of the lab. */

const START_SECONDS = 30
const FINISH_SECONDS = 60
/** Nobody clones in the moment in which the link is printed: it has to be sent first. */
const LINK_TRAVELS_MS = 2000
const LEFT_OUT = /^(?:DAT_.*|NODE_.*|(?:https?|all|no)_proxy)$/i

/** The environment of a program in the lab: nothing of this machine's settings, and the lab's DHT. */
export function environment(home, more = {}) {
  const kept = Object.entries(process.env).filter(([name]) => !LEFT_OUT.test(name))
  return { ...Object.fromEntries(kept), DAT_HOME: home, DAT_BOOTSTRAP: BOOTSTRAP, ...more }
}

/**
 * @typedef {object} Side
 * @property {string} [host] a1, a2, b1, …
 * @property {string[]} [args] options of the command
 * @property {Record<string, string>} [env]
 */

export class Pair {
  #session
  #clones = []

  /**
   * Starts to share, and resolves when the folder is indexed, what works of the network is known, and the link has had
   * the time to be sent.
   * @param {{ bytes: number, sharer?: Side }} options
   */
  static async open(session, { bytes, sharer = {} }) {
    const pair = new Pair(session, await session.data(bytes), { host: 'a1', ...sharer })
    try {
      await pair.share()
    } catch (error) {
      await pair.close()
      throw error
    }
    await pause(LINK_TRAVELS_MS)
    return pair
  }

  constructor(session, folder, side) {
    this.#session = session
    this.folder = folder
    this.room = dirname(folder)
    this.side = side
  }

  /** Shares; again, when it has been ended in between. */
  async share() {
    this.sharer = this.#launch(this.side, ['share', this.folder])
    this.link = (await this.sharer.event('link', START_SECONDS)).link
    await this.sharer.event('import.done', START_SECONDS)
    await this.sharer.event('network.ready', START_SECONDS)
  }

  /** Starts to clone. @param {Side} [side] */
  clone(side = {}) {
    const copy = join(this.room, `copy-${this.#clones.length + 1}`)
    const clone = new Clone(this.folder, copy, this.#launch({ host: 'b1', ...side }, ['clone', this.link, copy]))
    this.#clones.push(clone)
    return clone
  }

  /** Ends both and removes the data. */
  async close() {
    await Promise.all([this.sharer?.kill(), ...this.#clones.map(({ process }) => process.kill())])
    await rm(this.room, { recursive: true, force: true })
  }

  #launch({ host, args = [], env = {} }, command) {
    const { lab, options } = this.#session
    const home = join(this.room, `home-${host}`)
    return lab.launch(host, process.execPath, [options.dat, ...command, '--json', ...args], {
      cwd: this.room,
      env: environment(home, env)
    })
  }
}

/** One who clones, and what came of it. All times are seconds since its start. */
class Clone {
  #source
  #copy

  constructor(source, copy, process) {
    this.#source = source
    this.#copy = copy
    this.process = process
  }

  /** Resolves when so many bytes have arrived; rejects when they do not within the limit. */
  async arrived(bytes, limitSeconds = FINISH_SECONDS) {
    return this.process.event((event) => isProgress(event, bytes), limitSeconds)
  }

  /** Waits for the end, and says what is wrong with it, or null. */
  async complaint(limitSeconds = FINISH_SECONDS) {
    try {
      await this.process.success(limitSeconds)
      const { differences } = await compareTrees(this.#source, this.#copy)
      return differences.length === 0 ? null : `the copy differs: ${differences[0]}`
    } catch {
      return this.#failure(limitSeconds)
    }
  }

  #failure(limitSeconds) {
    const { error, bytesDone, stalled, connected } = this
    if (this.process.endedAt !== null)
      return `exit ${this.process.process.exitCode}: ${error?.message ?? 'no error event'}`
    const state = connected === null ? 'no peer' : stalled === null ? 'going on' : `stalled: ${stalled.reason}`
    return `not finished after ${limitSeconds} s (${bytesDone} bytes, ${state})`
  }

  get done() {
    return this.#first('done')
  }

  get error() {
    return this.#first('error')
  }

  get stalled() {
    return this.process.events.findLast(({ type }) => type === 'stalled') ?? null
  }

  get bytesDone() {
    return this.process.events.findLast(({ type }) => type === 'download.progress')?.bytesDone ?? 0
  }

  /** When the first peer was there. */
  get connected() {
    return this.#since(this.#first('peer.connected'))
  }

  /** When the first bytes of a file were there. */
  get firstData() {
    return this.#since(this.process.events.find((event) => isProgress(event, 1)) ?? null)
  }

  /** How the bytes came; more than one when it changed, in this order. */
  get routes() {
    const routes = this.process.events.filter(({ type }) => type === 'peer.connected').map(({ route }) => route)
    return routes.filter((route, i) => route !== routes[i - 1])
  }

  #first(wanted) {
    return this.process.events.find(({ type }) => type === wanted) ?? null
  }

  #since(event) {
    return event === null ? null : (event.at - this.process.startedAt) / 1000
  }
}

function isProgress(event, bytes) {
  return event.type === 'download.progress' && event.bytesDone >= bytes
}
