import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { startRelay } from '../helpers/relay-server.js'
import { agreed, Forwarder, freePort, newTopic, TestPeer } from './transport-peers.js'

const MiB = 1024 * 1024

describe('two peers at a relay', () => {
  it('meet at once, by one stream, and say so', async () => {
    const { url, relay } = await startRelay()
    const topic = newTopic()
    const [a, b] = await Promise.all([TestPeer.open({ topic, relays: [url] }), TestPeer.open({ topic, relays: [url] })])
    await agreed(a, b)
    for (const peer of [a, b]) {
      expect(await peer.event('peer.connected')).toMatchObject({ route: 'relay', address: `127.0.0.1:${relay.port}` })
      await peer.until(() => peer.all('network.ready').some(({ relays }) => relays[0] === url), 'the relay is told')
      await peer.until(() => peer.received.includes('by relay'), 'data')
    }
  })

  it('carry much, by several lanes, whole and in order', async () => {
    const { url, relay } = await startRelay()
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url] })
    const b = await TestPeer.open({ topic, relays: [url] })
    await agreed(a, b)
    const data = randomBytes(40 * MiB)
    let at = 0
    const [from, to] = [a.only.stream, b.only.stream]
    const arrived = new Promise<void>((resolve, reject) => {
      to.on('data', (piece: Buffer) => {
        // What the test peers say to each other first is short.
        if (piece.length < 1000) return
        if (!piece.equals(data.subarray(at, at + piece.length))) reject(new Error(`differs at ${at}`))
        at += piece.length
        if (at === data.length) resolve()
      })
      to.once('close', () => reject(new Error(`closed at ${at}`)))
    })
    const width = vi.waitFor(() => expect((to.rawStream as unknown as { width: number }).width).toBe(8))
    for (let sent = 0; sent < data.length; sent += MiB) {
      if (!from.write(data.subarray(sent, sent + MiB))) await once(from, 'drain')
    }
    await arrived
    await width
    expect(relay.counts().bytes).toBeGreaterThan(40 * MiB)
  })

  it('meet again when one was lost', async () => {
    const { url } = await startRelay()
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url] })
    const b = await TestPeer.open({ topic, relays: [url] })
    await agreed(a, b)
    const began = performance.now()
    a.only.stream.destroy()
    await a.event('peer.disconnected')
    await a.event('peer.connected', 2)
    await agreed(a, b)
    expect(performance.now() - began).toBeLessThan(3000)
  })

  it('find it again when it was gone, and say once why it can not be used', async () => {
    const { url, relay } = await startRelay()
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url] })
    const b = await TestPeer.open({ topic, relays: [url] })
    await agreed(a, b)
    await relay.close()
    await a.event('peer.disconnected')
    await a.until(() => a.all('note').some(({ message }) => message.includes('connection refused')), 'a note')
    expect(a.all('network.ready').at(-1)?.relays).toEqual([])
    await startRelay({ listen: { host: '127.0.0.1', port: relay.port } })
    a.network.refresh()
    b.network.refresh()
    await a.event('peer.connected', 2)
    await agreed(a, b)
    const notes = a.all('note').map(({ message }) => message)
    expect(new Set(notes).size).toBe(notes.length)
  })

  it('use one stream when they share two relays', async () => {
    const [one, other] = await Promise.all([startRelay(), startRelay()])
    const topic = newTopic()
    const relays = [one.url, other.url]
    const [a, b] = await Promise.all([TestPeer.open({ topic, relays }), TestPeer.open({ topic, relays })])
    await agreed(a, b)
    expect(one.relay.counts().circuits + other.relay.counts().circuits).toBe(1)
    await other.relay.close()
    await one.relay.close()
    await a.event('peer.disconnected')
  })

  it('move over to a direct way, and back at once when it is lost', async () => {
    const { url } = await startRelay()
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url], listen: { host: '127.0.0.1', port: 0 } })
    const way = new Forwarder()
    way.port = await freePort()
    const b = await TestPeer.open({ topic, relays: [url], peers: [`127.0.0.1:${way.port}`] })
    await agreed(a, b)
    expect(b.only.route).toBe('relay')
    await way.listen(Number(a.network.listening[0]?.split(':').at(-1)))
    b.network.refresh()
    await b.until(() => b.open.length === 1 && b.handed.at(-1)?.route === 'tcp', 'tcp alone')
    const before = b.all('peer.connected').length
    await way.close()
    const began = performance.now()
    await b.event('peer.connected', before + 1)
    expect(b.all('peer.connected').at(-1)).toMatchObject({ route: 'relay' })
    expect(performance.now() - began).toBeLessThan(3000)
    await agreed(a, b)
  })

  it('say nothing to those of another topic', async () => {
    const { url } = await startRelay()
    const a = await TestPeer.open({ topic: newTopic(), relays: [url] })
    const b = await TestPeer.open({ topic: newTopic(), relays: [url] })
    for (const peer of [a, b])
      await peer.until(() => peer.all('network.ready').some(({ relays }) => relays.length > 0), 'up')
    const c = await TestPeer.open({ topic: newTopic(), relays: [url] })
    await c.until(() => c.all('network.ready').some(({ relays }) => relays.length > 0), 'up')
    expect(a.handed.length + b.handed.length + c.handed.length).toBe(0)
  })

  it('leave nothing behind when they close', async () => {
    const { url, relay } = await startRelay()
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url] })
    const b = await TestPeer.open({ topic, relays: [url] })
    await agreed(a, b)
    await Promise.all([a.network.close(), b.network.close()])
    await vi.waitFor(() => expect(relay.counts()).toMatchObject({ clients: 0, circuits: 0 }), 4000)
  })
})

describe('a client without UDP', () => {
  let testnet: Testnet
  beforeAll(async () => {
    testnet = await createTestnet(4, { host: '127.0.0.1' })
  })
  afterAll(() => testnet.destroy())

  it('reaches a peer that knows nothing of the relay', async () => {
    const topic = newTopic()
    const plain = await TestPeer.open({ topic, dht: true, bootstrap: testnet.bootstrap })
    await plain.until(() => plain.all('network.ready').some(({ dht }) => dht), 'dht')
    const { url } = await startRelay({ dht: { bootstrap: testnet.bootstrap } })
    const client = await TestPeer.open({ topic, relays: [url] })
    const { route } = await client.event('peer.connected', 1, 20_000)
    expect(route).toBe('relay')
    await client.until(() => client.received.includes('by direct'), 'their data')
    await plain.until(() => plain.received.includes('by relay'), 'our data')
    expect(client.only.publicKey.equals(plain.only.stream.publicKey)).toBe(true)
    expect(plain.only.stream.handshakeHash.equals(client.only.stream.handshakeHash)).toBe(true)
    const began = performance.now()
    client.only.stream.destroy()
    await client.event('peer.connected', 2, 20_000)
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
