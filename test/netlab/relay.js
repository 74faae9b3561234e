import { BOOTSTRAP, RELAY } from './lab.js'
import { environment } from './pair.js'

const START_MS = 15_000
const LOOK_MS = 50

/** `dat relay` on the host that has port 443 for it. */
export class Relay {
  #session
  #options
  #process = null
  url = `ws://${RELAY.host}:${RELAY.port}`

  constructor(session, options) {
    this.#session = session
    this.#options = options
  }

  /**
   * @param {string[]} options of the command
   * @throws when it does not listen in time
   */
  static async start(session, options) {
    const relay = new Relay(session, options)
    await relay.start()
    return relay
  }

  async start() {
    const { lab, options, folder } = this.#session
    const command = ['relay', '--listen', RELAY.address, '--bootstrap', BOOTSTRAP, '--json', ...this.#options]
    const child = lab.launch('relay', process.execPath, [options.dat, ...command], {
      cwd: folder,
      env: environment(folder)
    })
    let ended = false
    child.exit.then(() => {
      ended = true
    })
    const limit = performance.now() + START_MS
    while (!(await lab.listens('relay', RELAY.port))) {
      if (!ended && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      else {
        await child.kill()
        const said = child.events.find(({ type }) => type === 'error')?.message ?? 'it does not listen'
        throw new Error(`no relay: ${said}`)
      }
    }
    this.#process = child
  }

  /** Highest resident memory so far, in bytes. */
  get peakRss() {
    return this.#process.peakRss
  }

  async stop() {
    await this.#process?.interrupt()
    this.#process = null
  }

  /** kill -9. */
  async kill() {
    await this.#process?.kill()
    this.#process = null
  }
}
