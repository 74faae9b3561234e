import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type DHT from 'hyperdht'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RelayServer } from '../../src/transport/relay/server.js'
import { isUdx } from '../../src/transport/streams.js'
import type { NoiseStream } from '../../src/transport/transport.js'
import { defer } from '../helpers/cleanup.js'
import { joinRelay } from '../helpers/relay-client.js'
import { startRelay } from '../helpers/relay-server.js'
import { agreed, newTopic, TestPeer } from './transport-peers.js'

const MiB = 1024 * 1024

let testnet: Testnet
let observer: DHT
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
  observer = testnet.createNode()
})
afterAll(() => testnet.destroy())

const relayWithDht = (port = 0) =>
  startRelay({ listen: { host: '127.0.0.1', port }, dht: { bootstrap: testnet.bootstrap } })

/** On this machine nothing is in the way of a hole; so that one is needed, none is punched. */
const viaDht = () => ({ dht: true, bootstrap: testnet.bootstrap, punch: () => false })

/** Two peers with their relays, of whom the one is announced in the DHT when the other comes. */
async function pair(topic: Buffer, first: string[], second: string[]): Promise<[TestPeer, TestPeer]> {
  const a = await TestPeer.open({ topic, ...viaDht(), relays: first })
  const announced = async () => {
    for await (const _ of observer.lookup(topic)) return true
    return false
  }
  while (!(await announced())) await new Promise((resolve) => setImmediate(resolve))
  return [a, await TestPeer.open({ topic, ...viaDht(), relays: second })]
}

/** Resolves when both go by the blind relay, by the same stream. */
async function relayed(a: TestPeer, b: TestPeer): Promise<void> {
  const by = (peer: TestPeer) =>
    peer.handed.at(-1)?.route === 'relay' && isUdx(peer.handed.at(-1)?.stream as NoiseStream)
  for (const peer of [a, b]) await peer.until(() => by(peer), 'a stream by the blind relay', 30_000)
  await agreed(a, b)
}

/** Sends by the stream that is in use, and resolves when all has come, whole and in order. */
async function transfer(from: TestPeer, to: TestPeer, data: Buffer): Promise<void> {
  const [source, target] = [from.only.stream, to.only.stream]
  const pieces: Buffer[] = []
  let length = 0
  const arrived = new Promise<void>((resolve, reject) => {
    target.on('data', (piece: Buffer) => {
      // What the test peers say to each other first is short.
      if (piece.length < 1000) return
      pieces.push(piece)
      length += piece.length
      if (length >= data.length) resolve()
    })
    target.once('close', () => reject(new Error(`closed after ${length} bytes`)))
  })
  for (let sent = 0; sent < data.length; sent += 65_536) {
    if (!source.write(data.subarray(sent, sent + 65_536))) await once(source, 'drain')
  }
  await arrived
  expect(Buffer.concat(pieces).equals(data)).toBe(true)
}

describe('two peers between whom no hole can be punched', () => {
  it.each([
    ['both know it', true, true],
    ['only who came first knows it', true, false],
    ['only who came second knows it', false, true]
  ])('use the blind relay when %s, and both say so', async (_who, first, second) => {
    const { url, relay } = await relayWithDht()
    const [a, b] = await pair(newTopic(), first ? [url] : [], second ? [url] : [])
    await relayed(a, b)
    await transfer(a, b, randomBytes(4 * MiB))
    expect(relay.counts().udpPairs).toBe(1)
    expect(relay.counts().udpBytes).toBeGreaterThan(4 * MiB)
    for (const peer of [a, b]) {
      expect(new Set(peer.all('peer.connected').map(({ route }) => route))).toEqual(new Set(['relay']))
      expect(peer.only).toMatchObject({ route: 'relay' })
    }
  })

  it('move over when a hole is there after all, by the same stream, and both say so', async () => {
    const { url, relay } = await relayWithDht()
    const [a, b] = await pair(newTopic(), [url], [url])
    await relayed(a, b)
    const [here, there] = a.only.stream.isInitiator ? [a, b] : [b, a]
    const before = [here, there].map((peer) => ({ stream: peer.only.stream, handed: peer.handed.length }))
    const done = transfer(a, b, randomBytes(8 * MiB))
    // What hyperdht does at the end that dialled when a punch comes through, by sockets made for it; the other end
    // follows what it hears.
    const [from, to] = [newSocket(here), newSocket(there)]
    void udx(here).changeRemote(from, udx(there).id, to.address().port, '127.0.0.1')
    for (const peer of [here, there]) {
      await peer.until(() => peer.all('peer.connected').at(-1)?.route === 'direct', 'direct')
      expect(peer.only.route).toBe('direct')
      expect(peer.only.address).not.toBe(peer.all('peer.connected').at(-2)?.address)
    }
    await done
    const passed = relay.counts().udpBytes
    await transfer(b, a, randomBytes(4 * MiB))
    expect(relay.counts().udpBytes - passed).toBeLessThan(MiB)
    for (const [i, peer] of [here, there].entries()) {
      expect(peer.only.stream).toBe(before[i]?.stream)
      expect(peer.handed).toHaveLength(before[i]?.handed ?? 0)
      expect(peer.all('peer.disconnected')).toHaveLength(0)
    }
  })
})

describe('a blind relay that goes away', () => {
  it('is replaced by the next one, and nothing flaps', async () => {
    const [one, other] = await Promise.all([relayWithDht(), relayWithDht()])
    const relays = [one.url, other.url]
    const [a, b] = await pair(newTopic(), relays, relays)
    await relayed(a, b)
    const [used, spare] = one.relay.counts().udpPairs > 0 ? [one, other] : [other, one]
    const began = performance.now()
    await used.relay.close()
    await relayedBy(spare.relay)
    await relayed(a, b)
    expect(performance.now() - began).toBeLessThan(15_000)
    await transfer(a, b, randomBytes(MiB))
    for (const peer of [a, b]) {
      expect(new Set(peer.all('peer.connected').map(({ route }) => route))).toEqual(new Set(['relay']))
    }
  })
})

/** The relay does not tell anybody when it has a pair. */
async function relayedBy(relay: RelayServer): Promise<void> {
  await vi.waitFor(() => expect(relay.counts().udpPairs).toBeGreaterThan(0), 15_000)
}

interface UdxSocket {
  readonly udx: { createSocket(): UdxSocket }
  bind(port: number, host: string): void
  address(): { port: number }
}

interface Udx {
  id: number
  socket: UdxSocket
  changeRemote(socket: UdxSocket, id: number, port: number, host: string): Promise<void>
}

function udx(peer: TestPeer): Udx {
  return peer.only.stream.rawStream as unknown as Udx
}

/** Closed with the node of the DHT whose streams it carries. */
function newSocket(peer: TestPeer): UdxSocket {
  const socket = udx(peer).socket.udx.createSocket()
  socket.bind(0, '127.0.0.1')
  return socket
}

describe('peers with a way of their own', () => {
  it('have no use for the blind relay', async () => {
    const { url, relay } = await relayWithDht()
    const control = await joinRelay(url, randomBytes(32), randomBytes(32))
    defer(() => control.ws.terminate())
    if (!(await control.next('joined')).blind) await control.next('blind')
    const topic = newTopic()
    const open = () => TestPeer.open({ topic, dht: true, bootstrap: testnet.bootstrap, relays: [url] })
    const [a, b] = await Promise.all([open(), open()])
    for (const peer of [a, b])
      await peer.until(() => peer.network.peers.size > 0 && peer.only.route === 'direct', 'direct')
    await agreed(a, b)
    expect(relay.counts()).toMatchObject({ udpPairs: 0, udpBytes: 0 })
  })
})
