import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import blindRelay from 'blind-relay'
import DHT from 'hyperdht'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import Hyperswarm from 'hyperswarm'
import type { Duplex } from 'streamx'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MAX_DIALS_EACH } from '../../src/transport/relay/server/limits.js'
import type { NoiseStream } from '../../src/transport/transport.js'
import { defer } from '../helpers/cleanup.js'
import { createHandshake, type IkHandshake } from '../helpers/ik-handshake.js'
import { joinRelay, type MessageOf, openStream, type RelaySocket, until } from '../helpers/relay-client.js'
import { startRelay } from '../helpers/relay-server.js'

let testnet: Testnet

beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

const relayWithDht = () => startRelay({ dht: { bootstrap: testnet.bootstrap } })

/** A peer as any program on Hyperswarm makes it: it has never heard of relays. */
async function plainPeer(topic: Buffer, onconnection: (stream: NoiseStream) => void): Promise<Hyperswarm> {
  const swarm = new Hyperswarm({ dht: testnet.createNode() })
  defer(() => swarm.destroy())
  swarm.on('connection', (stream) => {
    stream.on('error', () => {})
    onconnection(stream)
  })
  await swarm.join(topic, { server: true, client: false }).flushed()
  return swarm
}

/** Dials by the relay, up to the stream that both ends can use. */
async function dial(url: string, control: RelaySocket, handshake: IkHandshake, key: Buffer): Promise<NoiseStream> {
  control.say({ type: 'dial', key })
  const { circuit, bridge, initiator } = await control.next('circuit')
  expect({ bridge, initiator }).toEqual({ bridge: true, initiator: true })
  const send = await control.next('noise')
  expect(send.step).toBe('send')
  control.say({ type: 'noise', circuit, data: handshake.send(send.data), secret: null, remoteId: null })
  const receive = await control.next('noise')
  expect(receive.step).toBe('receive')
  control.say({ type: 'noise', circuit, ...handshake.receive(receive.data) })
  await control.next('open')
  const lanes = await openStream(url, circuit, 2)
  const stream = new NoiseSecretStream(true, lanes, { handshake: handshake.final() } as object)
  stream.on('error', () => {})
  defer(() => stream.destroy())
  return stream
}

async function found(control: RelaySocket, key: Buffer): Promise<MessageOf<'found'>> {
  return control.next('found', ({ keys }) => keys.some((one) => one.equals(key)))
}

describe('a client without UDP', () => {
  it('finds and reaches a plain peer of the DHT, in both directions, encrypted between the two', async () => {
    const topic = randomBytes(32)
    const { relay, url } = await relayWithDht()
    let theirs: NoiseStream | undefined
    const peer = await plainPeer(topic, (stream) => {
      theirs = stream
      stream.on('data', (data: Buffer) => stream.write(Buffer.concat([Buffer.from('echo: '), data])))
      stream.on('end', () => stream.end())
    })
    const keyPair = DHT.keyPair()
    const control = await joinRelay(url, topic, keyPair.publicKey)
    defer(() => control.ws.terminate())
    expect((await control.next('joined')).dht).toBe(true)
    control.say({ type: 'look' })
    await found(control, peer.keyPair.publicKey)
    const stream = await dial(url, control, createHandshake(keyPair, peer.keyPair.publicKey), peer.keyPair.publicKey)
    stream.write(Buffer.from('hello'))
    const [answer] = (await once(stream, 'data')) as [Buffer]
    expect(answer.toString()).toBe('echo: hello')
    expect(theirs?.remotePublicKey.equals(keyPair.publicKey)).toBe(true)
    expect(stream.remotePublicKey.equals(peer.keyPair.publicKey)).toBe(true)
    expect(relay.counts().circuits).toBe(1)
    stream.end()
    await once(stream, 'close')
    await control.next('failed')
    expect(relay.counts().circuits).toBe(0)
  })

  it('moves much data both ways, and no faster than it is taken', async () => {
    const topic = randomBytes(32)
    const { relay, url } = await relayWithDht()
    const sent = randomBytes(1024 * 1024)
    let received: Promise<Buffer> | undefined
    await plainPeer(topic, (stream) => {
      for (let i = 0; i < 12; i++) stream.write(sent)
      received = collect(stream, 12 * sent.length)
    })
    const { control, keyPair, key } = await meet(url, topic)
    const stream = await dial(url, control, createHandshake(keyPair, key), key)
    for (let i = 0; i < 12; i++) stream.write(sent)
    const here = await collect(stream, 12 * sent.length)
    const there = (await received) as Buffer
    for (let i = 0; i < 12; i++) {
      expect(here.subarray(i * sent.length, (i + 1) * sent.length).equals(sent)).toBe(true)
      expect(there.subarray(i * sent.length, (i + 1) * sent.length).equals(sent)).toBe(true)
    }
    expect(relay.counts().bytes).toBeGreaterThan(24 * sent.length)
  })

  it('who asks for much and takes nothing is given up, before it fills the memory', async () => {
    const topic = randomBytes(32)
    const { relay, url } = await relayWithDht()
    const block = Buffer.alloc(1024 * 1024)
    await plainPeer(topic, (stream) => {
      for (let i = 0; i < 120; i++) stream.write(block)
    })
    const { control, keyPair, key } = await meet(url, topic)
    const stream = await dial(url, control, createHandshake(keyPair, key), key)
    stream.pause()
    const { message } = await control.next('failed')
    expect(message).toBe('this client takes too slowly what it asked for')
    // The window of the lanes went through, the rest was dropped.
    expect(relay.counts().bytes).toBeLessThan(16 * 1024 * 1024)
    expect(relay.counts().circuits).toBe(0)
  })

  it('a key that nobody announces fails, and so does a handshake that is garbage', async () => {
    const topic = randomBytes(32)
    const { relay, url } = await relayWithDht()
    await plainPeer(topic, () => {})
    const { control, key } = await meet(url, topic)
    const nobody = randomBytes(32)
    control.say({ type: 'dial', key: nobody })
    const missing = await control.next('failed')
    expect(missing).toMatchObject({ key: nobody, message: 'nobody with this key is announced' })
    control.say({ type: 'dial', key })
    const { circuit } = await control.next('circuit', (one) => one.key.equals(key))
    await control.next('noise', (one) => one.circuit.equals(circuit))
    control.say({ type: 'noise', circuit, data: randomBytes(100), secret: null, remoteId: null })
    control.say({ type: 'noise', circuit: randomBytes(32), data: randomBytes(100), secret: null, remoteId: null })
    await control.next('failed', (one) => one.circuit?.equals(circuit) === true)
    expect(relay.counts()).toMatchObject({ clients: 1, circuits: 0 })
  })

  it('dials so many at once and no more, and forgets them when the client leaves', async () => {
    const { relay, url } = await relayWithDht()
    const control = await joinRelay(url, randomBytes(32), randomBytes(32))
    await control.next('joined')
    const keys = Array.from({ length: MAX_DIALS_EACH + 1 }, () => randomBytes(32))
    for (const key of keys) control.say({ type: 'dial', key })
    const refused = await control.next('failed', ({ circuit }) => circuit === null)
    expect(refused).toMatchObject({ key: keys.at(-1), message: 'there are too many connections already' })
    control.ws.terminate()
    await control.closed
    await until(() => relay.counts().clients === 0)
    expect(relay.counts().circuits).toBe(0)
  })
})

describe('a relay whose DHT does not answer', () => {
  it('does not say that nobody is there', async () => {
    // Port 9 discards whatever comes.
    const dead = await startRelay({ dht: { bootstrap: [{ host: '127.0.0.1', port: 9 }] } })
    const control = await joinRelay(dead.url, randomBytes(32), randomBytes(32))
    defer(() => control.ws.terminate())
    expect(await control.next('joined')).toMatchObject({ blind: null })
    control.say({ type: 'look' })
    const late = new Promise((resolve) => setTimeout(resolve, 8000, 'no answer'))
    expect(await Promise.race([control.next('found'), late])).toBe('no answer')
  })
})

describe('the blind relay for UDP', () => {
  it('passes packets on between two nodes that know its key', async () => {
    const { url } = await relayWithDht()
    const key = (await blindKey(url)) as Buffer
    const token = randomBytes(32)
    const [here, there] = await Promise.all([blindEnd(key, token, true), blindEnd(key, token, false)])
    // The relay knows where to send to as soon as something has come from there.
    here.write(Buffer.from('by way of'))
    there.write(Buffer.from('the relay'))
    const [[first], [second]] = await Promise.all([once(there, 'data'), once(here, 'data')])
    expect([first, second].map(String)).toEqual(['by way of', 'the relay'])
  })
})

/** The relay needs a moment to announce itself, and says when it has. */
async function blindKey(url: string): Promise<Buffer | null> {
  const control = await joinRelay(url, randomBytes(32), randomBytes(32))
  defer(() => control.ws.terminate())
  return (await control.next('joined')).blind ?? (await control.next('blind')).key
}

async function blindEnd(key: Buffer, token: Buffer, isInitiator: boolean): Promise<Duplex> {
  const dht = testnet.createNode()
  const socket = dht.connect(key)
  socket.on('error', () => {})
  const raw = dht.createRawStream()
  raw.on('error', () => {})
  defer(() => raw.destroy())
  const client = blindRelay.Client.from(socket, { id: socket.publicKey })
  const [remoteId] = await once(client.pair(isInitiator, token, raw), 'data')
  const { remoteHost, remotePort, socket: udp } = socket.rawStream as unknown as Record<string, unknown>
  ;(raw as unknown as { connect(...args: unknown[]): void }).connect(udp, remoteId, remotePort, remoteHost)
  return raw
}

/** Joins, looks, and finds the one peer that there is. */
async function meet(url: string, topic: Buffer) {
  const keyPair = DHT.keyPair()
  const control = await joinRelay(url, topic, keyPair.publicKey)
  defer(() => control.ws.terminate())
  await control.next('joined')
  for (;;) {
    control.say({ type: 'look' })
    const { keys } = await control.next('found')
    const [key] = keys
    if (key) return { control, keyPair, key }
  }
}

function collect(stream: NoiseStream, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    stream.once('close', () => reject(new Error(`closed after ${length} of ${bytes} bytes`)))
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= bytes) resolve(Buffer.concat(chunks))
    })
  })
}
