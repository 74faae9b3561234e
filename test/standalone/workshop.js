import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ReleaseKey } from './release-key.js'

/** What the tests of one run share: a signed build, folders, and the tally. */

/** The build cannot have what it needs: a program, a mirror, or a pinned package that a person has to move. */
export class Unavailable extends Error {}

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export class Workshop {
  key = new ReleaseKey()
  #processes = new Set()

  static async open(options, tally) {
    return new Workshop(options, tally, await mkdtemp(join(tmpdir(), 'dat-standalone-')))
  }

  constructor(options, tally, folder) {
    this.options = options
    this.tally = tally
    this.folder = folder
    this.release = join(folder, 'release')
    // However this process ends but kill -9.
    process.on('exit', () => {
      for (const child of this.#processes) child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    })
  }

  /** A fresh folder. */
  room(name = 'room') {
    return mkdtemp(join(this.folder, `${name}-`))
  }

  /** Builds targets into a folder, signed with the key of this run. */
  async build(targets, out = this.release) {
    await writeFile(join(this.folder, 'release.pub'), this.key.text)
    const args = ['bin/standalone/build.js', ...targets, '--out', out, '--public-key', join(this.folder, 'release.pub')]
    const { code, stdout, stderr } = await this.run(process.execPath, args, { cwd: ROOT })
    if (code === 3) throw new Unavailable(stderr)
    if (code !== 0) throw new Error(`the build failed: ${stderr || stdout}`)
    await writeFile(join(out, 'SHA256SUMS.minisig'), this.key.sign(await readFile(join(out, 'SHA256SUMS'))))
  }

  /** The file for a target. */
  async file(target) {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
    return join(this.release, `dat-${version}-${target}`)
  }

  /**
   * Runs a program to its end.
   * @returns {Promise<{ code: number, stdout: string, stderr: string, ms: number }>} 128 + 9 when it was too slow
   */
  run(program, args, { input = '', limit = 300_000, ...options } = {}) {
    return new Promise((resolve, reject) => {
      const started = performance.now()
      const child = this.start(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: limit, ...options })
      let [stdout, stderr] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text) => {
        stdout += text
      })
      child.stderr.setEncoding('utf8').on('data', (text) => {
        stderr += text
      })
      child.stdin.on('error', () => {}).end(input)
      child.on('error', reject)
      child.on('close', (code) => resolve({ code: code ?? 137, stdout, stderr, ms: performance.now() - started }))
    })
  }

  /** Starts a program, which ends with this run at the latest. */
  start(program, args, options) {
    const child = spawn(program, args, { killSignal: 'SIGKILL', ...options })
    this.#processes.add(child)
    child.on('close', () => this.#processes.delete(child))
    return child
  }

  /** A folder as somebody's home, and an environment in which nothing else is known. */
  async home(more = {}) {
    const home = await this.room('home')
    await mkdir(join(home, 'data'))
    await writeFile(join(home, 'data/hello.txt'), 'hello\n')
    const env = { HOME: home, PATH: '/usr/bin:/bin', DAT_LAN_INTERFACE: '127.0.0.1', DAT_BOOTSTRAP: 'none', ...more }
    return { home, env, dat: join(home, '.local/bin/dat') }
  }

  async close() {
    for (const child of this.#processes) child.kill('SIGKILL')
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Is this program there? */
export function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$1" >/dev/null', 'sh', program]).status === 0
}
