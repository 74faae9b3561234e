import { Worker } from 'node:worker_threads'
import { defer } from './cleanup.js'

/**
 * Somebody on the same computer who may write into a folder of ours: over and over, as fast as a thread can, moves a
 * folder away and puts a link to another in its place.
 */
const LOOP = `
const { parentPort, workerData } = require('node:worker_threads')
const fs = require('node:fs')
const { folder, victim, state } = workerData
const away = folder + '.away'
const attempt = (work) => { try { work(); return true } catch { return false } }
parentPort.postMessage('ready')
while (Atomics.load(state, 0) === 0) {
  if (!attempt(() => fs.renameSync(folder, away))) continue
  attempt(() => fs.symlinkSync(victim, folder))
  // As long as a few file operations take: a check has to fall before, and what follows it after.
  for (let i = 0; i < 20; i++) attempt(() => fs.lstatSync(victim))
  attempt(() => fs.unlinkSync(folder))
  // Gone for a moment, it may have been made anew; then both stay.
  if (!attempt(() => fs.renameSync(away, folder))) { attempt(() => fs.renameSync(away, away + Atomics.load(state, 1))) }
  Atomics.add(state, 1, 1)
}
parentPort.postMessage('over')
`

export interface Swapper {
  /** How often the folder was swapped so far. */
  readonly rounds: number
  /** Ends it; the folder is in its place then. */
  stop(): Promise<void>
}

/** @param folder a folder that exists @param victim where the link in its place leads */
export async function swap(folder: string, victim: string): Promise<Swapper> {
  const state = new Int32Array(new SharedArrayBuffer(8))
  const worker = new Worker(LOOP, { eval: true, workerData: { folder, victim, state } })
  await new Promise((resolve) => worker.once('message', resolve))
  const exited = new Promise((resolve) => worker.once('exit', resolve))
  const swapper = {
    get rounds() {
      return Atomics.load(state, 1)
    },
    stop: async () => {
      Atomics.store(state, 0, 1)
      await exited
    }
  }
  defer(swapper.stop)
  return swapper
}
