import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from './random.js'

/** What the scenarios of one run share: the tally, the chance, and how long it may take. */
export class Session {
  /** @param {{ seed: string, minutes: number | null, rounds: number | null, tally: object, share: number }} options */
  static async open(options) {
    const folder = await mkdtemp(join(tmpdir(), 'dat-faults-'))
    // However this process ends but kill -9.
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
    return new Session(options, folder)
  }

  constructor(options, folder) {
    this.options = options
    this.tally = options.tally
    this.folder = folder
  }

  /** A fresh folder. */
  room() {
    return mkdtemp(join(this.folder, 'room-'))
  }

  /**
   * Plays rounds, each with its own chance, until the time or the number asked for is reached. A round that throws has
   * failed; its name says how to play it again.
   * @param {string} name of the scenario
   * @param {number} usual rounds when neither time nor number was asked for
   * @param {(random: Random, room: string) => Promise<string>} play returns what kind of round it was
   */
  async rounds(name, usual, play) {
    const { seed, minutes, rounds, share, first } = this.options
    const end = minutes === null ? null : performance.now() + minutes * share * 60_000
    const most = rounds ?? (end === null ? usual : Number.POSITIVE_INFINITY)
    const kinds = new Map()
    let failed = 0
    for (let i = first; i < first + most && (end === null || performance.now() < end); i++) {
      const room = await this.room()
      try {
        const kind = await play(new Random(`${seed}/${name}/${i}`), room)
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      } catch (error) {
        failed++
        this.tally.judge(
          `${name} round ${i}`,
          `${error.message}\n    again: --only ${name} --seed ${seed} --first ${i} --rounds 1`
        )
      }
      await rm(room, { recursive: true, force: true, maxRetries: 5 })
    }
    for (const [kind, count] of [...kinds].sort()) this.tally.judge(`${name}: ${kind}`, null, `${count} rounds`)
    return failed
  }

  async close() {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
