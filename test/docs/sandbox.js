import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DAT, loopbackEnv } from '../bench/dat.js'
import { makeSoil } from './sample.js'

/** Two computers for the commands of one document: two homes in a temporary folder, and nothing but 127.0.0.1. */

const WRAPPER = fileURLToPath(new URL('./dat.sh', import.meta.url))
const SCAN_BYTES = 1_000_000
const BLOCK_MS = 60_000
/** The computer that has the data. */
export const HERE = 'here'

/** Is this program there? */
export function has(program) {
  return spawnSync('sh', ['-c', 'command -v "$1" >/dev/null', 'sh', program]).status === 0
}

export class Sandbox {
  #folders = new Map()
  #onexit = () => this.#end()

  static async open() {
    const sandbox = new Sandbox(await mkdtemp(join(tmpdir(), 'dat-docs-')))
    await mkdir(sandbox.path('bin'))
    await mkdir(sandbox.path('state'))
    await writeFile(sandbox.path('bin/dat'), `#!/bin/sh\nexec bash '${WRAPPER}' "$@"\n`)
    await chmod(sandbox.path('bin/dat'), 0o755)
    return sandbox
  }

  constructor(folder) {
    this.folder = folder
    // However this process ends but kill -9.
    process.on('exit', this.#onexit)
  }

  path(...parts) {
    return join(this.folder, ...parts)
  }

  /**
   * Runs a block on a computer, in the folder in which the last one there ended.
   * @returns {Promise<{ code: number, output: string, line: number }>} `line` of the block at which it ended
   */
  async run(computer, text) {
    const home = this.path(computer)
    if (!this.#folders.has(computer)) await this.#furnish(computer, home)
    const ended = this.path('state/ended')
    const script = `trap 'echo "$LINENO" >'"'${ended}.line'" DEBUG; trap 'pwd >'"'${ended}'" EXIT\nset -eT\n`
    await writeFile(this.path('state/block.sh'), text)
    const env = {
      ...loopbackEnv(join(home, '.local/share/dat')),
      HOME: home,
      PATH: `${this.path('bin')}:${process.env.PATH}`,
      NO_COLOR: '1',
      DOCS_DAT: DAT,
      DOCS_NODE: process.execPath,
      DOCS_STATE: this.path('state')
    }
    const args = ['-c', `${script}. "$DOCS_STATE/block.sh"`]
    const result = await finish(
      spawn('bash', args, { cwd: this.#folders.get(computer), env, stdio: ['ignore', 'pipe', 'pipe'] })
    )
    this.#folders.set(computer, readFileSync(ended, 'utf8').trim())
    return { ...result, line: Number(readFileSync(`${ended}.line`, 'utf8')) }
  }

  async #furnish(computer, home) {
    await mkdir(home)
    this.#folders.set(computer, home)
    if (computer !== HERE) return
    await makeSoil(join(home, 'soil-2026'), SCAN_BYTES)
    await writeFile(join(home, 'recording.wav'), Buffer.alloc(SCAN_BYTES, 'wave'))
  }

  /** Ends what still runs. @returns what is wrong with how it ended, or null */
  async close() {
    const { code, output } = await finish(
      spawn('bash', [WRAPPER, '--end'], { env: { ...process.env, DOCS_STATE: this.path('state') } })
    )
    process.off('exit', this.#onexit)
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
    return code === 0 ? null : output
  }

  #end() {
    spawnSync('bash', [WRAPPER, '--end'], { env: { ...process.env, DOCS_STATE: this.path('state') } })
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function finish(child) {
  return new Promise((resolve, reject) => {
    let output = ''
    const late = setTimeout(() => child.kill('SIGKILL'), BLOCK_MS)
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(late)
      setImmediate(() => resolve({ code: code ?? 137, output }))
    })
  })
}
