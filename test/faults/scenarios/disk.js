import { execFileSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { launch } from '../../bench/child.js'
import { DAT, loopbackEnv } from '../../bench/dat.js'
import { compareTrees } from '../../bench/trees.js'

const SHIM = fileURLToPath(new URL('../disk.c', import.meta.url))
const LIMIT = 90
const { errno } = constants
const MIB = 1 << 20

/** A small share, its programs, and a library that spoils what they do with the disk. */
class Disk {
  #children = []

  constructor(random, room, shim) {
    this.random = random
    this.room = room
    this.shim = shim
    this.source = join(room, 'source')
    this.copy = join(room, 'copy')
  }

  async fill(count = 60, large = 6 * MIB) {
    await mkdir(join(this.source, 'sub'), { recursive: true })
    for (let i = 0; i < count; i++) await this.write(`sub/${i}`, this.random.between(0, 40_000))
    await this.write('large.bin', large)
  }

  write(name, bytes) {
    return writeFile(join(this.source, name), Buffer.alloc(bytes, `${name} ${this.random.next()}`))
  }

  /** @param {Record<string, string | number>} fault see disk.c */
  dat(args, fault = {}, before = []) {
    const env = { ...loopbackEnv(join(this.room, 'home')), LD_PRELOAD: this.shim }
    for (const [name, value] of Object.entries(fault)) env[name] = String(value)
    const [program, ...rest] = [...before, process.execPath, DAT, ...args, '--json']
    const child = launch(program, rest, { cwd: this.room, env })
    this.#children.push(child)
    return child
  }

  async share(fault, before) {
    const share = this.dat(['share', this.source, '--listen', '127.0.0.1:0'], fault, before)
    this.link = (await share.event('link', LIMIT)).link
    await share.event('import.done', LIMIT)
    return share
  }

  clone(fault, before) {
    return this.dat(['clone', this.link, this.copy], fault, before)
  }

  async mustEnd(child, code, error) {
    const end = await Promise.race([child.exit, new Promise((resolve) => setTimeout(resolve, LIMIT * 1000).unref())])
    const last = child.events.findLast(({ type }) => type === 'error')
    if (end?.code !== code || last?.code !== error) throw child.failure(`did not end with ${code} ${error}`)
  }

  async mustBeSame() {
    const { differences } = await compareTrees(this.source, this.copy, {})
    if (differences.length > 0) throw new Error(`the copy differs: ${differences.slice(0, 3).join('; ')}`)
    const left = await readdir(join(this.copy, '.dat/partial')).catch(() => [])
    if (left.length > 0) throw new Error(`left behind in .dat/partial: ${left.slice(0, 3).join(', ')}`)
  }

  close() {
    return Promise.all(this.#children.map((child) => child.kill()))
  }
}

const CASES = {
  /** The quota ends in the middle; with room again it goes on. */
  async 'a quota that is used up in the clone'(disk) {
    await disk.share()
    const fault = { FAULT_WRITE: errno.EDQUOT, FAULT_BELOW: disk.copy, FAULT_AFTER: 3 * MIB }
    await disk.mustEnd(disk.clone(fault), 16, 'DISK_FULL')
    await disk.clone().success(LIMIT)
  },

  async 'a quota that is used up in the index of the share'(disk) {
    const fault = { FAULT_WRITE: errno.EDQUOT, FAULT_BELOW: join(disk.source, '.dat'), FAULT_AFTER: 20_000 }
    const share = disk.dat(['share', disk.source, '--listen', '127.0.0.1:0'], fault)
    await disk.mustEnd(share, 16, 'DISK_FULL')
    await disk.share()
    await disk.clone().success(LIMIT)
  },

  async 'a bad sector in the source'(disk) {
    const fault = { FAULT_READ: errno.EIO, FAULT_FILE: join(disk.source, 'sub/7') }
    const share = await disk.share(fault)
    const failed = share.events.filter(({ type }) => type === 'file.failed')
    if (failed.length !== 1 || failed[0].path !== 'sub/7') throw share.failure('did not name the file')
    await disk.clone().success(LIMIT)
    await share.interrupt()
    await disk.share()
    await disk.dat(['pull', disk.copy, '--peer', disk.link.split('@')[1]]).success(LIMIT)
  },

  async 'a file system without locks'(disk) {
    const fault = { FAULT_LOCK: errno.ENOLCK }
    const share = disk.dat(['share', disk.source, '--listen', '127.0.0.1:0'], fault)
    const end = await Promise.race([share.event('link', LIMIT).catch(() => null), share.exit])
    if (end?.type === 'link') {
      disk.link = end.link
      await disk.clone(fault).success(LIMIT)
      return
    }
    const error = share.events.findLast(({ type }) => type === 'error')
    if (!/lock/.test(error?.message ?? '') || !/--store/.test(error?.hint ?? '')) {
      throw share.failure('neither works nor says what to do')
    }
    await disk.share()
    await disk.clone().success(LIMIT)
  },

  async 'a slow disk on both sides'(disk) {
    await disk.share({ FAULT_DELAY: 5, FAULT_BELOW: disk.source })
    await disk.clone({ FAULT_DELAY: 5, FAULT_BELOW: disk.copy }).success(LIMIT)
  },

  async 'only 64 open files'(disk) {
    const few = ['prlimit', '--nofile=64:64']
    await disk.share({}, few)
    await disk.clone({}, few).success(LIMIT)
  },

  async 'a clock that is set back by a day in between'(disk) {
    const first = await disk.share()
    await disk.clone().success(LIMIT)
    await first.interrupt()
    const back = { FAULT_CLOCK: -86_400 }
    const again = await disk.share(back)
    const { added, changed, removed } = again.events.findLast(({ type }) => type === 'import.done')
    if (added + changed + removed > 0) throw again.failure('took files for changed')
    const pull = () => disk.dat(['pull', disk.copy, '--peer', disk.link.split('@')[1]], back)
    const same = await pull().success(LIMIT)
    if (same.events.findLast(({ type }) => type === 'done').downloadedBytes > 0) throw same.failure('fetched again')
    const known = again.events.length
    await disk.write('new.bin', 5000)
    await again.event((event) => again.events.indexOf(event) >= known && event.type === 'import.done', LIMIT)
    await pull().success(LIMIT)
  }
}

/** What disks, quotas, limits and clocks do: it works, or ends with a message, and goes on when that is over. */
export async function disk(session) {
  const shim = join(await session.room(), 'disk.so')
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', shim, SHIM, '-ldl'], { stdio: 'pipe' })
  } catch (error) {
    return session.tally.skip('disk', `the library that spoils disks cannot be built: ${error.message.split('\n')[0]}`)
  }
  const names = Object.keys(CASES)
  let next = 0
  await session.rounds('disk', names.length, async (random, room) => {
    const name = names[next++ % names.length]
    const disk = new Disk(random, room, shim)
    try {
      await disk.fill()
      await CASES[name](disk)
      await disk.mustBeSame()
      return name
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error })
    } finally {
      await disk.close()
    }
  })
}
