import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { launch } from '../bench/child.js'

/** One lab, as netlab.sh builds it: its firewalls, its lines, and programs on its hosts. */

const SCRIPT = fileURLToPath(new URL('./netlab.sh', import.meta.url))
const NEEDED = ['ip', 'tc', 'nft', 'conntrack', 'ethtool', 'ss']
const VERB_SECONDS = 60
const run = promisify(execFile)

/** The lab's DHT. */
export const BOOTSTRAP = '5.5.0.1:49737'
/** Where the relay listens, and its name in the lab. */
export const RELAY = { address: '5.5.0.20:443', host: 'relay.lab', port: 443 }
const PREFIX = { open: '5.6', stateful: '5.6' }
const SITE = { a: 1, b: 2 }

/** Why there can be no lab on this machine, or null. */
export function whyNoLab() {
  if (process.platform !== 'linux') return 'network namespaces need Linux'
  if (process.getuid() !== 0) return 'network namespaces need root'
  const missing = NEEDED.filter((program) => !found(program))
  if (missing.length > 0)
    return `not installed: ${missing.join(', ')} (packages iproute2, nftables, conntrack, ethtool)`
  const probe = `dat-probe-${process.pid}`
  try {
    execFileSync('ip', ['netns', 'add', probe], { stdio: 'pipe' })
    execFileSync('ip', ['netns', 'exec', probe, 'nft', 'list', 'ruleset'], { stdio: 'pipe' })
    execFileSync('ip', ['link', 'add', 'v0', 'netns', probe, 'type', 'veth', 'peer', 'name', 'v1', 'netns', probe], {
      stdio: 'pipe'
    })
    return null
  } catch (error) {
    return `this machine makes no network namespaces: ${String(error.stderr ?? error.message).trim()}`
  } finally {
    spawnSync('ip', ['netns', 'del', probe])
  }
}

/** Why lines of this lab can have no delay, or null. */
export function whyNoDelay() {
  if (!found('gcc')) return 'not installed: gcc'
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
    return null
  } catch {
    return 'there is no /dev/net/tun'
  }
}

function found(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export class Lab {
  #name = `dat${process.pid}`
  #down = () => spawnSync(SCRIPT, ['down'], { env: this.#env, stdio: 'ignore' })
  #policies = { a: 'home', b: 'home' }

  /** Builds a lab with its services; removes those of runs that were killed. */
  static async open() {
    const lab = new Lab()
    // However this process ends but kill -9, and then the next run sweeps.
    process.on('exit', lab.#down)
    await lab.do('sweep')
    await lab.do('up', 'home', 'home')
    await lab.do('services')
    return lab
  }

  get #env() {
    return { ...process.env, NL: this.#name, OWNER: String(process.pid) }
  }

  /** Runs a verb of netlab.sh, and returns what it prints. */
  async do(...words) {
    try {
      const { stdout } = await run(SCRIPT, words.map(String), { env: this.#env, timeout: VERB_SECONDS * 1000 })
      return stdout.trim()
    } catch (error) {
      throw new Error(`netlab.sh ${words.join(' ')}: ${error.stderr?.trim() || error.message}`)
    }
  }

  async policy(site, name) {
    await this.do('policy', site, name)
    this.#policies[site] = name
  }

  /**
   * The way between the sites: round-trip time, and a narrow part in the line of site A, in both directions. What is
   * left out has no limit.
   * @param {{ rtt?: number, mbit?: number, permille?: number }} [line] milliseconds, Mbit/s, loss
   */
  async lines({ rtt = 0, mbit = 0, permille = 0 } = {}) {
    for (const site of ['a', 'b']) await this.do('delay', site, rtt / 4)
    await this.do('rate', 'a', mbit)
    await this.do('loss', 'a', permille)
  }

  /** The address of a host of a site: a1, a2, ap, b1, b2 or bp. */
  address(host) {
    const site = host[0]
    const prefix = PREFIX[this.#policies[site].split(':')[0]]
    const last = { 1: 11, 2: 12, p: 80 }[host[1]]
    return prefix ? `${prefix}.${SITE[site]}.${last}` : `10.${SITE[site]}.0.${last}`
  }

  /** What a user behind the policy `proxy` has set; `login` as `user:password`. */
  proxyEnv(site, login = '') {
    const url = `http://${login && `${login}@`}${this.address(`${site}p`)}:${login ? 3129 : 3128}`
    return { HTTPS_PROXY: url, HTTP_PROXY: url }
  }

  /** Starts a program on a host. The process is the program itself, so signals reach it. */
  launch(host, command, args, options) {
    return launch('ip', ['netns', 'exec', `${this.#name}-${host}`, command, ...args], options)
  }

  /** Bytes that a host has received and sent so far, as its network card counts them. */
  async wire(host) {
    const { stdout } = await run('ip', ['-n', `${this.#name}-${host}`, '-s', '-j', 'link', 'show', 'eth0'])
    const [{ stats64 }] = JSON.parse(stdout)
    return { received: stats64.rx.bytes, sent: stats64.tx.bytes }
  }

  /** UDP datagrams that programs on a host have been given so far. */
  async datagrams(host) {
    const { stdout } = await run('ip', ['netns', 'exec', `${this.#name}-${host}`, 'cat', '/proc/net/snmp'])
    const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Udp:'))
    return Number(values.split(' ')[names.split(' ').indexOf('InDatagrams')])
  }

  /** True when a program on the host listens on this TCP port. */
  async listens(host, port) {
    const { stdout } = await run('ip', ['netns', 'exec', `${this.#name}-${host}`, 'ss', '-Hltn', `sport = :${port}`])
    return stdout.trim() !== ''
  }

  async close() {
    process.off('exit', this.#down)
    await this.do('down')
  }
}
