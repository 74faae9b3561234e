import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import type { ReplicationPeer } from 'hypercore'
import crypto from 'hypercore-crypto'
import CorestoreStorage, { type HypercoreStorage } from 'hypercore-storage'
import { describe, expect, it, vi } from 'vitest'
import { type BlockPlace, InPlaceStorage } from '../../src/storage/core-storage.js'
import { HashedBlock, hashedBlocks } from '../../src/storage/hashed-block.js'
import { leafHash } from '../../src/storage/leaf-hash.js'
import { defer } from '../helpers/cleanup.js'
import { temporaryFolder } from '../helpers/core.js'

/**
 * What src/storage/core-storage.ts, src/storage/hashed-block.ts and src/core/replication.ts take for granted of
 * hypercore and hypercore-storage. It is none of it promised by those packages: when this file fails after an update,
 * read their changes before touching the versions in package.json.
 */

const require = createRequire(import.meta.url)
const DATA = [Buffer.from('first'), Buffer.from('second block'), Buffer.from('3'), Buffer.from('and a fourth one')]

/** Blocks in memory, where dat has them in files. */
class Place implements BlockPlace {
  readonly blocks = new Map<number, Buffer | null>()
  readonly written: number[] = []
  readonly committedBlocks: number[] = []
  reads = 0
  /** What writing waits for. */
  gate: Promise<void> = Promise.resolve()

  async readBlock(index: number): Promise<Buffer | null | undefined> {
    this.reads++
    // Never answers in the same turn, as a disk does not: the reader has been flushed by then.
    await new Promise((resolve) => setImmediate(resolve))
    return this.blocks.get(index)
  }

  writeBlock(index: number, data: Buffer): Promise<void> | false {
    this.written.push(index)
    const written = this.gate.then(() => {
      this.blocks.set(index, Buffer.from(data))
    })
    written.catch(() => {})
    return written
  }

  committed(indexes: readonly number[]): void {
    this.committedBlocks.push(...indexes)
  }
}

interface Opened {
  store: Corestore
  core: Hypercore
  place: Place
}

/** What the types of the project leave out, since only this file asks for it. */
interface Deep {
  treeHash(): Promise<Buffer>
  truncate(length: number): Promise<void>
  core: { header: { tree: { signature: Buffer } }; state: { storage: HypercoreStorage } }
}

async function open(options: { key?: Buffer; keyPair?: unknown; name?: string }): Promise<Opened> {
  const storage = new InPlaceStorage(await temporaryFolder())
  const store = new Corestore(storage)
  defer(() => store.close())
  const core = store.get(options as { name: string })
  await core.ready()
  const place = new Place()
  storage.setContent(core.discoveryKey, place)
  return { store, core, place }
}

/** An owner whose blocks are in its place, as an import leaves them. */
async function openOwner(): Promise<Opened> {
  const owner = await open({ name: 'content' })
  const session = owner.core.session(hashedBlocks)
  await session.append(DATA.map((data) => new HashedBlock(data.length, leafHash(data))))
  for (const [i, data] of DATA.entries()) owner.place.blocks.set(i, data)
  await session.close()
  return owner
}

function replicate(a: Opened, b: Opened): void {
  const left = a.store.replicate(true) as unknown as NodeJS.ReadWriteStream & { destroy(): void }
  const right = b.store.replicate(false) as unknown as NodeJS.ReadWriteStream & { destroy(): void }
  left.on('error', () => {})
  right.on('error', () => {})
  left.pipe(right).pipe(left)
  defer(() => {
    left.destroy()
    right.destroy()
  })
}

async function openReader(owner: Opened): Promise<Opened & { peer: ReplicationPeer }> {
  const reader = await open({ key: owner.core.key })
  replicate(owner, reader)
  if (reader.core.peers.length === 0) await new Promise((resolve) => reader.core.once('peer-add', resolve))
  await reader.core.update({ wait: true })
  return { ...reader, peer: reader.core.core.replicator.peers[0] as ReplicationPeer }
}

/** Resolves once a condition holds that no event tells of. */
const until = (holds: () => boolean) => vi.waitFor(() => expect(holds()).toBe(true), { timeout: 10_000, interval: 5 })

async function ask(storage: HypercoreStorage, index: number) {
  const reader = storage.read()
  const block = reader.getBlock(index)
  const node = reader.getTreeNode(2 * index)
  reader.tryFlush()
  return { block: await block, node: await node }
}

describe('the packages', () => {
  const pinned: Record<string, string> = {
    hypercore: '11.37.1',
    'hypercore-storage': '3.3.1',
    'hypercore-crypto': '3.7.0',
    corestore: '7.12.5',
    hyperdrive: '13.3.4',
    'rocksdb-native': '3.18.1'
  }
  it.each(Object.entries(pinned))('%s is %s, exactly, in package.json and in the lock file', (name, version) => {
    const root = join(import.meta.dirname, '../..')
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    expect(dependencies[name]).toBe(version)
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
    const found = Object.entries<{ version: string }>(lock.packages).filter(([path]) =>
      path.endsWith(`node_modules/${name}`)
    )
    // One only: a second copy would be neither decorated nor hooked.
    expect(found.map(([path, entry]) => `${path}@${entry.version}`)).toEqual([`node_modules/${name}@${version}`])
    const installed = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
    expect(installed.version).toBe(version)
  })

  it('whoever needs hypercore-crypto or hypercore-storage gets the one that is hooked', () => {
    const from = (name: string) => createRequire(require.resolve(name))
    for (const name of ['hypercore', 'corestore', 'hyperdrive', 'hyperdht']) {
      expect(from(name).resolve('hypercore-crypto')).toBe(require.resolve('hypercore-crypto'))
    }
    expect(from('hyperdrive').resolve('hypercore')).toBe(require.resolve('hypercore'))
    expect(from('corestore').resolve('hypercore')).toBe(require.resolve('hypercore'))
    for (const name of ['hypercore', 'corestore']) {
      expect(from(name).resolve('hypercore-storage')).toBe(require.resolve('hypercore-storage'))
    }
    expect(Object.getPrototypeOf(InPlaceStorage)).toBe(CorestoreStorage)
  })

  it('hypercore-storage makes storages in no more places than are decorated', () => {
    const source = readFileSync(require.resolve('hypercore-storage'), 'utf8')
    const makers: string[] = []
    let method = ''
    for (const [text, name] of source.matchAll(/^ {2}(?:async )?(\w+)\((?:.*\{)?$|new HypercoreStorage\(/gm)) {
      if (name) method = name
      else if (text.startsWith('new')) makers.push(method)
    }
    // The last two are by resumeCore and createCore of CorestoreStorage; createAtomicSession asks atomize.
    expect(makers).toEqual(['snapshot', 'atomize', 'resumeSession', 'createSession', '_resumeFromPointers', '_create'])
  })
})

describe('reading', () => {
  it('asks the place for each block, and RocksDB for what the place does not know', async () => {
    const { core, place } = await open({ name: 'content' })
    const rocks = await open({ name: 'plain' })
    await rocks.core.append(DATA)
    // Without an own place for appended data it goes to RocksDB: this is what `undefined` finds.
    expect(await rocks.core.get(1)).toEqual(DATA[1])
    rocks.place.blocks.set(1, Buffer.from('from the file'))
    expect(await rocks.core.get(1)).toEqual(Buffer.from('from the file'))
    expect(await rocks.core.get(2)).toEqual(DATA[2])
    expect(rocks.place.reads).toBe(3)
    expect([core.length, place.reads]).toEqual([0, 0])
  })

  it('asks for the tree and for the block in one go', async () => {
    const owner = await openOwner()
    const { block, node } = await ask(owner.core.core.storage, 2)
    expect(block).toEqual(DATA[2])
    expect(node?.hash).toEqual(leafHash(DATA[2] as Buffer))
    expect(node?.size).toBe(1)
  })

  it('leaves the drive’s own core alone', async () => {
    const { store, place } = await open({ name: 'content' })
    const other = store.get({ name: 'db' })
    await other.append(DATA)
    expect(await other.get(0)).toEqual(DATA[0])
    expect(place.reads).toBe(0)
    expect(place.written).toEqual([])
  })

  it('a block that is null is "not available" to the peer: no wrong data, no lasting harm', async () => {
    const owner = await openOwner()
    owner.place.blocks.set(1, null)
    const reader = await openReader(owner)
    expect(await reader.core.get(0)).toEqual(DATA[0])
    let got: Buffer | null = null
    const pending = reader.core.get(1).then((data) => {
      got = data
    })
    await until(() => reader.peer.stats.notAvailableBackoffs > 0 && reader.peer.paused)
    expect(got).toBeNull()
    expect(reader.peer.stats.invalidData).toBe(0)
    expect(reader.core.core.bitfield.get(1)).toBe(false)

    // And so does src/core/replication.ts bring the peer back.
    owner.place.blocks.set(1, DATA[1] as Buffer)
    reader.peer.stats.notAvailableBackoffs = 0
    reader.peer.paused = false
    reader.core.core.replicator.updateAll()
    await pending
    expect(got).toEqual(DATA[1])
  })

  it('a block that was cleared is withdrawn from peers', async () => {
    const owner = await openOwner()
    const reader = await openReader(owner)
    await reader.core.get(0)
    const peer = reader.peer as ReplicationPeer & { remoteBitfield: { get(index: number): boolean } }
    await until(() => peer.remoteContiguousLength === DATA.length)
    await owner.core.clear(2, 3)
    expect(await owner.core.has(2)).toBe(false)
    await until(() => peer.remoteContiguousLength === 2)
  })
})

describe('writing', () => {
  it('commits tree and bitfield only once the file has the block', async () => {
    const owner = await openOwner()
    const reader = await openReader(owner)
    let release = (): void => {}
    reader.place.gate = new Promise((resolve) => {
      release = resolve
    })
    let downloaded = false
    reader.core.on('download', () => {
      downloaded = true
    })
    const pending = reader.core.get(1)
    await until(() => reader.place.written.includes(1))
    // The owner answers another question meanwhile, so what a commit would take has long passed.
    for (let i = 0; i < 10; i++) await ask(owner.core.core.storage, 0)
    expect(downloaded).toBe(false)
    expect(reader.core.core.bitfield.get(1)).toBe(false)
    expect((await ask(reader.core.core.storage, 1)).node).toBeNull()
    expect(reader.place.committedBlocks).toEqual([])

    release()
    expect(await pending).toEqual(DATA[1])
    expect(reader.core.core.bitfield.get(1)).toBe(true)
    expect((await ask(reader.core.core.storage, 1)).node?.hash).toEqual(leafHash(DATA[1] as Buffer))
    expect(reader.place.committedBlocks).toEqual([1])
    // And the block itself is in the place only.
    reader.place.blocks.delete(1)
    expect((await ask(reader.core.core.storage, 1)).block).toBeNull()
  })

  it('a block that cannot be written pauses the peer, does not blame it, and can be got later', async () => {
    const owner = await openOwner()
    const reader = await openReader(owner)
    reader.place.gate = Promise.reject(Object.assign(new Error('no space left'), { code: 'ENOSPC' }))
    reader.place.gate.catch(() => {})
    const pending = reader.core.get(3)
    await until(() => reader.peer.paused)
    expect(reader.peer.stats.invalidData).toBe(0)
    expect(reader.core.core.bitfield.get(3)).toBe(false)
    expect((await ask(reader.core.core.storage, 3)).node).toBeNull()
    expect(reader.place.committedBlocks).toEqual([])

    reader.place.gate = Promise.resolve()
    // The request that failed stays in flight at hypercore: a new stream asks again, as a new run of dat does.
    pending.catch(() => {})
    const again = await open({ key: owner.core.key })
    replicate(owner, again)
    expect(await again.core.get(3)).toEqual(DATA[3])
  })

  it('what the place does not want goes to RocksDB', async () => {
    const owner = await openOwner()
    const reader = await openReader(owner)
    reader.place.writeBlock = () => false
    expect(await reader.core.get(1)).toEqual(DATA[1])
    expect((await ask(reader.core.core.storage, 1)).block).toEqual(DATA[1])
    expect(reader.place.committedBlocks).toEqual([])
  })
})

describe('sessions', () => {
  type Full = HypercoreStorage & { createAtom(): { flush(): Promise<void> }; close(): void }
  const makers: Record<string, (storage: Full) => Promise<HypercoreStorage | null> | HypercoreStorage> = {
    snapshot: (storage) => storage.snapshot(),
    atomize: (storage) => storage.atomize(storage.createAtom()),
    createSession: (storage) => storage.createSession('side', null),
    resumeSession: async (storage) => {
      ;((await storage.createSession('side', null)) as Full).close()
      return storage.resumeSession('side')
    },
    createAtomicSession: (storage) => storage.createAtomicSession(storage.createAtom(), null)
  }

  it.each(Object.entries(makers))('%s reads from and writes into the place', async (name, make) => {
    const { core, place } = await open({ name: 'content' })
    const session = (await make(core.core.storage as Full)) as Full
    defer(() => session.close())
    expect(session).not.toBe(core.core.storage)
    place.blocks.set(7, Buffer.from('seven'))
    expect((await ask(session, 7)).block).toEqual(Buffer.from('seven'))
    // A snapshot cannot be written to, and hypercore-storage says so.
    if (name === 'snapshot') return expect(() => session.write()).toThrow(/snapshot/)
    const writer = session.write()
    writer.putBlock(8, Buffer.from('eight'))
    await writer.flush()
    expect(place.written).toEqual([8])
    expect(place.committedBlocks).toEqual([8])
  })

  it('and so do the sessions of those sessions', async () => {
    const { core, place } = await open({ name: 'content' })
    const storage = core.core.storage as Full
    const first = (await storage.createSession('side', null)) as Full
    const second = first.snapshot() as Full
    defer(() => first.close())
    defer(() => second.close())
    place.blocks.set(7, Buffer.from('seven'))
    expect((await ask(second, 7)).block).toEqual(Buffer.from('seven'))
  })

  it('a snapshot of the core reads from the place', async () => {
    const owner = await openOwner()
    const snapshot = owner.core.session({ snapshot: true })
    await snapshot.ready()
    defer(() => snapshot.close())
    expect(await snapshot.get(3)).toEqual(DATA[3])
  })
})

describe('what is kept in memory', () => {
  type Full = HypercoreStorage & { createAtom(): { flush(): Promise<void> }; close(): void }

  /** A core whose blocks are in RocksDB, as the drive's own. */
  async function openPlain(options: object): Promise<Hypercore> {
    const { store } = await open({ name: 'content' })
    const core = store.get(options as { name: string })
    await core.ready()
    return core
  }

  it('asks RocksDB nothing for what was just written, by a count of questions that is there', async () => {
    const core = await openPlain({ name: 'plain' })
    const before = core.core.storage.read()
    expect(before.read._operations).toEqual([])
    void before.getHead()
    expect(before.read._operations).toHaveLength(1)
    before.tryFlush()
    await core.append(DATA)
    const reader = core.core.storage.read()
    expect((await reader.getTreeNode(0))?.hash).toEqual(leafHash(DATA[0] as Buffer))
    expect(reader.read._operations).toEqual([])
    reader.tryFlush()
  })

  it('is as after an append, a truncation and another append', async () => {
    const keyPair = crypto.keyPair()
    const core = await openPlain({ keyPair })
    await core.append(DATA.slice(0, 3))
    const snapshot = core.session({ snapshot: true })
    await snapshot.ready()
    defer(() => snapshot.close())
    await (core as unknown as Deep).truncate(1)
    expect((await ask(core.core.storage, 2)).node).toBeNull()
    await core.append([DATA[3], DATA[2]])
    const other = await openPlain({ keyPair })
    await other.append([DATA[0], DATA[3], DATA[2]])
    expect(await (core as unknown as Deep).treeHash()).toEqual(await (other as unknown as Deep).treeHash())
    expect(await core.get(1)).toEqual(DATA[3])
    for (let i = 0; i < 3; i++) {
      const [mine, theirs] = [await ask(core.core.storage, i), await ask(other.core.storage, i)]
      expect(mine).toEqual(theirs)
    }
    expect(await snapshot.get(1, { wait: false })).toEqual(DATA[1])
  })

  it('is the same as what a new process finds', async () => {
    const dir = await temporaryFolder()
    const first = new Corestore(new InPlaceStorage(dir))
    const core = first.get({ name: 'db' })
    await core.append(DATA)
    await core.clear(1, 2)
    await core.append(DATA)
    const before = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => ask(core.core.storage, i)))
    await first.close()
    const second = new Corestore(new InPlaceStorage(dir))
    defer(() => second.close())
    const again = second.get({ name: 'db' })
    await again.ready()
    const after = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => ask(again.core.storage, i)))
    expect(before).toEqual(after)
    expect(before[1]?.block).toBeNull()
  })

  it('knows of what an atom wrote', async () => {
    const { core } = await open({ name: 'content' })
    await core.append(DATA.slice(0, 1))
    const storage = core.core.storage as Full
    const atom = storage.createAtom()
    const session = storage.atomize(atom) as Full
    defer(() => session.close())
    const writer = session.write()
    const node = { index: 40, size: 3, hash: Buffer.alloc(32, 7) }
    writer.putTreeNode(node)
    await writer.flush()
    await atom.flush()
    expect((await ask(storage, 20)).node).toEqual(node)
  })
})

describe('hashed blocks', () => {
  it('append the same tree and signature as the data, and store no data', async () => {
    const keyPair = crypto.keyPair()
    const plain = await open({ keyPair })
    const hashed = await open({ keyPair })
    for (let i = 0; i < DATA.length; i += 2) {
      const batch = DATA.slice(i, i + 2)
      await plain.core.append(batch)
      const session = hashed.core.session(hashedBlocks)
      await session.append(batch.map((data) => new HashedBlock(data.length, leafHash(data))))
      await session.close()
    }
    const [a, b] = [plain.core, hashed.core] as unknown as [Deep, Deep]
    expect(hashed.core.key).toEqual(plain.core.key)
    expect(hashed.core.length).toBe(DATA.length)
    expect(hashed.core.byteLength).toBe(plain.core.byteLength)
    expect(await b.treeHash()).toEqual(await a.treeHash())
    expect(b.core.header.tree.signature).toEqual(a.core.header.tree.signature)
    for (let i = 0; i < DATA.length; i++) {
      expect((await ask(hashed.core.core.storage, i)).block).toBeNull()
      expect((await ask(plain.core.core.storage, i)).block).toEqual(DATA[i])
    }
  })

  it('are served and verified as the data', async () => {
    const reader = await openReader(await openOwner())
    for (let i = 0; i < DATA.length; i++) expect(await reader.core.get(i)).toEqual(DATA[i])
    expect(reader.peer.stats.invalidData).toBe(0)
  })

  it('leave the hash of plain data as it was', () => {
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(5n)
    expect(crypto.data(Buffer.from('first'))).toEqual(crypto.hash([Buffer.from([0]), length, Buffer.from('first')]))
  })

  it('a hash that is not that of the data is noticed by the peer', async () => {
    const owner = await openOwner()
    owner.place.blocks.set(0, Buffer.from('FIRST'))
    const reader = await openReader(owner)
    reader.core.get(0).catch(() => {})
    await until(() => reader.peer.stats.invalidData > 0)
    expect(reader.core.core.bitfield.get(0)).toBe(false)
    expect(reader.place.committedBlocks).toEqual([])
  })
})

describe('the replicator', () => {
  it('takes a range of requests under way, at once and for peers that come', async () => {
    const owner = await openOwner()
    const reader = await openReader(owner)
    const { replicator } = reader.core.core
    replicator.setInflightRange(10, 20)
    const peer = reader.peer as ReplicationPeer & { inflightRange: [number, number]; getMaxInflight(): number }
    expect(replicator.inflightRange).toEqual([10, 20])
    expect(peer.inflightRange).toEqual([10, 20])
    // Not UDX: three times the lower limit, but no more than the upper one.
    expect(peer.getMaxInflight()).toBe(20)
    replicator.setInflightRange(5, 20)
    expect(peer.getMaxInflight()).toBe(15)
  })

  it('counts blocks in a stretch of the bitfield', async () => {
    const reader = await openReader(await openOwner())
    await reader.core.get(1)
    await reader.core.get(2)
    const { bitfield } = reader.core.core
    expect(bitfield.count(0, DATA.length, true)).toBe(2)
    expect(bitfield.count(2, 2, true)).toBe(1)
    expect(bitfield.count(0, 1, true)).toBe(0)
    expect(bitfield.hasUnset(1, 2)).toBe(false)
    expect(bitfield.hasUnset(1, 3)).toBe(true)
  })

  it('has the fields by which peers are judged', async () => {
    const { peer } = await openReader(await openOwner())
    expect(peer).toMatchObject({ paused: false, remoteOpened: true })
    expect(peer.stats).toMatchObject({ notAvailableBackoffs: 0, backoffs: 0, invalidData: 0, invalidRequests: 0 })
  })

  it('asks for the blocks of a range, and hears that one is not available, where src/core/refusals.ts listens', async () => {
    const owner = await openOwner()
    owner.place.blocks.set(1, null)
    const reader = await openReader(owner)
    const peer = reader.peer as ReplicationPeer
    const asked = vi.spyOn(peer, '_requestRangeBatch')
    const refused = new Promise<number | undefined>((resolve) => {
      const { onnodata } = peer
      peer.onnodata = function hear(message) {
        resolve(this.replicator._inflight.get(message.request)?.block?.index)
        onnodata.call(this, message)
      }
    })
    const range = reader.core.download({ start: 1, end: 3, linear: true })
    expect(await refused).toBe(1)
    expect(asked).toHaveBeenCalledWith(1, 3, DATA.length)
    range.destroy()
  })

  it('a range that is downloaded asks for its blocks only', async () => {
    const reader = await openReader(await openOwner())
    const range = reader.core.download({ start: 1, end: 3, linear: true })
    await range.done()
    expect(reader.place.written).toEqual([1, 2])
    expect(reader.core.core.bitfield.get(0)).toBe(false)
  })
})

describe('the index on disk', () => {
  it('can be looked at while another has it open, and changes nothing', async () => {
    const dir = await temporaryFolder()
    const store = new Corestore(new InPlaceStorage(dir))
    defer(() => store.close())
    const core = store.get({ name: 'db' })
    await core.append(DATA)
    const second = new Corestore(new InPlaceStorage(dir, { readOnly: true }), { readOnly: true })
    defer(() => second.close())
    const seen = second.get({ key: core.key })
    await seen.ready()
    expect(seen.length).toBe(DATA.length)
    await expect(new Corestore(new InPlaceStorage(dir)).ready()).rejects.toThrow(/lock/i)
  })
})
