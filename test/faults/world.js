import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { launch } from '../bench/child.js'
import { DAT, loopbackEnv } from '../bench/dat.js'
import { compareTrees } from '../bench/trees.js'
import { bytesOf } from './random.js'

/** How long anything may take before it counts as hanging, in seconds: the machine may be busy. */
const LIMIT = 60
const SIZES = [0, 1, 4096, 65_537, 300_000, 1 << 20, (1 << 20) + 1, 2_500_000, 4_200_000]

/** A port of 127.0.0.1 that nobody has just now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A sharer and its clones, with everything that the files of the source ever held. */
export class World {
  /** By path: the hashes of all its versions. */
  #versions = new Map()
  #children = []
  #edits = 0

  constructor(random, room, port) {
    this.random = random
    this.room = room
    this.port = port
    this.source = join(room, 'source')
    this.copy = join(room, 'copy')
    this.home = join(room, 'home')
  }

  /** @param {number} files to begin with */
  static async open(random, room, files = random.between(4, 9)) {
    const world = new World(random, room, await freePort())
    await mkdir(world.source)
    for (let i = 0; i < files; i++) await world.write(world.#newName())
    return world
  }

  #newName() {
    const n = this.#edits++
    return this.random.chance(0.3) ? `folder ${n % 3}/file-${n}.bin` : `file-${n}.bin`
  }

  get paths() {
    return [...this.#versions.keys()]
  }

  /** A new version of a file of the source, put there at once as an editor does. */
  async write(path, size = this.random.pick(SIZES)) {
    const bytes = bytesOf(`${path} ${this.#edits++}`, size)
    const file = join(this.source, path)
    await mkdir(dirname(file), { recursive: true })
    // Elsewhere in the room: a share would take it for a file of its own.
    const draft = join(this.room, 'draft')
    await writeFile(draft, bytes)
    await rename(draft, file)
    this.#remember(path, bytes)
  }

  #remember(path, bytes) {
    const versions = this.#versions.get(path) ?? new Set()
    versions.add(hashOf(bytes))
    this.#versions.set(path, versions)
  }

  /** Adds, changes, moves and removes some files. */
  async edit() {
    const present = (await this.files(this.source)).map(({ path }) => path)
    for (let i = this.random.between(1, 3); i > 0; i--) await this.write(this.#newName())
    for (let i = this.random.between(0, 2); i > 0; i--) await this.write(this.random.pick(present))
    if (this.random.chance(0.5)) {
      const from = this.random.pick(present)
      const to = this.#newName()
      const bytes = await readFile(join(this.source, from))
      await mkdir(dirname(join(this.source, to)), { recursive: true })
      await rename(join(this.source, from), join(this.source, to))
      this.#remember(to, bytes)
    }
    const rest = (await this.files(this.source)).map(({ path }) => path)
    if (this.random.chance(0.4) && rest.length > 2) await rm(join(this.source, this.random.pick(rest)))
  }

  /** Starts dat. @param {string} home where a computer has what is its user's; all have the same unless it matters */
  dat(args, home = this.home) {
    const child = launch(process.execPath, [DAT, ...args, '--json'], { cwd: this.room, env: loopbackEnv(home) })
    this.#children.push(child)
    return child
  }

  /** Starts the share on its port. */
  async share(...more) {
    const share = this.dat(['share', this.source, '--listen', `127.0.0.1:${this.port}`, ...more])
    const { link } = await share.event('link', LIMIT)
    this.link = link
    return share
  }

  /** Lets a clone come to its end, and starts the share again with something new for it to pull. */
  async shareNews(...more) {
    const share = await this.share('--no-watch')
    await this.finishes(this.clone(), share)
    await share.kill()
    await this.edit()
    const again = await this.share(...more)
    await again.event('import.done', LIMIT)
    return again
  }

  clone(...more) {
    return this.dat(['clone', this.link, this.copy, ...more])
  }

  pull(...more) {
    return this.dat(['pull', this.copy, '--peer', `127.0.0.1:${this.port}`, ...more])
  }

  /** Waits for a clone or pull that must succeed, and then for the sharer to say the same. @returns its `done` */
  async finishes(child, share) {
    await child.success(LIMIT)
    const done = child.events.findLast(({ type }) => type === 'done')
    if (!done) throw child.failure('ended with 0, and without `done`')
    // A sharer that was started again may come too late to be told.
    const last = child.events.findLast(({ type }) => type === 'peer.connected' || type === 'peer.disconnected')
    if (share && last?.type === 'peer.connected' && last.at > share.startedAt) {
      await share
        .event(({ type, version }) => type === 'peer.complete' && version >= done.version, 10)
        .catch(() => {
          throw new Error(`the clone has version ${done.version} and ended with 0, and the sharer does not know it`)
        })
    }
    return done
  }

  /** The files under a folder, without the index. */
  async files(folder) {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
    const files = []
    for (const entry of entries) {
      const absolute = join(entry.parentPath, entry.name)
      const path = absolute.slice(folder.length + 1)
      if (entry.isFile() && !/^\.dat(\/|$)/.test(path)) files.push({ path, absolute })
    }
    return files
  }

  /** Every file of the copy that has its final name is some version of the file of that name, all of it. */
  async mustBeWhole(copy = this.copy) {
    for (const { path, absolute } of await this.files(copy)) {
      const hash = hashOf(await readFile(absolute))
      if (!this.#versions.get(path)?.has(hash)) throw new Error(`${path} of the copy is no version of the source`)
    }
  }

  /** The copy is the source, and nothing is left of the way there. */
  async mustBeSame(copy = this.copy) {
    const { differences } = await compareTrees(this.source, copy, { emptyFolders: false })
    if (differences.length > 0) throw new Error(`the copy differs: ${differences.slice(0, 3).join('; ')}`)
    const left = await readdir(join(copy, '.dat/partial')).catch(() => [])
    if (left.length > 0) throw new Error(`left behind in .dat/partial: ${left.slice(0, 3).join(', ')}`)
  }

  /** Ends everything that still runs. */
  async close() {
    await Promise.all(this.#children.map((child) => child.kill()))
  }
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex')
}

/**
 * Kills a child at a random moment: so long after its start, or at one of its events. It may be over by then.
 * @param {object} child
 * @param {Random} random
 * @param {string[]} types of events that are good moments
 * @param {number} most milliseconds after the start
 */
export async function killSometime(child, random, types, most) {
  if (random.chance(0.5)) {
    await delay(random.between(0, most), child.exit)
  } else {
    let left = random.between(1, 3)
    const type = random.pick(types)
    // One that does not come so often is as good a moment.
    await child.event((event) => event.type === type && --left === 0, (2 * most) / 1000).catch(() => {})
    if (random.chance(0.5)) await delay(random.between(0, 30), child.exit)
  }
  await child.kill()
}

async function delay(ms, ended) {
  let timer
  const over = new Promise((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([over, ended])
  clearTimeout(timer)
}

/**
 * Plays rounds of a scenario, each of a kind that chance picks and in a world of its own, which has to be the same on both
 * sides in the end.
 * @param {Record<string, (world: World) => Promise<void>>} kinds
 */
export async function playRounds(session, name, usual, kinds) {
  await session.rounds(name, usual, async (random, room) => {
    const kind = random.pick(Object.keys(kinds))
    const world = await World.open(random, room)
    try {
      await kinds[kind](world)
      await world.mustBeSame()
      return kind
    } catch (error) {
      throw new Error(`${kind}: ${error.message}`, { cause: error })
    } finally {
      await world.close()
    }
  })
}
