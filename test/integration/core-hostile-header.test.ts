import { randomBytes } from 'node:crypto'
import Corestore from 'corestore'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import Hyperswarm from 'hyperswarm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { formatLink } from '../../src/base/link.js'
import { defer } from '../helpers/cleanup.js'
import { TestSession, temporaryFolder } from '../helpers/core.js'
import { onDht } from '../helpers/core-stock.js'

let testnet: Testnet
beforeAll(async () => {
  testnet = await createTestnet(3, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

const HEADERS: Record<string, Buffer[]> = {
  noise: [randomBytes(100), randomBytes(100)],
  text: [Buffer.from('hello'), Buffer.from('world')],
  'empty blocks': [Buffer.alloc(0), Buffer.alloc(0)]
}

test.each(Object.keys(HEADERS))(
  'a link to something that is no share ends with a word, not a bug: %s',
  async (name) => {
    const store = new Corestore(await temporaryFolder())
    const core = store.get({ name: 'core' })
    await core.ready()
    await (core as unknown as { append(blocks: Buffer[]): Promise<void> }).append(HEADERS[name] as Buffer[])
    const swarm = new Hyperswarm({ dht: testnet.createNode({ host: '127.0.0.1' }) })
    swarm.on('connection', (stream) => store.replicate(stream))
    defer(async () => {
      await swarm.destroy()
      await store.close()
    })
    await swarm.join(core.discoveryKey, { server: true, client: false }).flushed()
    const copy = await temporaryFolder()
    const clone = await TestSession.clone(formatLink(core.key), `${copy}/copy`, { network: onDht(testnet), timeout: 5 })
    expect(await clone.failure()).toMatchObject({ code: 'NOT_A_LINK', exitCode: 10 })
  }
)
