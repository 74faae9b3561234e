import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Tally } from '../netlab/tally.js'

/** Runs a scenario by itself: `node test/faults/scenarios/changes.js --rounds 5 --seed 7`. */

/** Whether a module is the program that was started. */
export const isProgram = (url) => process.argv[1] === fileURLToPath(url)

/** @param {{ title: string, run: (session: object) => Promise<void> }} scenario */
export async function runAlone({ title, run }) {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, first: { type: 'string', default: '0' } }
  })
  const seed = values.seed ?? randomBytes(4).toString('hex')
  const folder = await mkdtemp(join(tmpdir(), 'dat-faults-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const tally = new Tally()
  const room = () => mkdtemp(join(folder, 'room-'))
  const first = Number(values.first)
  const rounds = async (name, usual, play) => {
    for (let i = first; i < first + Number(values.rounds ?? usual); i++) {
      const here = await room()
      try {
        tally.judge(`${name} ${i}`, null, await play(chance(`${seed}/${name}/${i}`), here))
      } catch (error) {
        tally.judge(`${name} ${i}`, `${error.message}\n    again: --seed ${seed} --first ${i} --rounds 1`)
      }
      await rm(here, { recursive: true, force: true, maxRetries: 5 })
    }
  }
  console.log(`${title}; seed ${seed}`)
  await run({ tally, room, rounds })
  console.log(tally.summary)
  process.exitCode = tally.failed ? 1 : 0
}

/** Chance that can be had again (mulberry32). */
function chance(text) {
  let state = 0
  for (const c of text) state = (Math.imul(state, 31) + c.codePointAt(0)) | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low, high) => low + Math.floor(next() * (high - low + 1))
  return { next, between, pick: (list) => list[between(0, list.length - 1)], chance: (p) => next() < p }
}
