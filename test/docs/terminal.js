import { execFile, spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A terminal of 80 columns on a host of the lab, with a shell in it: what a person would see there. */

const run = promisify(execFile)
const COLUMNS = 80
const ROWS = 70
const LOOK_MS = 150
const LIMIT_MS = 45_000
const PROMPT = '$'

export class Terminal {
  #socket
  #end = () => spawnSync('tmux', ['-S', this.#socket, 'kill-server'], { stdio: 'ignore' })

  /**
   * @param {import('../netlab/lab.js').Lab} lab
   * @param {string} host
   * @param {{ socket: string, home: string, mountPoint: string, env: Record<string, string> }} where `home` is seen by
   * its user at the mount point, so that no name of this machine is on the screen
   */
  static async open(lab, host, { socket, home, mountPoint, env }) {
    const terminal = new Terminal(socket)
    process.on('exit', terminal.#end)
    const set = Object.entries({ ...env, PS1: `${PROMPT} `, HOME: `${mountPoint}/lab`, LC_ALL: 'C.UTF-8' })
    const words = set.map(([name, value]) => `${name}=${value}`)
    const size = ['-x', `${COLUMNS}`, '-y', `${ROWS}`]
    const shell = ['bash', '--noprofile', '--norc', '-i']
    const script = `mount --bind "$1" "$2" && cd "$2/lab" && shift 2 && exec env -u DAT_LAN_INTERFACE "$@"`
    const tmux = ['tmux', '-S', socket, '-f', '/dev/null', 'new-session', '-d', ...size, ...shell]
    const child = lab.launch(host, 'sh', ['-c', script, 'sh', home, mountPoint, ...words, ...tmux])
    await child.success(20)
    await terminal.prompt()
    return terminal
  }

  constructor(socket) {
    this.#socket = socket
  }

  #tmux(...args) {
    return run('tmux', ['-S', this.#socket, ...args])
  }

  /** What stands there, without the empty lines at the end. */
  async screen() {
    const { stdout } = await this.#tmux('capture-pane', '-p')
    return stdout.trimEnd()
  }

  /** Types a command on an empty screen. */
  async type(text) {
    await this.prompt()
    await this.#tmux('send-keys', 'C-l')
    await this.until((screen) => screen === PROMPT, 'an empty screen')
    await this.#tmux('send-keys', '-l', text)
    // From here on the screen ends with a prompt only when the command has ended.
    const begin = `${PROMPT} ${text.slice(0, COLUMNS / 2)}`
    await this.until((screen) => screen.startsWith(begin), begin)
    await this.key('Enter')
  }

  key(name) {
    return this.#tmux('send-keys', name)
  }

  /** Types a command, waits until it has ended, and returns what stands there. */
  async command(text) {
    await this.type(text)
    return this.ended()
  }

  /** Waits until the command has ended, and returns what stands there. */
  async ended() {
    return (await this.prompt()).slice(0, -PROMPT.length).trimEnd()
  }

  /** Ctrl-C, and the end of the command. */
  async interrupt() {
    await this.key('C-c')
    await this.prompt()
  }

  /** Waits until the shell waits. */
  prompt() {
    return this.until((screen) => screen === PROMPT || screen.endsWith(`\n${PROMPT}`), 'a prompt')
  }

  /** @param {(screen: string) => boolean} fits @returns the screen that does */
  async until(fits, what) {
    const limit = performance.now() + LIMIT_MS
    for (;;) {
      const screen = await this.screen()
      if (fits(screen)) return screen
      if (performance.now() > limit) throw new Error(`no ${what} on the screen:\n${screen}`)
      await pause(LOOK_MS)
    }
  }

  /** Waits for a text. */
  shows(text) {
    return this.until((screen) => (typeof text === 'string' ? screen.includes(text) : text.test(screen)), `"${text}"`)
  }

  close() {
    process.off('exit', this.#end)
    this.#end()
  }
}
