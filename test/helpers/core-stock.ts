import Corestore from 'corestore'
import type { Testnet } from 'hyperdht/testnet.js'
import Hyperdrive from 'hyperdrive'
import Hyperswarm from 'hyperswarm'
import Localdrive from 'localdrive'
import { formatLink } from '../../src/base/link.js'
import { defer } from './cleanup.js'
import { ALONE, temporaryFolder } from './core.js'
import { describeTree } from './trees.js'

/** What the types of the project leave out. */
interface Stock {
  update(options: { wait: boolean }): Promise<boolean>
  findingPeers(): () => void
}

/** Somebody who uses plain Hyperdrive, as its documentation says, without any of dat. */
export class StockPeer {
  readonly drive: Hyperdrive
  readonly #swarm: Hyperswarm

  private constructor(drive: Hyperdrive, swarm: Hyperswarm) {
    this.drive = drive
    this.#swarm = swarm
  }

  /** @param key of a drive to read; none makes one */
  static async open(testnet: Testnet, key?: Buffer): Promise<StockPeer> {
    const store = new Corestore(await temporaryFolder())
    const drive = new Hyperdrive(store, key ?? null)
    await drive.ready()
    const swarm = new Hyperswarm({ dht: testnet.createNode({ host: '127.0.0.1' }) })
    swarm.on('connection', (stream) => store.replicate(stream))
    defer(async () => {
      await swarm.destroy()
      await drive.close()
      await store.close()
    })
    const peer = new StockPeer(drive, swarm)
    await swarm.join(drive.discoveryKey, { server: key === undefined, client: key !== undefined }).flushed()
    return peer
  }

  get link(): string {
    return formatLink(this.drive.key)
  }

  /** Waits for the newest version that a peer has. */
  async update(): Promise<void> {
    const drive = this.drive as unknown as Stock
    if (this.drive.core.peers.length === 0) {
      await new Promise((resolve) => this.drive.core.once('peer-add', resolve))
    }
    await drive.update({ wait: true })
  }

  async mirror(folder: string): Promise<void> {
    await this.drive.mirror(new Localdrive(folder)).done()
  }

  /** Writes a file in chunks as they come, by a stream. */
  async stream(path: string, chunks: readonly Buffer[], options: object = {}): Promise<void> {
    const stream = this.drive.createWriteStream(path, options)
    const closed = new Promise<void>((resolve, reject) => {
      stream.on('error', reject)
      stream.on('close', resolve)
    })
    const writable = stream as unknown as { write(data: Buffer): boolean; end(): void }
    for (const chunk of chunks) {
      if (!writable.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve))
    }
    writable.end()
    await closed
  }

  close(): Promise<void> {
    return this.#swarm.destroy()
  }
}

/** The network of a test DHT on 127.0.0.1. */
export function onDht(testnet: Testnet) {
  return { ...ALONE, dht: true, bootstrap: testnet.bootstrap }
}

/** A tree without its times, which plain Hyperdrive does not keep. */
export async function contentsOf(dir: string): Promise<Record<string, string>> {
  const tree = Object.entries(await describeTree(dir))
  return Object.fromEntries(tree.map(([path, what]) => [path, what.replace(/ \d+$/, '')]))
}
