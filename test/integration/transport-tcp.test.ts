import { once } from 'node:events'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { DatError } from '../../src/base/errors.js'
import { shortId } from '../../src/base/link.js'
import { defer } from '../helpers/cleanup.js'
import { agreed, ChildPeer, Forwarder, freePort, newTopic, TestPeer } from './transport-peers.js'

const LOCAL = { host: '127.0.0.1', port: 0 }

function portIn(address: string | undefined): number {
  return Number(address?.split(':').at(-1))
}

describe('--listen and --peer', () => {
  test('connect two peers, and the address is fit for the link', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    expect(a.network.listening).toEqual([expect.stringMatching(/^127\.0\.0\.1:[1-9]\d*$/)])
    expect(await a.event('network.ready')).toMatchObject({ dht: false, lan: false, listening: a.network.listening })
    const b = await TestPeer.open({ topic, peers: a.network.listening })
    const [atA, atB] = await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(atA.route).toBe('tcp')
    expect(atB).toMatchObject({ route: 'tcp', address: a.network.listening[0] })
    await a.until(() => a.received.length === 1, 'data from b')
    expect(atA.peer).toBe(shortId(b.only.stream.publicKey))
    expect(a.only.stream.remotePublicKey.equals(b.only.stream.publicKey)).toBe(true)
    await b.network.close()
    expect(await a.event('peer.disconnected')).toMatchObject({ peer: atA.peer, route: 'tcp' })
    expect(a.network.peers.size).toBe(0)
  })

  test('a port that is taken is an error that says what to type', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const port = portIn(a.network.listening[0])
    const error = await TestPeer.open({ topic, listen: { host: '127.0.0.1', port } }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(DatError)
    expect(error).toMatchObject({ code: 'USAGE', hint: expect.stringContaining('--listen') })
    expect(error.message).toContain(String(port))
  })

  test('an address without a host is refused', async () => {
    await expect(TestPeer.open({ topic: newTopic(), peers: ['4000'] })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('a peer that is not there yet is dialled until it is, and the user hears of it once', async () => {
    const topic = newTopic()
    const port = await freePort()
    const b = await TestPeer.open({ topic, peers: [`127.0.0.1:${port}`] })
    const note = await b.event('note')
    expect(note.message).toContain(`127.0.0.1:${port}`)
    expect(note.message).toContain('connection refused')
    await TestPeer.open({ topic, listen: { host: '127.0.0.1', port } })
    await b.event('peer.connected')
    expect(b.all('note')).toHaveLength(1)
  })

  test('a connection that is cut is made again', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const b = await TestPeer.open({ topic, peers: a.network.listening })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    a.only.stream.destroy()
    await Promise.all([a.event('peer.disconnected'), b.event('peer.disconnected')])
    await Promise.all([a.event('peer.connected', 2), b.event('peer.connected', 2)])
    b.only.stream.destroy(new Error('lost'))
    await Promise.all([a.event('peer.connected', 3), b.event('peer.connected', 3)])
    expect(a.all('peer.disconnected')).toHaveLength(2)
    expect(b.all('peer.disconnected')).toHaveLength(2)
  })

  test('a listener that is killed and started again is found again, under its new key', async () => {
    const topic = newTopic()
    const listen = { host: '127.0.0.1', port: await freePort() }
    const first = new ChildPeer({ topic, listen })
    await first.event('open')
    const b = await TestPeer.open({ topic, peers: [`127.0.0.1:${listen.port}`] })
    const before = await b.event('peer.connected')
    await first.kill()
    await b.event('peer.disconnected')
    const second = new ChildPeer({ topic, listen })
    const after = await b.event('peer.connected', 2)
    await second.event('data')
    expect(after.peer).not.toBe(before.peer)
  })

  test('two peers that dial each other keep one connection, the same one', async () => {
    const topic = newTopic()
    const ports = [await freePort(), await freePort()] as const
    const [a, b] = await Promise.all([
      TestPeer.open({ topic, listen: { host: '127.0.0.1', port: ports[0] }, peers: [`127.0.0.1:${ports[1]}`] }),
      TestPeer.open({ topic, listen: { host: '127.0.0.1', port: ports[1] }, peers: [`127.0.0.1:${ports[0]}`] })
    ])
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    await agreed(a, b)
    expect(a.all('peer.connected')).toHaveLength(1)
    expect(b.all('peer.connected')).toHaveLength(1)
    expect(a.all('peer.disconnected')).toHaveLength(0)
    expect(b.all('peer.disconnected')).toHaveLength(0)
  })

  test('a peer does not connect to itself', async () => {
    const topic = newTopic()
    const port = await freePort()
    const forwarder = new Forwarder()
    await forwarder.listen(port)
    const a = await TestPeer.open({
      topic,
      listen: { host: '127.0.0.1', port },
      peers: [`127.0.0.1:${port}`, `127.0.0.1:${forwarder.port}`]
    })
    const b = await TestPeer.open({ topic, peers: a.network.listening })
    await b.event('peer.connected')
    await a.event('peer.connected')
    expect(a.only.publicKey.equals(b.only.stream.publicKey)).toBe(true)
    a.network.refresh()
    const c = await TestPeer.open({ topic, peers: a.network.listening })
    await c.event('peer.connected')
    expect(forwarder.accepted).toBe(1)
  })
})

describe('strangers at the TCP port', () => {
  test('garbage of every size neither ends the process nor the service', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const port = portIn(a.network.listening[0])
    const garbage = [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.alloc(3),
      Buffer.alloc(10_000),
      Buffer.alloc(100_000, 0xff),
      Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
      // A frame as long as the first message of the handshake, with a point that is none.
      Buffer.concat([Buffer.from([32, 0, 0]), Buffer.alloc(32, 0xff)]),
      Buffer.concat([Buffer.from([32, 0, 0]), Buffer.alloc(32)])
    ]
    await Promise.all(
      garbage.map(async (bytes) => {
        const socket = connectSocket({ host: '127.0.0.1', port })
        socket.on('error', () => {})
        socket.resume()
        socket.end(bytes)
        await new Promise<void>((resolve) => socket.on('close', () => resolve()))
      })
    )
    const b = await TestPeer.open({ topic, peers: a.network.listening })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    expect(a.network.peers.size).toBe(1)
  })

  test('garbage after the handshake closes that connection only', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const b = await TestPeer.open({ topic, peers: a.network.listening })
    await Promise.all([a.event('peer.connected'), b.event('peer.connected')])
    ;(b.only.stream.rawStream as unknown as Socket).write(Buffer.concat([Buffer.from([50, 0, 0]), Buffer.alloc(50)]))
    await a.event('peer.disconnected')
    await a.event('peer.connected', 2)
  })

  test('sockets that say nothing are limited', async () => {
    const topic = newTopic()
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const port = portIn(a.network.listening[0])
    let refused = 0
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 40; i++) {
        const socket = connectSocket({ host: '127.0.0.1', port })
        defer(() => socket.destroy())
        socket.on('error', () => {})
        socket.on('close', () => {
          refused++
          if (refused === 24) resolve()
        })
      }
    })
    expect(refused).toBe(24)
  })

  test('a server that accepts and then says nothing does not stop the other dials', async () => {
    const topic = newTopic()
    const mute = createServer((socket) => {
      socket.on('error', () => {})
      defer(() => socket.destroy())
    })
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    defer(() => mute.close())
    const address = mute.address()
    const mutePort = typeof address === 'object' && address ? address.port : 0
    const a = await TestPeer.open({ topic, listen: LOCAL })
    const b = await TestPeer.open({ topic, peers: [`127.0.0.1:${mutePort}`, ...a.network.listening] })
    await b.event('peer.connected', 1, 2000)
  })
})
