import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What is started: `bin/dat.js` here, or with DAT_BIN another program, as the standalone build is one. */
const PROGRAM = process.env.DAT_BIN
  ? [resolve(process.env.DAT_BIN)]
  : [process.execPath, fileURLToPath(new URL('../../bin/dat.js', import.meta.url))]

/** One line of JSON as a script gets it. */
export type JsonEvent = { v: number; type: string; time: string } & Record<string, unknown>

export interface DatOptions {
  /** Working directory; the room's folder by default. */
  cwd?: string
  env?: Record<string, string>
  /** Without `--json`: `events` stays empty and `stdout` has the text. */
  text?: boolean
  /** The network namespace to run in, one without a way out; addresses are then not checked. */
  netns?: string
  /** The most addresses that it may use, in KiB (`ulimit -v`). */
  addressSpace?: number
}

const TIME_LIMIT = 30_000
const FORBIDDEN = [
  'DAT_RELAY',
  'DAT_BOOTSTRAP',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'FORCE_COLOR',
  'NODE_OPTIONS'
]

/** A running dat. */
export class Dat {
  readonly events: JsonEvent[] = []
  stdout = ''
  stderr = ''
  /** The exit code, or 128 + n for signal-like ends, once both streams are closed. */
  readonly exit: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess
  readonly #name: string
  readonly #netns: boolean
  readonly #watchers = new Set<() => void>()
  #rest = ''
  #ended: number | NodeJS.Signals | null = null

  constructor(
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv; text: boolean; netns?: string; addressSpace?: number }
  ) {
    this.#name = `dat ${args.join(' ')}`
    const argv = options.text ? args : [...args, '--json']
    this.#netns = options.netns !== undefined
    const inside = options.netns ? ['ip', 'netns', 'exec', options.netns] : []
    const within = options.addressSpace ? ['sh', '-c', `ulimit -v ${options.addressSpace} && exec "$@"`, 'sh'] : []
    const [program, ...before] = [...inside, ...within, ...PROGRAM]
    const child = spawn(program as string, [...before, ...argv], {
      cwd: options.cwd,
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#onstdout(text, options.text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#look()
    })
    this.exit = new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code, signal) => {
        this.#ended = code ?? signal ?? 0
        this.#look()
        resolve(this.#ended)
      })
    })
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Events of one type so far. */
  all(type: string): JsonEvent[] {
    return this.events.filter((event) => event.type === type)
  }

  /**
   * Waits for an event, past ones included. Fails when the process ends without it or after 30 s, and then shows
   * everything that happened.
   * @param after only events behind this index of `events`
   */
  waitFor(
    type: string,
    predicate: (event: JsonEvent) => boolean = () => true,
    after = 0,
    limit = TIME_LIMIT
  ): Promise<JsonEvent> {
    const find = () => this.events.slice(after).find((event) => event.type === type && predicate(event))
    return this.#until(find, `no such "${type}"`, limit)
  }

  /** Waits for a text on stderr, for tests of what people see. */
  async prints(text: string, limit = TIME_LIMIT): Promise<void> {
    await this.#until(() => this.stderr.includes(text), `did not print "${text}"`, limit)
  }

  /** Waits for the end, and fails with everything that happened when it is not the expected one. */
  async exits(expected: number, limit = TIME_LIMIT): Promise<this> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.#failure(`still running after ${limit / 1000} s`)), limit)
    })
    try {
      const code = await Promise.race([this.exit, late])
      if (code !== expected) throw this.#failure(`exit code ${code} instead of ${expected}`)
      return this
    } finally {
      clearTimeout(timer)
    }
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }

  /** Ends it as Ctrl-C does, and waits. */
  async stop(): Promise<void> {
    if (this.#ended === null) this.kill('SIGINT')
    await this.exit
  }

  /** The file descriptor of stdout goes away, as when `head` has read enough. */
  closeStdout(): void {
    this.#child.stdout?.destroy()
  }

  /** Looks again at every sign of life, until there is something to find. */
  #until<T>(find: () => T | undefined | false, complaint: string, limit: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        finish()
      }
      const look = () => {
        const found = find()
        if (found) settle(() => resolve(found))
        else if (this.#ended !== null) settle(() => reject(this.#failure(`${complaint}, ended with ${this.#ended}`)))
      }
      const timer = setTimeout(
        () => settle(() => reject(this.#failure(`${complaint} within ${limit / 1000} s`))),
        limit
      )
      this.#watchers.add(look)
      look()
    })
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }

  #onstdout(text: string, plain: boolean): void {
    this.stdout += text
    if (!plain) {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#receive(JSON.parse(line) as JsonEvent)
    }
    this.#look()
  }

  #receive(event: JsonEvent): void {
    this.events.push(event)
    if (
      this.#netns ||
      event.type !== 'peer.connected' ||
      /^(?:127\.|\[?::1\]?:|relay\.test:)/.test(String(event.address))
    )
      return
    this.kill('SIGKILL')
    throw this.#failure(`left this machine: connected to ${event.address}`)
  }

  #failure(what: string): Error {
    const events = this.events.map((event) => JSON.stringify(event)).slice(-60)
    return new Error(`${this.#name}: ${what}\n--- events\n${events.join('\n')}\n--- stderr\n${this.stderr}`)
  }
}

/** A temporary folder with a home of its own, in which dat reaches nothing but 127.0.0.1. */
export class Room {
  readonly dir: string
  readonly #running: Dat[] = []

  private constructor(dir: string) {
    this.dir = dir
  }

  static async open(): Promise<Room> {
    return new Room(await mkdtemp(join(tmpdir(), 'dat-e2e-')))
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts)
  }

  /** Starts dat with the given arguments. */
  dat(args: readonly string[], options: DatOptions = {}): Dat {
    const env: NodeJS.ProcessEnv = { ...process.env }
    for (const name of FORBIDDEN) {
      delete env[name]
      delete env[name.toLowerCase()]
    }
    Object.assign(env, {
      DAT_HOME: this.path('.home'),
      DAT_BOOTSTRAP: 'none',
      DAT_LAN_INTERFACE: '127.0.0.1',
      NO_COLOR: '1',
      ...options.env
    })
    const { cwd = this.dir, text = false, netns, addressSpace } = options
    const dat = new Dat(args, { cwd, env, text, netns, addressSpace })
    this.#running.push(dat)
    return dat
  }

  /** Shares a folder and waits for its link. */
  async share(dir: string, args: readonly string[] = []): Promise<{ share: Dat; link: string }> {
    const share = this.dat(['share', dir, ...args])
    const { link } = await share.waitFor('link')
    return { share, link: String(link) }
  }

  /** Ends everything that still runs, and removes the folder. */
  async close(): Promise<void> {
    for (const dat of this.#running) dat.kill('SIGKILL')
    await Promise.allSettled(this.#running.map((dat) => dat.exit))
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 })
  }
}
