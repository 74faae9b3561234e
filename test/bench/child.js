import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * A measured child process: wall clock, peak memory, its lines on stdout with the moment at which each came, and no
 * way to outlive the process that measures it.
 */

const RSS_SAMPLE_MS = 50
const STDERR_KEPT = 4000
const alive = new Set()

process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => process.exit(130))
}

/**
 * Starts a program.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string | undefined>, cwd?: string }} [options]
 * @returns {Child}
 */
export function launch(command, args, options = {}) {
  return new Child(command, args, options)
}

export class Child {
  /** Everything that stdout said in JSON, in order, each with `at`: milliseconds on the performance clock. */
  events = []
  /** Highest resident memory so far, in bytes (the kernel's own high-water mark). */
  peakRss = 0
  endedAt = null
  #waiting = new Set()
  #stderr = ''
  #outcome = null
  #name

  constructor(command, args, { env = process.env, cwd } = {}) {
    this.#name = [command, ...args].join(' ')
    this.startedAt = performance.now()
    this.process = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    alive.add(this.process)
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT)
    })
    createInterface({ input: this.process.stdout }).on('line', (line) => this.#onLine(line))

    const sampler = setInterval(() => this.#sampleMemory(), RSS_SAMPLE_MS)
    this.process.on('exit', () => {
      this.endedAt = performance.now()
      clearInterval(sampler)
    })
    this.exit = new Promise((resolve) => {
      const finish = (code, signal, error) => {
        clearInterval(sampler)
        alive.delete(this.process)
        this.endedAt ??= performance.now()
        this.#outcome = { code, signal, error }
        for (const check of [...this.#waiting]) check()
        resolve(this.#outcome)
      }
      this.process.on('error', (error) => finish(null, null, error))
      this.process.on('close', (code, signal) => finish(code, signal, null))
    })
  }

  /** Wall clock of the whole process, in seconds; only after its end. */
  get seconds() {
    return (this.endedAt - this.startedAt) / 1000
  }

  /**
   * Waits for an event that has come or will come.
   * @param {string | ((event: object) => boolean)} wanted a type, or a condition
   * @param {number} [limitSeconds] how long at most
   * @returns {Promise<any>} the event; rejects when the process ends without it, or takes too long
   */
  event(wanted, limitSeconds = 600) {
    const fits = typeof wanted === 'string' ? (event) => event.type === wanted : wanted
    return new Promise((resolve, reject) => {
      let seen = 0
      const stop = () => {
        clearTimeout(limit)
        this.#waiting.delete(check)
      }
      const check = () => {
        for (; seen < this.events.length; seen++) {
          if (!fits(this.events[seen])) continue
          stop()
          return resolve(this.events[seen])
        }
        if (this.#outcome === null) return
        stop()
        reject(this.failure(`ended without the expected event (${wanted})`))
      }
      const limit = setTimeout(() => {
        stop()
        reject(this.failure(`no such event within ${limitSeconds} s (${wanted})`))
      }, limitSeconds * 1000)
      this.#waiting.add(check)
      check()
    })
  }

  /** Waits for the end and rejects unless it is a success. */
  async success(limitSeconds = 3600) {
    let limit
    const late = new Promise((_, reject) => {
      limit = setTimeout(() => reject(this.failure(`still running after ${limitSeconds} s`)), limitSeconds * 1000)
    })
    const { code } = await Promise.race([this.exit, late]).finally(() => clearTimeout(limit))
    if (code !== 0) throw this.failure('failed')
    return this
  }

  /** Ends the process the way Ctrl-C does, harder when it does not react within 15 seconds. */
  async interrupt() {
    if (this.#outcome !== null) return this.#outcome
    this.#sampleMemory()
    this.process.kill('SIGINT')
    const harder = setTimeout(() => this.process.kill('SIGKILL'), 15_000)
    return this.exit.finally(() => clearTimeout(harder))
  }

  /** kill -9. */
  async kill() {
    this.process.kill('SIGKILL')
    return this.exit
  }

  /** Bytes that the process has read by system calls so far, its own program files included. */
  bytesRead() {
    const text = readFileSync(`/proc/${this.process.pid}/io`, 'utf8')
    return Number(/^rchar: (\d+)$/m.exec(text)?.[1])
  }

  failure(what) {
    const { code, signal, error } = this.#outcome ?? {}
    const outcome = this.#outcome ? ` (exit ${code ?? signal ?? error?.message})` : ''
    const last = this.events.at(-1)
    const lastWords = last ? `\nlast event: ${JSON.stringify(last)}` : ''
    return new Error(`${this.#name}: ${what}${outcome}${lastWords}\n${this.#stderr.trim()}`)
  }

  #onLine(line) {
    let event
    try {
      event = JSON.parse(line)
    } catch {
      event = { type: 'text', text: line }
    }
    event.at = performance.now()
    this.events.push(event)
    for (const check of [...this.#waiting]) check()
  }

  #sampleMemory() {
    try {
      const text = readFileSync(`/proc/${this.process.pid}/status`, 'utf8')
      const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024
      this.peakRss = Math.max(this.peakRss, peak)
    } catch {
      // The process has just gone: the sample before counts.
    }
  }
}
