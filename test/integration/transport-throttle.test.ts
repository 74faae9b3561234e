import { createHash, randomBytes } from 'node:crypto'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Limits, NoiseStream } from '../../src/transport/transport.js'
import { newTopic, TestPeer } from './transport-peers.js'

const LISTEN = { listen: { host: '127.0.0.1', port: 0 } }
const MESSAGE = 1024 * 1024
const RATE = 1_000_000
const SECONDS = 4

let testnet: Testnet
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

/** Writes large messages as fast as the stream takes them, as the replicator does. */
function flood(stream: NoiseStream): { most: number } {
  const message = randomBytes(MESSAGE)
  const state = { most: 0 }
  let handed = 0
  const more = () => {
    if (stream.destroying) return
    handed += MESSAGE
    state.most = Math.max(state.most, handed - stream.rawBytesWritten)
    if (stream.write(message)) setImmediate(more)
    else stream.once('drain', more)
  }
  more()
  return state
}

/** Bytes per second that arrive by the given counter, after the first second. */
async function measure(counter: () => number): Promise<number> {
  await pause(1000)
  const [bytes, at] = [counter(), performance.now()]
  await pause(SECONDS * 1000)
  return ((counter() - bytes) / (performance.now() - at)) * 1000
}

/** The passing of time is what is measured here. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function within(rate: number, limit: number): void {
  expect(rate / limit).toBeGreaterThan(0.95)
  expect(rate / limit).toBeLessThan(1.05)
}

async function pair(sender: Partial<Limits>, receiver: Partial<Limits>, udx = false) {
  const topic = newTopic()
  const none = { up: null, down: null }
  const way = udx ? { dht: true, bootstrap: testnet.bootstrap } : {}
  const from = await TestPeer.open({ topic, ...way, ...(udx ? {} : LISTEN), limits: { ...none, ...sender } })
  const peers = udx ? [] : from.network.listening
  const to = await TestPeer.open({ topic, ...way, peers, limits: { ...none, ...receiver } })
  await Promise.all([from.event('peer.connected'), to.event('peer.connected')])
  return { from, to }
}

describe('a limit', () => {
  test.each([
    ['up', false],
    ['down', false],
    ['up', true]
  ] as const)('%s is kept (over UDX: %s), and the writer has to wait', async (direction, udx) => {
    const limits = { [direction]: RATE }
    const { from, to } = await pair(direction === 'up' ? limits : {}, direction === 'down' ? limits : {}, udx)
    expect(from.only.route).toBe(udx ? 'direct' : 'tcp')
    const state = flood(from.only.stream)
    within(await measure(() => to.network.heard), RATE)
    // What is held back is a message or two, not what was written in all.
    expect(state.most).toBeLessThan(4 * MESSAGE)
  })

  test('is for all peers together, and each gets its part', async () => {
    const topic = newTopic()
    const from = await TestPeer.open({ topic, ...LISTEN, limits: { up: RATE, down: null } })
    const options = { topic, peers: from.network.listening }
    const to = await Promise.all([TestPeer.open(options), TestPeer.open(options)])
    await Promise.all(to.map((peer) => peer.event('peer.connected')))
    await from.event('peer.connected', 2)
    for (const { stream } of from.network.peers.values()) flood(stream)
    const [first, second] = to as [TestPeer, TestPeer]
    const rates = Promise.all([measure(() => first.network.heard), measure(() => second.network.heard)])
    const [a, b] = await rates
    within(a + b, RATE)
    expect(Math.abs(a - b)).toBeLessThan(RATE / 10)
  })

  test('on what comes down is for all peers together', async () => {
    const topic = newTopic()
    const to = await TestPeer.open({ topic, ...LISTEN, limits: { up: null, down: RATE } })
    const options = { topic, peers: to.network.listening }
    const from = await Promise.all([TestPeer.open(options), TestPeer.open(options)])
    await to.event('peer.connected', 2)
    for (const peer of from) flood(peer.only.stream)
    within(await measure(() => to.network.heard), RATE)
  })

  test('of one stream is kept over UDX, can be changed, and taken back', async () => {
    const { from, to } = await pair({}, {}, true)
    const { stream } = from.only
    flood(stream)
    // One that would take an hour for the next piece does not hold the next one up.
    from.network.pace(stream, 1)
    from.network.pace(stream, RATE)
    // Only what was under way before comes at once.
    await to.until(() => to.received.length >= 3, 'the first messages')
    within(await measure(() => to.network.heard), RATE)
    from.network.pace(stream, null)
    expect(await measure(() => to.network.heard)).toBeGreaterThan(4 * RATE)
  })

  test('changes nothing of what arrives, and lets a stream end in good order', async () => {
    const { from, to } = await pair({ up: 4 * RATE }, { down: 4 * RATE })
    const sent = createHash('sha256')
    const got = createHash('sha256')
    // What the helper sends by itself comes first.
    await to.until(() => to.received.length === 1, 'the greeting')
    const { stream } = to.only
    stream.on('data', (data: Buffer) => got.update(data))
    for (let i = 0; i < 40; i++) {
      const message = randomBytes(1 + ((i * 7919) % 200_000))
      sent.update(message)
      from.only.stream.write(message)
    }
    const ended = new Promise<void>((resolve) => stream.once('end', () => resolve()))
    from.only.stream.end()
    await ended
    expect(got.digest('hex')).toBe(sent.digest('hex'))
  })
})

test('a limit so low that a message takes longer than a silence may last does not end the stream', async () => {
  const { from, to } = await pair({ up: 20_000 }, { down: 20_000 })
  const { stream } = to.only
  flood(from.only.stream)
  within(
    await (async () => {
      await pause(2000)
      const [bytes, at] = [to.network.heard, performance.now()]
      await pause(22_000)
      return ((to.network.heard - bytes) / (performance.now() - at)) * 1000
    })(),
    20_000
  )
  expect(stream.destroying).toBe(false)
  expect(from.all('peer.disconnected')).toHaveLength(0)
})
