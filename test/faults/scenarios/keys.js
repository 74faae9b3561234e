import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { killSometime, playRounds } from '../world.js'

/** From the start of a command to its end, in milliseconds, of which most is the passphrase: moments are within it. */
const COMMAND_MS = 4000
const LIMIT = 60
const NEW_BYTES = 12_345

/** Three computers with the same share, each with a home of its own: a made it, b and c have clones. */
class Trio {
  #exports = 0

  static async open(world) {
    const trio = new Trio(world)
    await writeFile(join(world.room, 'pass'), 'six frogs in a bottle\n')
    const share = await trio.share('a')
    await share.event('import.done', LIMIT)
    trio.link = world.link
    for (const name of ['b', 'c']) await trio.dat(name, 'clone', world.link, trio.dirs[name]).success(LIMIT)
    await share.interrupt()
    trio.log = await trio.#log('a')
    return trio
  }

  constructor(world) {
    this.world = world
    this.dirs = { a: world.source, b: world.copy, c: join(world.room, 'third') }
  }

  dat(name, ...args) {
    return this.world.dat(args, join(this.world.room, `home-${name}`))
  }

  async share(name) {
    const share = this.dat(name, 'share', this.dirs[name], '--listen', `127.0.0.1:${this.world.port}`)
    const { link } = await share.event('link', LIMIT)
    this.world.link ??= link
    return share
  }

  /** To another file each time: one that is there is not overwritten. */
  export() {
    return this.dat('a', 'keys', 'export', this.dirs.a, '--out', `keys-${++this.#exports}`, '--passphrase-file', 'pass')
  }

  cancel() {
    return this.dat('a', 'keys', 'export', this.dirs.a, '--cancel', '--yes', '--timeout', '2')
  }

  import(file, ...more) {
    const args = ['--passphrase-file', 'pass', '--timeout', '2', ...more]
    return this.dat('b', 'keys', 'import', file, this.dirs.b, ...args)
  }

  async keys(name) {
    const look = this.dat(name, 'keys', this.dirs[name])
    await look.success(LIMIT)
    return look.events.find(({ type }) => type === 'keys')
  }

  /** The file of keys of an export that is done; without kills. */
  async exported() {
    await this.export().success(LIMIT)
    return `keys-${this.#exports}`
  }

  async #log(name) {
    const log = this.dat(name, 'log', this.dirs[name])
    await log.success(LIMIT)
    return log.events.filter(({ type }) => type === 'change').map(({ op, path, bytes }) => `${op} ${path} ${bytes}`)
  }

  /** One owner, the same link for all, and a history that goes on where it was. */
  async mustGoOnAt(owner) {
    const { world, dirs } = this
    for (const name of Object.keys(dirs)) {
      const { role } = await this.keys(name)
      if ((role === 'owner') !== (name === owner))
        throw new Error(`${owner} should be the owner, and ${name} is ${role}`)
    }
    await writeFile(join(dirs[owner], 'from the owner.bin'), Buffer.alloc(NEW_BYTES, owner))
    const share = await this.share(owner)
    const { link } = await share.event('link', LIMIT)
    if (link !== this.link) throw new Error('the share has another link')
    await share.event('import.done', LIMIT)
    for (const name of Object.keys(dirs).filter((other) => other !== owner)) {
      const pull = this.dat(name, 'pull', dirs[name], '--peer', `127.0.0.1:${world.port}`)
      const done = await world.finishes(pull, share)
      if (done.downloadedBytes > NEW_BYTES) throw new Error(`${name} fetched ${done.downloadedBytes} bytes again`)
      await world.mustBeSame(dirs[name])
    }
    const log = await this.#log(owner)
    const lost = this.log.findIndex((line, i) => line !== log[i])
    if (lost >= 0) throw new Error(`the log has lost “${this.log[lost]}”`)
  }
}

/** What is under way when the kill comes. Each leaves a world in which everything is as it should be, or throws. */
const ROUNDS = {
  async export(world) {
    const trio = await Trio.open(world)
    for (let i = world.random.between(1, 3); i > 0; i--) {
      await killSometime(trio.export(), world.random, ['keys.exported'], COMMAND_MS)
      if ((await trio.keys('a')).role !== 'owner') break
    }
    let { role, exported } = await trio.keys('a')
    if (role === 'owner') {
      await trio.export().success(LIMIT)
      ;({ exported, role } = await trio.keys('a'))
    }
    await trio.import(exported.file).success(LIMIT)
    await trio.mustGoOnAt('b')
  },

  import: (world) => killedImport(world),

  async 'import of copied files'(world) {
    await killedImport(world, async (trio) => {
      await rm(trio.dirs.b, { recursive: true })
      await cp(trio.dirs.a, trio.dirs.b, {
        recursive: true,
        preserveTimestamps: true,
        filter: (from) => from !== join(trio.dirs.a, '.dat')
      })
      return ['--copied']
    })
  },

  async 'export --cancel'(world) {
    const trio = await Trio.open(world)
    await trio.exported()
    for (let i = world.random.between(1, 3); i > 0; i--) {
      await killSometime(trio.cancel(), world.random, ['keys.imported'], COMMAND_MS)
      if ((await trio.keys('a')).role === 'owner') break
    }
    if ((await trio.keys('a')).role !== 'owner') await trio.cancel().success(LIMIT)
    await trio.mustGoOnAt('a')
  }
}

/** @param prepare returns options */
async function killedImport(world, prepare = async () => []) {
  const { random } = world
  const trio = await Trio.open(world)
  const file = await trio.exported()
  const options = await prepare(trio)
  const former = random.chance(0.5) ? await trio.share('a') : null
  const role = () =>
    trio.keys('b').then(
      (keys) => keys.role,
      // A folder with files and without an index is no clone yet.
      () => 'none'
    )
  for (let i = random.between(1, 3); i > 0; i--) {
    await killSometime(trio.import(file, ...options), random, ['peer.connected', 'done', 'keys.imported'], COMMAND_MS)
    if ((await role()) === 'owner') break
  }
  if ((await role()) !== 'owner') await trio.import(file, ...options).success(LIMIT)
  await former?.interrupt()
  // Copied files become a share when they are shared for the first time.
  if (options.length > 0) {
    const first = await trio.share('b')
    await first.event('import.done', LIMIT)
    await first.interrupt()
    trio.log = []
  }
  await trio.mustGoOnAt('b')
}

/** kill -9 while a share moves to another computer: there is one owner, and nothing is lost. */
export function keys(session) {
  return playRounds(session, 'keys', 8, ROUNDS)
}
