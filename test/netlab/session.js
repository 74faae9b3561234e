import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { link, mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Lab, whyNoDelay } from './lab.js'
import { Pair } from './pair.js'
import { Relay } from './relay.js'

/** What the scenarios of one run share: the lab, the tally, data to send, and a relay that they may need. */

export const DAT = fileURLToPath(new URL('../../bin/dat.js', import.meta.url))
const CHUNK = 1 << 20

export class Session {
  #files = new Map()
  #relay = null
  #noRelay = null

  /** Opens the lab. */
  static async open(options, tally) {
    const folder = await mkdtemp(join(tmpdir(), 'dat-netlab-'))
    return new Session(options, tally, folder, await Lab.open())
  }

  constructor(options, tally, folder, lab) {
    this.options = options
    this.tally = tally
    this.folder = folder
    this.lab = lab
    this.noDelay = whyNoDelay()
    // However this process ends but kill -9.
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  }

  get quick() {
    return this.options.quick
  }

  /** A fresh folder. */
  room() {
    return mkdtemp(join(this.folder, 'room-'))
  }

  /** A fresh folder with one file of bytes that cannot be compressed, always the same ones. */
  async data(bytes) {
    if (!this.#files.has(bytes)) this.#files.set(bytes, this.#write(bytes))
    const folder = join(await this.room(), 'recordings')
    await mkdir(folder)
    await link(await this.#files.get(bytes), join(folder, 'recording.bin'))
    return folder
  }

  async #write(bytes) {
    const path = join(this.folder, `${bytes}.bin`)
    const file = await open(path, 'w')
    for (let left = bytes; left > 0; left -= CHUNK) await file.write(randomBytes(Math.min(left, CHUNK)))
    await file.close()
    return path
  }

  /** Shares data at site A, to be cloned at site B. @see Pair */
  pair(options) {
    return Pair.open(this, options)
  }

  /**
   * The relay, running on its host until the end of the scenario.
   * @param {string[]} [options] of its command
   * @throws when it cannot be had, always for the same reason
   */
  async relay(options = []) {
    if (this.#noRelay) throw this.#noRelay
    try {
      this.#relay ??= await Relay.start(this, options)
      return this.#relay
    } catch (error) {
      this.#noRelay = error
      throw error
    }
  }

  /** As the scenarios find the lab: no delay, no loss, no limit, nothing left running. */
  async reset() {
    await this.#relay?.stop()
    this.#relay = null
    await this.lab.lines()
  }

  async close() {
    await this.#relay?.stop()
    await this.lab.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}
