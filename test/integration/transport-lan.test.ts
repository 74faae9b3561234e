import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import multicastDns from 'multicast-dns'
import { describe, expect, test } from 'vitest'
import { announce, instanceName } from '../../src/transport/lan-records.js'
import { defer } from '../helpers/cleanup.js'
import { ChildPeer, newTopic, TestPeer } from './transport-peers.js'

const LAN = { lan: true, lanInterface: '127.0.0.1' }
const GROUP = '224.0.0.251'

/** A socket that sends to the multicast group through the loopback interface only. */
async function loopbackSender() {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  socket.bind({ port: 0, address: '127.0.0.1' })
  await once(socket, 'listening')
  socket.setMulticastInterface('127.0.0.1')
  socket.setMulticastLoopback(true)
  defer(() => socket.close())
  return {
    socket,
    send: (bytes: Buffer) =>
      new Promise<void>((resolve, reject) =>
        socket.send(bytes, 5353, GROUP, (error) => (error ? reject(error) : resolve()))
      )
  }
}

describe('the local network, by multicast DNS on the loopback interface', () => {
  test('two peers in one process find each other in less than a second', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...LAN })
    expect(await a.event('network.ready')).toMatchObject({ dht: false, lan: true })
    const start = performance.now()
    const b = await TestPeer.open({ topic, ...LAN })
    const [atA, atB] = await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(performance.now() - start).toBeLessThan(1000)
    expect([atA.route, atB.route]).toEqual(['lan', 'lan'])
    await Promise.all([
      a.until(() => a.received.includes('by lan'), 'data from b'),
      b.until(() => b.received.includes('by lan'), 'data from a')
    ])
  })

  test('two processes find each other in less than a second', async () => {
    const topic = newTopic()
    const a = new ChildPeer({ topic, ...LAN })
    const b = new ChildPeer({ topic, ...LAN })
    await Promise.all([a.event('open'), b.event('open')])
    const start = performance.now()
    await Promise.all([a.event('data'), b.event('data')])
    expect(performance.now() - start).toBeLessThan(1000)
  })

  test('three peers connect each with each, once', async () => {
    const topic = newTopic()
    const peers = await Promise.all([1, 2, 3].map(() => TestPeer.open({ topic, ...LAN })))
    await Promise.all(peers.map((peer) => peer.event('peer.connected', 2)))
    for (const peer of peers) expect(peer.network.peers.size).toBe(2)
  })

  test('peers of another share stay strangers', async () => {
    const topic = newTopic()
    const stranger = await TestPeer.open({ topic: newTopic(), ...LAN })
    const a = await TestPeer.open({ topic, ...LAN })
    const b = await TestPeer.open({ topic, ...LAN })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(stranger.all('peer.connected')).toHaveLength(0)
    expect(a.network.peers.size).toBe(1)
  })

  test('a process that is killed and started again, on another port, is found again', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...LAN })
    const first = new ChildPeer({ topic, ...LAN })
    const before = await a.event('peer.connected')
    await first.kill()
    await a.event('peer.disconnected')
    const second = new ChildPeer({ topic, ...LAN })
    const after = await a.event('peer.connected', 2)
    await second.event('data')
    expect(after.peer).not.toBe(before.peer)
  })

  test('a stream that is destroyed is made again', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...LAN })
    const b = await TestPeer.open({ topic, ...LAN })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    a.only.stream.destroy(new Error('lost'))
    await Promise.all([a.event('peer.connected', 2), b.event('peer.connected', 2)])
    expect(a.network.peers.size).toBe(1)
  })

  test('malformed, huge and foreign packets do no harm', async () => {
    const topic = newTopic()
    const name = instanceName(topic)
    const a = await TestPeer.open({ topic, ...LAN })
    const { socket, send } = await loopbackSender()
    for (let size = 0; size < 200; size++) await send(randomBytes(size))
    await send(randomBytes(60_000))
    const header = Buffer.from([0, 0, 0x84, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
    await send(header)
    // A name that points at itself.
    await send(Buffer.concat([header, Buffer.from([0xc0, 12, 0, 33, 0, 1])]))
    const dns = multicastDns({ socket, bind: false, multicast: false })
    const respond = (answers: ReturnType<typeof announce>) =>
      new Promise<void>((resolve) => dns.respond({ answers }, null, () => resolve()))
    const id = randomBytes(16).toString('hex')
    const [srv, txt] = announce(name, { id, port: 9, goodbye: false })
    if (!srv || !txt) throw new Error('two records are expected')
    await respond([srv])
    await respond([txt])
    await respond([srv, { ...txt, data: [Buffer.from('id=../../etc/passwd')] }])
    await respond([{ ...srv, data: { port: 0, target: 'x' } }, txt])
    await respond([{ ...srv, name: 'x'.repeat(60) }, txt])
    await respond(announce('_http._tcp.local', { id, port: 9, goodbye: false }))
    const b = await TestPeer.open({ topic, ...LAN })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
  })

  test('an announcement is dialled at the address it came from, and proves nothing', async () => {
    const topic = newTopic()
    let dialled = 0
    const impostor = createServer((socket) => {
      dialled++
      socket.on('error', () => {})
      socket.end('not the handshake that you look for')
    })
    impostor.listen(0, '127.0.0.1')
    await once(impostor, 'listening')
    defer(() => impostor.close())
    const bound = impostor.address()
    const port = typeof bound === 'object' && bound ? bound.port : 0
    const a = await TestPeer.open({ topic, ...LAN })
    const { socket } = await loopbackSender()
    const dns = multicastDns({ socket, bind: false, multicast: false })
    const reached = once(impostor, 'connection')
    dns.respond(
      { answers: announce(instanceName(topic), { id: 'f'.repeat(32), port, goodbye: false }) },
      null,
      () => {}
    )
    await reached
    const b = await TestPeer.open({ topic, ...LAN })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(a.network.peers.size).toBe(1)
    expect(dialled).toBeGreaterThan(0)
  })

  test('it says goodbye, so that nobody dials it in vain', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, ...LAN })
    const b = await TestPeer.open({ topic, ...LAN })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    const start = performance.now()
    await b.network.close()
    expect(performance.now() - start).toBeLessThan(1000)
    await a.event('peer.disconnected')
  })
})
