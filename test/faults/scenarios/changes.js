import { createCipheriv, createHash } from 'node:crypto'
import {
  appendFile,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { launch } from '../../bench/child.js'
import { DAT, loopbackEnv } from '../../bench/dat.js'
import { compareTrees } from '../../bench/trees.js'

/** How long anything may take before it counts as hanging, in seconds: the machine may be busy. */
const LIMIT = 90
const NAMES = ['a.bin', 'b.bin', 'sub/c.bin', 'sub/d.bin', 'sub/deep/e.bin', 'f', 'g']
const SIZES = [0, 1, 900, 4096, 70_000, 1 << 20, (1 << 20) + 1, 3_100_000]
/** What is written at once into a file that is in its place: a page, so that nobody can see half of it. */
const PAGE = 4096
/** Failures that may be told of while files change. */
const MAY_END = new Set([0, 3])

/** Writes at random into a folder, and remembers every state that each of its files ever had. */
class Writer {
  /** By path: hashes. */
  #states = new Map()
  #edits = 0
  #stopped = false
  kinds = new Map()

  constructor(random, folder, drafts) {
    this.random = random
    this.folder = folder
    this.drafts = drafts
  }

  async begin() {
    for (const name of NAMES) await this.#replace(name)
  }

  /** Goes on until `stop`. */
  async run() {
    while (!this.#stopped) {
      const kind = this.random.pick(Object.keys(this.#changes))
      const name = this.random.pick(NAMES)
      // What became a folder or went away is begun anew by the next change that needs a file.
      if (await this.#changes[kind](name)) this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1)
      await pause(this.random.between(0, 60))
    }
  }

  stop() {
    this.#stopped = true
  }

  /** Whether a file is one of the states that its name ever had, all of it. */
  knows(path, bytes) {
    return this.#states.get(path)?.has(hashOf(bytes)) ?? false
  }

  #changes = {
    replace: (name) => this.#replace(name),
    'rewrite, of the same size': (name) => this.#rewrite(name, false),
    'rewrite, of the same size, and the time set back': (name) => this.#rewrite(name, true),
    grow: async (name) => {
      const before = await this.#read(name)
      if (!before) return false
      const more = this.#bytes(name, this.random.between(1, PAGE))
      this.#remember(name, Buffer.concat([before, more]))
      await appendFile(join(this.folder, name), more)
      return true
    },
    shrink: async (name) => {
      const before = await this.#read(name)
      if (!before) return false
      const length = this.random.between(0, before.length)
      this.#remember(name, before.subarray(0, length))
      await truncate(join(this.folder, name), length)
      return true
    },
    delete: async (name) => {
      await rm(join(this.folder, name), { recursive: true, force: true })
      return true
    },
    'into a folder': async (name) => {
      await rm(join(this.folder, name), { recursive: true, force: true })
      await this.#replace(`${name}/inside`)
      return true
    },
    'into a link': async (name) => {
      await rm(join(this.folder, name), { recursive: true, force: true })
      await mkdir(join(this.folder, name, '..'), { recursive: true })
      await symlink('elsewhere', join(this.folder, name))
      return true
    },
    move: async (name) => {
      const bytes = await this.#read(name)
      const to = this.random.pick(NAMES)
      if (!bytes || to === name) return false
      this.#remember(to, bytes)
      await this.#makeWay(to)
      await rename(join(this.folder, name), join(this.folder, to))
      return true
    }
  }

  async #replace(name) {
    const bytes = this.#bytes(name, this.random.pick(SIZES))
    this.#remember(name, bytes)
    const draft = join(this.drafts, 'draft')
    await writeFile(draft, bytes)
    await this.#makeWay(name)
    await rename(draft, join(this.folder, name))
    return true
  }

  async #rewrite(name, setBack) {
    const before = await this.#read(name)
    if (!before || before.length === 0) return false
    const file = join(this.folder, name)
    const { atime, mtime } = await lstat(file)
    const page = this.random.between(0, Math.floor((before.length - 1) / PAGE)) * PAGE
    const after = Buffer.from(before)
    this.#bytes(name, Math.min(PAGE, before.length - page)).copy(after, page)
    this.#remember(name, after)
    const handle = await open(file, 'r+')
    await handle.write(after, page, Math.min(PAGE, before.length - page), page)
    await handle.close()
    if (setBack) await utimes(file, atime, mtime)
    return true
  }

  /** The bytes of a file; null if there is none by this name now. */
  async #read(name) {
    const file = join(this.folder, name)
    const stats = await lstat(file).catch(() => null)
    return stats?.isFile() ? readFile(file) : null
  }

  /** Folders above a name, and nothing that is not a file in its place. */
  async #makeWay(name) {
    const parts = name.split('/')
    for (let i = 1; i < parts.length; i++) {
      const folder = join(this.folder, ...parts.slice(0, i))
      const stats = await lstat(folder).catch(() => null)
      if (stats && !stats.isDirectory()) await rm(folder)
      await mkdir(folder, { recursive: true })
    }
    const stats = await lstat(join(this.folder, name)).catch(() => null)
    if (stats?.isDirectory()) await rm(join(this.folder, name), { recursive: true })
  }

  /** Bytes that no other state of any file has. */
  #bytes(name, length) {
    const key = createHash('sha256')
      .update(`${name} ${this.#edits++}`)
      .digest()
    return createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16)).update(Buffer.alloc(length))
  }

  #remember(name, bytes) {
    const states = this.#states.get(name) ?? new Set()
    states.add(hashOf(bytes))
    this.#states.set(name, states)
  }
}

const hashOf = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** Every file of the copy that has its final name is one state of the source, all of it. */
async function mustBeWhole(copy, writer) {
  const entries = await readdir(copy, { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name)
    const path = file.slice(copy.length + 1)
    if (!entry.isFile() || path.startsWith('.dat/')) continue
    // It may be replaced or removed at any moment: then the next look finds it.
    const bytes = await readFile(file).catch(() => null)
    if (bytes && !writer.knows(path, bytes)) throw new Error(`${path} of the copy is no state of the source`)
  }
}

async function play(random, room) {
  const source = join(room, 'source')
  const copy = join(room, 'copy')
  await mkdir(source)
  const dat = (...args) =>
    launch(process.execPath, [DAT, ...args, '--json'], { cwd: room, env: loopbackEnv(join(room, 'home')) })
  const writer = new Writer(random, source, room)
  await writer.begin()
  // It writes from before the first index on, so that files change while they are read for the first time, too.
  const writing = writer.run()
  writing.catch(() => {})
  const share = dat('share', source, '--listen', '127.0.0.1:0')
  const children = [share]
  try {
    const { link } = await share.event('link', LIMIT)
    const address = link.slice(link.indexOf('@') + 1)
    const update = () => dat('pull', copy, '--peer', address)
    for (let i = 0; i < 4; i++) {
      const child = i === 0 ? dat('clone', link, copy) : update()
      children.push(child)
      let running = true
      const watched = (async () => {
        while (running) {
          await mustBeWhole(copy, writer)
          await pause(20)
        }
      })()
      watched.catch(() => {})
      const ended = await Promise.race([child.exit, pause(LIMIT * 1000, null, { ref: false })])
      running = false
      await watched
      if (!ended) throw child.failure(`did not end within ${LIMIT} s`)
      if (!MAY_END.has(ended.code)) throw child.failure('failed')
      await mustBeWhole(copy, writer)
    }
    writer.stop()
    await writing
    await mustBecomeSame(source, copy, async () => {
      const last = update()
      children.push(last)
      await last.exit
      return last
    })
    return [...writer.kinds.values()].reduce((sum, count) => sum + count, 0)
  } finally {
    writer.stop()
    await Promise.all(children.map((child) => child.kill()))
  }
}

/** The share notices the last changes within seconds; the pull after that brings them. */
async function mustBecomeSame(source, copy, pull) {
  const end = performance.now() + LIMIT * 1000
  let last
  let found
  do {
    last = await pull()
    found = (await compareTrees(source, copy, {})).differences
    if (found.length === 0 && last.events.some(({ type }) => type === 'done')) return
  } while (performance.now() < end)
  throw last.failure(`the copy is not the source: ${found.slice(0, 3).join('; ') || 'but the pull failed'}`)
}

/** A source that changes while it is indexed and while it is sent: nothing is ever torn, and all of it comes. */
export async function changes(session) {
  await session.rounds('changes', 4, async (random, room) => `${await play(random, room)} changes`)
}
