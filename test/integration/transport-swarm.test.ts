import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agreed, ChildPeer, Forwarder, freePort, newTopic, TestPeer } from './transport-peers.js'

let testnet: Testnet
beforeAll(async () => {
  // Fewer than four nodes leave the kind of NAT unknown, and connections stall.
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

const viaDht = () => ({ dht: true, bootstrap: testnet.bootstrap })
const LOCAL = { host: '127.0.0.1', port: 0 }

describe('the DHT, on 127.0.0.1', () => {
  test('connects two peers, and says that it works', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...viaDht() })
    expect(await a.event('network.ready')).toMatchObject({ dht: true, lan: false })
    const b = await TestPeer.open({ topic, ...viaDht() })
    const [atA, atB] = await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect([atA.route, atB.route]).toEqual(['direct', 'direct'])
    expect(atA.address).toMatch(/^127\.0\.0\.1:\d+$/)
    await a.until(() => a.received.includes('by direct'), 'data from b')
    const start = performance.now()
    await b.network.close()
    expect(performance.now() - start).toBeLessThan(1000)
    expect(await a.event('peer.disconnected')).toMatchObject({ route: 'direct' })
  })

  test('a stream that is destroyed is made again', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...viaDht() })
    const b = await TestPeer.open({ topic, ...viaDht() })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    a.only.stream.destroy(new Error('lost'))
    await Promise.all([a.event('peer.connected', 2), b.event('peer.connected', 2)])
    b.only.stream.destroy()
    await Promise.all([a.event('peer.connected', 3), b.event('peer.connected', 3)])
  })

  test('a process that is killed and started again is found again', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...viaDht() })
    const first = new ChildPeer({ topic, ...viaDht() })
    await a.event('peer.connected')
    await first.event('data')
    await first.kill()
    // Nobody says goodbye on UDP, so the first stream may outlive its process for a while.
    const second = new ChildPeer({ topic, ...viaDht() })
    await second.event('data')
    await a.event('peer.connected', 2)
  })

  test('a better way replaces the connection without a gap, and both ends agree', async () => {
    const topic = newTopic()
    const forwarder = new Forwarder()
    forwarder.port = await freePort()
    const a = await TestPeer.open({ topic, ...viaDht(), listen: LOCAL })
    const b = await TestPeer.open({ topic, ...viaDht(), peers: [`127.0.0.1:${forwarder.port}`] })
    expect(await a.event('peer.connected')).toMatchObject({ route: 'direct' })
    expect(await b.event('peer.connected')).toMatchObject({ route: 'direct' })
    const before = a.only.stream
    await forwarder.listen(Number(a.network.listening[0]?.split(':')[1]))
    expect(await a.event('peer.connected', 2)).toMatchObject({ route: 'tcp' })
    expect(await b.event('peer.connected', 2)).toMatchObject({ route: 'tcp' })
    expect(before.destroyed).toBe(false)
    await agreed(a, b)
    for (const peer of [a, b]) expect(peer.all('peer.disconnected')).toHaveLength(0)

    // And back: when the better way is cut for good, the DHT takes over again.
    await forwarder.close()
    expect(await a.event('peer.connected', 3)).toMatchObject({ route: 'direct' })
    expect(await b.event('peer.connected', 3)).toMatchObject({ route: 'direct' })
  })

  test('with the local network too there is one stream, the same at both ends, by the better route', async () => {
    const topic = newTopic()
    const options = { topic, ...viaDht(), lan: true }
    const [a, b] = await Promise.all([TestPeer.open(options), TestPeer.open(options)])
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    await agreed(a, b)
    expect([a.only.route, b.only.route]).toEqual(['lan', 'lan'])
    for (const peer of [a, b]) expect(peer.all('peer.disconnected')).toHaveLength(0)
  })
})

describe('a DHT that does not answer', () => {
  test('delays nothing, is reported as not working, and lets go quickly', async () => {
    const topic = newTopic()
    // Nobody listens there; the port is on this machine, so nothing leaves it.
    const silent = { dht: true, bootstrap: [{ host: '127.0.0.1', port: await freePort() }], lan: true }
    const start = performance.now()
    const a = await TestPeer.open({ topic, ...silent })
    const b = await TestPeer.open({ topic, ...silent })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(performance.now() - start).toBeLessThan(1000)
    expect(await a.event('network.ready')).toMatchObject({ dht: false, lan: true })
    expect(performance.now() - start).toBeLessThan(5000)
    const closing = performance.now()
    await b.network.close()
    expect(performance.now() - closing).toBeLessThan(1000)
  })

  test('is used as soon as it comes up', async () => {
    const topic = newTopic()
    const port = await freePort()
    const options = { topic, dht: true, bootstrap: [{ host: '127.0.0.1', port }] }
    const a = await TestPeer.open(options)
    const b = await TestPeer.open(options)
    expect(await a.event('network.ready')).toMatchObject({ dht: false })
    const late = await createTestnet(4, { host: '127.0.0.1', port })
    try {
      expect(await a.event('network.ready', 2)).toMatchObject({ dht: true })
      a.network.refresh()
      b.network.refresh()
      await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    } finally {
      await Promise.all([a.network.close(), b.network.close()])
      await late.destroy()
    }
  })
})
