import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectSocket, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { encodeData } from '../../src/transport/relay/frames.js'
import { MAX_FRAME_BYTES, MAX_PAYLOAD_BYTES, MAX_TEXT_BYTES, SUBPROTOCOL } from '../../src/transport/relay/protocol.js'
import { DEFAULT_LIMITS, MAX_STRANGERS_EACH, type RelayLimits } from '../../src/transport/relay/server/limits.js'
import type { RelayOptions } from '../../src/transport/relay/server.js'
import { defer } from '../helpers/cleanup.js'
import { joinRelay, openLane, openStream, RelaySocket, until } from '../helpers/relay-client.js'
import { startRelay } from '../helpers/relay-server.js'

const start = (limits: Partial<RelayLimits> = {}, options: Partial<RelayOptions> = {}) =>
  startRelay({ ...options, limits: { ...DEFAULT_LIMITS, ...limits } })

async function join(url: string, topic: Buffer, key: Buffer = randomBytes(32)): Promise<RelaySocket> {
  const socket = await joinRelay(url, topic, key)
  defer(() => socket.ws.terminate())
  await socket.next('joined')
  return socket
}

interface Pair {
  a: RelaySocket
  b: RelaySocket
  /** The names of the circuit at either end. */
  circuits: [Buffer, Buffer]
}

/** Two clients of a topic with a circuit between them; no lanes yet. */
async function meet(url: string): Promise<Pair> {
  const topic = randomBytes(32)
  const a = await join(url, topic)
  const b = await join(url, topic)
  return { a, b, circuits: await connect(a, b) }
}

/** Whom a client has met. */
const known = new Map<RelaySocket, string>()

async function connect(a: RelaySocket, b: RelaySocket): Promise<[Buffer, Buffer]> {
  const id = known.get(a) ?? (await a.next('members', ({ members }) => members.length > 0)).members[0]?.id ?? ''
  known.set(a, id)
  a.say({ type: 'connect', id })
  const [at, bt] = await Promise.all([a.next('circuit'), b.next('circuit')])
  return [at.circuit, bt.circuit]
}

async function lanes(url: string, [a, b]: [Buffer, Buffer], lane = 0): Promise<[RelaySocket, RelaySocket]> {
  const pair = await Promise.all([openLane(url, a, lane), openLane(url, b, lane)])
  await Promise.all(pair.map((socket) => socket.next('paired')))
  return pair
}

/** The relay still does what it is for. */
async function expectToWork(url: string): Promise<void> {
  const { circuits } = await meet(url)
  const [one, two] = await lanes(url, circuits)
  one.ws.send(Buffer.from('to'))
  two.ws.send(Buffer.from('fro'))
  expect((await two.bytes(2)).toString()).toBe('to')
  expect((await one.bytes(3)).toString()).toBe('fro')
}

describe('members', () => {
  it('are those of the same topic, and all hear who comes and goes', async () => {
    const { url } = await start()
    const [topic, keys] = [randomBytes(32), [randomBytes(32), randomBytes(32)]]
    const a = await join(url, topic, keys[0])
    expect((await a.next('members')).members).toEqual([])
    await join(url, randomBytes(32))
    const b = await join(url, topic, keys[1])
    expect((await b.next('members')).members.map(({ key }) => key)).toEqual([keys[0]])
    expect((await a.next('members')).members.map(({ key }) => key)).toEqual([keys[1]])
    b.ws.close()
    expect((await a.next('members')).members).toEqual([])
  })

  it('are told in few messages when many come and go', async () => {
    const { url } = await start({ perAddress: 200 })
    const topic = randomBytes(32)
    const a = await join(url, topic)
    const others = await Promise.all(Array.from({ length: 80 }, () => join(url, topic)))
    await a.next('members', ({ members }) => members.length === 64)
    expect(others.length).toBe(80)
    expect(a.messages.filter(({ type }) => type === 'members').length).toBeLessThan(40)
  })
})

describe('circuits', () => {
  it('pass content on in both directions, in order, between two sockets', async () => {
    const { relay, url } = await start()
    const { circuits } = await meet(url)
    expect(circuits[0].equals(circuits[1])).toBe(false)
    const [one, two] = await lanes(url, circuits)
    const pieces = Array.from({ length: 100 }, (_, i) => Buffer.alloc(MAX_PAYLOAD_BYTES, i))
    for (const piece of pieces) one.ws.send(piece)
    two.ws.send(Buffer.from('back'))
    const all = await two.bytes(100 * MAX_PAYLOAD_BYTES)
    expect(all.equals(Buffer.concat(pieces))).toBe(true)
    expect((await one.bytes(4)).toString()).toBe('back')
    expect(relay.counts()).toEqual({ clients: 2, circuits: 1, bytes: all.length + 4, udpPairs: 0, udpBytes: 0 })
  })

  it('carry a stream over eight lanes', async () => {
    const { url } = await start()
    const { circuits } = await meet(url)
    const [one, two] = await Promise.all(circuits.map((circuit) => openStream(url, circuit, 8)))
    if (!one || !two) throw new Error('no streams')
    const sent = randomBytes(4 * 1024 * 1024)
    for (let at = 0; at < sent.length; at += MAX_PAYLOAD_BYTES) one.write(sent.subarray(at, at + MAX_PAYLOAD_BYTES))
    one.end()
    two.end()
    const chunks: Buffer[] = []
    for await (const chunk of two) chunks.push(chunk)
    expect(Buffer.concat(chunks).equals(sent)).toBe(true)
  })

  it('end with any of their lanes, and both clients hear of it', async () => {
    const { relay, url } = await start()
    const { a, b, circuits } = await meet(url)
    const first = await lanes(url, circuits, 0)
    const second = await lanes(url, circuits, 1)
    second[0].ws.close()
    await Promise.all([second[1].closed, first[0].closed, first[1].closed])
    expect((await a.next('failed')).circuit).toEqual(circuits[0])
    expect((await b.next('failed')).circuit).toEqual(circuits[1])
    expect(relay.counts().circuits).toBe(0)
  })

  it('are not harmed by a lane that only one end opens', async () => {
    const { url } = await start()
    const { circuits } = await meet(url)
    const [one, two] = await lanes(url, circuits)
    const extra = await openLane(url, circuits[0], 5)
    extra.ws.close()
    await extra.closed
    one.ws.send(Buffer.from('still here'))
    expect((await two.bytes(10)).toString()).toBe('still here')
  })

  it('end when one is dropped, when a client leaves, and when a newer one replaces them', async () => {
    const { relay, url } = await start()
    const { a, b, circuits } = await meet(url)
    const dropped = await lanes(url, circuits)
    a.say({ type: 'drop', circuit: circuits[0] })
    await Promise.all(dropped.map((socket) => socket.closed))
    await b.next('failed', ({ circuit }) => circuit?.equals(circuits[1]) === true)

    const older = await lanes(url, await connect(a, b))
    const newer = await lanes(url, await connect(a, b))
    await Promise.all(older.map((socket) => socket.closed))
    b.ws.terminate()
    await Promise.all(newer.map((socket) => socket.closed))
    expect(relay.counts()).toMatchObject({ clients: 1, circuits: 0 })
  })

  it('end when nothing comes through', async () => {
    const { url } = await start({ idleMs: 100 })
    const { a, circuits } = await meet(url)
    const sockets = await lanes(url, circuits)
    await Promise.all(sockets.map((socket) => socket.closed))
    expect((await a.next('failed')).message).toBe('nothing came through for too long')
  })
})

describe('a slow reader', () => {
  it('slows the sender down, and the relay keeps next to nothing', async () => {
    const { relay, url } = await start({ clientRate: null, totalRate: null })
    const { circuits } = await meet(url)
    const [one, two] = await lanes(url, circuits)
    two.ws.pause()
    const piece = Buffer.alloc(MAX_PAYLOAD_BYTES)
    const total = 96 * 1024 * 1024
    for (let sent = 0; sent < total; sent += piece.length) one.ws.send(piece)
    const stuck = await standstill(() => relay.counts().bytes)
    // What the kernel holds for a socket that nobody reads is up to some megabytes; the relay adds 128 KiB.
    expect(stuck).toBeLessThan(24 * 1024 * 1024)
    expect(one.ws.bufferedAmount).toBeGreaterThan(48 * 1024 * 1024)
    two.ws.resume()
    let received = 0
    two.ws.on('message', (data: Buffer) => {
      received += data.length
    })
    two.binary.length = 0
    await until(() => relay.counts().bytes === total)
    await until(() => received > total - stuck)
  })
})

/** The value once it stays the same. */
async function standstill(read: () => number): Promise<number> {
  for (let last = -1; ; ) {
    const now = read()
    if (now === last && now > 0) return now
    last = now
    await sleep(250)
  }
}

describe('rates', () => {
  it.each([
    ['of one client', { clientRate: 1_000_000, totalRate: null }],
    ['of all together', { clientRate: null, totalRate: 1_000_000 }]
  ])('%s are kept to', async (_what, limits) => {
    const { url } = await start(limits)
    const { circuits } = await meet(url)
    const [one, two] = await lanes(url, circuits)
    const before = performance.now()
    for (let i = 0; i < 64; i++) one.ws.send(Buffer.alloc(MAX_PAYLOAD_BYTES))
    await two.bytes(64 * MAX_PAYLOAD_BYTES)
    // 2 MiB, of which the last reading may be some 100 KiB ahead.
    expect(performance.now() - before).toBeGreaterThan(1700)
  })
})

describe('limits', () => {
  it('on clients in total, and from one address', async () => {
    const { url } = await start({ clients: 2 })
    await join(url, randomBytes(32))
    const second = await join(url, randomBytes(32))
    const third = await joinRelay(url, randomBytes(32), randomBytes(32))
    expect((await third.next('refused')).message).toBe('the relay is full')
    expect((await third.closed).code).toBe(1013)
    second.ws.close()
    await second.closed
    await join(url, randomBytes(32))

    const each = await start({ perAddress: 1 })
    await join(each.url, randomBytes(32))
    const refused = await joinRelay(each.url, randomBytes(32), randomBytes(32))
    expect((await refused.next('refused')).message).toBe('there are too many clients from this address')
  })

  it('count the address that a reverse proxy names last, and only where there is one', async () => {
    const from = (address: string) => ({ headers: { 'X-Forwarded-For': `203.0.113.9, ${address}` } })
    const enter = async (url: string, address: string) =>
      await joinRelay(url, randomBytes(32), randomBytes(32), from(address))
    const behind = await start({ perAddress: 1 }, { behindProxy: true })
    await (await enter(behind.url, '198.51.100.1')).next('joined')
    await (await enter(behind.url, '198.51.100.2')).next('joined')
    await (await enter(behind.url, '198.51.100.1')).next('refused')
    const direct = await start({ perAddress: 1 })
    await (await enter(direct.url, '198.51.100.1')).next('joined')
    await (await enter(direct.url, '198.51.100.2')).next('refused')
  })

  it('on lanes, tokens and what a socket may say', async () => {
    const { url } = await start()
    const { a, circuits } = await meet(url)
    const unknown = await openLane(url, randomBytes(32))
    expect(await unknown.closed).toEqual({ code: 1008, reason: 'there is no such circuit' })
    const first = await openLane(url, circuits[0])
    const twice = await openLane(url, circuits[0])
    expect((await twice.closed).reason).toBe('this lane is in use')
    first.ws.send(Buffer.from('too early'))
    expect(await first.closed).toMatchObject({ code: 1002 })
    a.say({ type: 'join', topic: randomBytes(32), key: randomBytes(32) })
    expect(await a.closed).toMatchObject({ code: 1002 })
  })
})

describe('hostile clients', () => {
  it.each<[string, (socket: RelaySocket) => void, number]>([
    ['garbage', (socket) => socket.ws.send('garbage'), 1002],
    ['a message of no known type', (socket) => socket.ws.send('{"type":"__proto__"}'), 1002],
    ['content on a control socket', (socket) => socket.ws.send(encodeData(0, Buffer.alloc(10))), 1002],
    ['text that is too long', (socket) => socket.ws.send(' '.repeat(MAX_TEXT_BYTES + 1)), 1009],
    ['a frame that is too long', (socket) => socket.ws.send(Buffer.alloc(MAX_FRAME_BYTES + 1)), 1009],
    ['more text than anybody needs', (socket) => flood(socket, 10_000), 1008]
  ])('%s: closed, and all others go on', async (_what, attack, code) => {
    const { relay, url } = await start()
    const socket = await join(url, randomBytes(32))
    attack(socket)
    expect((await socket.closed).code).toBe(code)
    await expectToWork(url)
    await until(() => relay.counts().clients === 2)
  })

  it('garbage as the first message is no better', async () => {
    const { url } = await start()
    for (const first of ['', '[]', 'null', '{"type":"look"}', Buffer.alloc(3)]) {
      const socket = await RelaySocket.open(url)
      socket.ws.send(first)
      expect((await socket.closed).code).toBe(1002)
    }
    await expectToWork(url)
  })

  it('who pings all the time and reads nothing costs no memory', async () => {
    const { relay, url } = await start()
    const socket = await join(url, randomBytes(32))
    socket.ws.pause()
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 20_000; i++) socket.ws.ping(Buffer.alloc(125))
    await Promise.race([until(() => relay.counts().clients === 0), until(() => socket.ws.bufferedAmount === 0)])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
    await expectToWork(url)
  })

  it('half a handshake, half a request and silence are given up after seconds', async () => {
    const { relay, url } = await start()
    const began = performance.now()
    const upgrade = `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`
    const silent = raw(relay.port, '')
    const half = raw(relay.port, upgrade)
    const drip = raw(relay.port, 'GET / HTTP/1.1\r\n')
    const dripping = setInterval(() => drip.write('X: y\r\n'), 300)
    defer(() => clearInterval(dripping))
    const idle = await RelaySocket.open(url)
    const body = raw(relay.port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    await Promise.all([closed(silent), closed(half), closed(drip), closed(body), idle.closed])
    expect(performance.now() - began).toBeLessThan(12_000)
    await expectToWork(url)
  })

  it('who keeps many sockets open without a word does not get any more', async () => {
    const { relay, url } = await start()
    const sockets = Array.from({ length: MAX_STRANGERS_EACH }, () => raw(relay.port, ''))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    const extra = raw(relay.port, HEALTH)
    await closed(extra)
    expect(extra.bytesRead).toBe(0)
    for (const socket of sockets) socket.destroy()
    for (let answer = 0; answer === 0; ) {
      const health = raw(relay.port, HEALTH)
      await closed(health)
      answer = health.bytesRead
    }
    await expectToWork(url)
  })

  it('noise on the port, and requests that are none, are closed', async () => {
    const { relay, url } = await start()
    const noise = Array.from({ length: 20 }, () => raw(relay.port, randomBytes(2000)))
    const long = raw(relay.port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    await Promise.all([...noise, long].map(closed))
    const ws = new WebSocket(url, 'another-protocol')
    const [error] = await once(ws, 'error')
    expect((error as Error).message).toBe('Unexpected server response: 400')
    await expectToWork(url)
  })
})

const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n'

function flood(socket: RelaySocket, count: number): void {
  for (let i = 0; i < count; i++) socket.say({ type: 'connect', id: 'nobody' })
}

function raw(port: number, text: string | Buffer): Socket {
  const socket = connectSocket(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.resume()
  socket.write(text)
  defer(() => socket.destroy())
  return socket
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })
}

describe('plain HTTP', () => {
  it('gets health without names, and a page that says what this is', async () => {
    const { relay, url } = await start()
    await meet(url)
    const base = `http://127.0.0.1:${relay.port}`
    const health = await fetch(`${base}/healthz`)
    expect(health.status).toBe(200)
    expect(await health.json()).toEqual({ ok: true, clients: 2, circuits: 1 })
    for (const path of ['/', '/favicon.ico', '/../../etc/passwd']) {
      const page = await fetch(base + path)
      expect(page.headers.get('content-type')).toBe('text/plain; charset=utf-8')
      expect(await page.text()).toMatch(/relay of dat/)
    }
  })
})

describe('the end', () => {
  it('closes every socket with 1001 within two seconds, also those that do not answer', async () => {
    const { relay, url } = await start()
    const { a, circuits } = await meet(url)
    const [one, two] = await lanes(url, circuits)
    two.ws.pause()
    const deaf = raw(
      relay.port,
      `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`
    )
    await once(deaf, 'data')
    const began = performance.now()
    await relay.close()
    expect(performance.now() - began).toBeLessThan(2000)
    expect((await a.closed).code).toBe(1001)
    expect((await one.closed).code).toBe(1001)
    await closed(deaf)
  })

  it('a port that is taken is said to be', async () => {
    const { relay } = await start()
    await expect(start({}, { listen: { host: '127.0.0.1', port: relay.port } })).rejects.toMatchObject({
      code: 'USAGE',
      exitCode: 2
    })
  })
})
