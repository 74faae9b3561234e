import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type ClientMessage,
  encodeMessage,
  parseClientMessage,
  SUBPROTOCOL
} from '../../src/transport/relay/protocol.js'
import { defer } from '../helpers/cleanup.js'
import { startRelay } from '../helpers/relay-server.js'
import { agreed, newTopic, TestPeer } from './transport-peers.js'

const JOINED = encodeMessage({ type: 'joined', lanes: 8, dht: true, blind: null })

/** A relay in the hands of the test. */
class FakeRelay {
  readonly heard: ClientMessage[] = []
  sockets = 0
  /** The most sockets at once. */
  peak = 0
  url = ''
  readonly #server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL })

  /** @param answer called with the first message of each socket, and with each one after it */
  static async open(answer: (socket: WebSocket, message: ClientMessage) => void): Promise<FakeRelay> {
    const relay = new FakeRelay()
    relay.#server.on('connection', (socket) => {
      relay.sockets++
      relay.peak = Math.max(relay.peak, relay.sockets)
      socket.on('error', () => {})
      socket.on('close', () => relay.sockets--)
      socket.on('message', (data, isBinary) => {
        const message = isBinary ? null : parseClientMessage(String(data))
        if (message) relay.heard.push(message)
        if (message) answer(socket, message)
      })
    })
    await once(relay.#server, 'listening')
    relay.url = `ws://127.0.0.1:${(relay.#server.address() as AddressInfo).port}`
    defer(() => {
      for (const socket of relay.#server.clients) socket.terminate()
      relay.#server.close()
    })
    return relay
  }

  count(type: ClientMessage['type']): number {
    return this.heard.filter((message) => message.type === type).length
  }
}

function circuit(token: Buffer, options: { key?: Buffer; initiator?: boolean; bridge?: boolean } = {}): string {
  const { key = randomBytes(32), initiator = true, bridge = false } = options
  return encodeMessage({ type: 'circuit', circuit: token, key, initiator, bridge })
}

async function note(peer: TestPeer, text: RegExp): Promise<string> {
  await peer.until(() => peer.all('note').some(({ message }) => text.test(message)), `a note like ${text}`)
  return peer.all('note').find(({ message }) => text.test(message))?.message ?? ''
}

describe('a hostile relay', () => {
  it.each<[string, (socket: WebSocket) => void, RegExp]>([
    ['speaks nonsense', (socket) => socket.send('{"type":'), /does not keep to the protocol/],
    ['sends messages of no kind', (socket) => socket.send('{"type":"constructor"}'), /does not keep to the protocol/],
    ['sends content on a control socket', (socket) => socket.send(randomBytes(100)), /does not keep to the protocol/],
    [
      'sends what no one asked for first',
      (socket) => socket.send('{"type":"paired"}'),
      /does not keep to the protocol/
    ],
    [
      'says joined twice',
      (socket) => [JOINED, JOINED].map((text) => socket.send(text)),
      /does not keep to the protocol/
    ],
    ['sends too much at once', (socket) => socket.send('x'.repeat(1e6)), /does not keep to the protocol/],
    ['lets nobody in', () => {}, /does not let us in/],
    ['hangs up', (socket) => socket.close(), /closed the connection/],
    [
      'refuses with escape sequences',
      (socket) => socket.send(encodeMessage({ type: 'refused', message: 'no\u001b[2J\u202e!' })),
      /: no\?\[2J\?!; trying/
    ]
  ])('that %s is told of, and tried again', async (_what, answer, text) => {
    const relay = await FakeRelay.open((socket, { type }) => type === 'join' && answer(socket))
    const peer = await TestPeer.open({ topic: newTopic(), relays: [relay.url] })
    await note(peer, text)
    peer.network.refresh()
    await vi.waitFor(() => expect(relay.count('join')).toBeGreaterThan(1), 8000)
    expect(peer.all('note')).toHaveLength(1)
  })

  it('can not make it open more than a few sockets, nor keep any afterwards', async () => {
    const relay = await FakeRelay.open((socket, { type }) => {
      if (type !== 'join') return
      socket.send(JOINED)
      for (let count = 0; count < 500; count++) socket.send(circuit(randomBytes(32), { initiator: count % 2 === 0 }))
    })
    const peer = await TestPeer.open({ topic: newTopic(), relays: [relay.url] })
    await vi.waitFor(() => expect(relay.count('drop')).toBe(500 - 16))
    await vi.waitFor(() => expect(relay.count('lane')).toBe(16))
    expect(relay.peak).toBe(17)
    await peer.network.close()
    await vi.waitFor(() => expect(relay.sockets).toBe(0))
  })

  it('can not have it ask for more than a few circuits at once, whatever members it makes up', async () => {
    const relay = await FakeRelay.open((socket, { type }) => {
      if (type !== 'join') return
      socket.send(JOINED)
      for (let round = 0; round < 50; round++) {
        const members = Array.from({ length: 64 }, () => ({ id: randomBytes(8).toString('hex'), key: randomBytes(32) }))
        socket.send(encodeMessage({ type: 'members', members }))
      }
    })
    const peer = await TestPeer.open({ topic: newTopic(), relays: [relay.url] })
    await vi.waitFor(() => expect(relay.count('connect')).toBeGreaterThan(0))
    await vi.waitFor(() => expect(relay.count('connect')).toBe(8))
    await peer.network.close()
    expect(relay.count('connect')).toBe(8)
  })

  it('is not believed about who is there', async () => {
    const tokens = [randomBytes(32), randomBytes(32)]
    const controls: WebSocket[] = []
    const lanes: WebSocket[] = []
    const relay = await FakeRelay.open((socket, message) => {
      if (message.type === 'lane') {
        lanes.push(socket)
        const [one, other] = lanes
        if (!one || !other) return
        one.send(encodeMessage({ type: 'paired' }))
        other.send(encodeMessage({ type: 'paired' }))
        one.on('message', (data) => other.send(data as Buffer))
        other.on('message', (data) => one.send(data as Buffer))
      } else if (message.type === 'join') {
        socket.send(JOINED)
        if (controls.push(socket) < 2) return
        // Both are told another key than that of the other end.
        controls.forEach((control, side) => {
          control.send(circuit(tokens[side] as Buffer, { initiator: side === 0 }))
        })
      }
    })
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [relay.url] })
    const b = await TestPeer.open({ topic, relays: [relay.url] })
    await vi.waitFor(() => expect(relay.count('drop')).toBe(2))
    await vi.waitFor(() => expect(lanes.every(({ readyState }) => readyState === WebSocket.CLOSED)).toBe(true), 4000)
    expect(a.handed.length + b.handed.length).toBe(0)
  })

  it.each<[string, (socket: WebSocket, token: Buffer, key: Buffer) => void]>([
    ['opens it before the handshake', (socket, token) => socket.send(encodeMessage({ type: 'open', circuit: token }))],
    [
      'answers with noise of its own',
      (socket, token) => {
        socket.send(encodeMessage({ type: 'noise', circuit: token, step: 'send', data: Buffer.from('x') }))
        socket.send(encodeMessage({ type: 'noise', circuit: token, step: 'receive', data: randomBytes(100) }))
      }
    ],
    [
      'asks for two first messages',
      (socket, token) => {
        for (let time = 0; time < 2; time++) {
          socket.send(encodeMessage({ type: 'noise', circuit: token, step: 'send', data: Buffer.from('x') }))
        }
      }
    ],
    [
      'wants the answer read first',
      (socket, token) =>
        socket.send(encodeMessage({ type: 'noise', circuit: token, step: 'receive', data: randomBytes(48) }))
    ]
  ])('gets no further with a bridge when it %s', async (_what, attack) => {
    const token = randomBytes(32)
    const key = randomBytes(32)
    const relay = await FakeRelay.open((socket, message) => {
      if (message.type === 'join') socket.send(JOINED)
      if (message.type === 'look') socket.send(encodeMessage({ type: 'found', keys: [key] }))
      if (message.type !== 'dial') return
      socket.send(circuit(token, { key, bridge: true }))
      attack(socket, token, key)
    })
    const peer = await TestPeer.open({ topic: newTopic(), relays: [relay.url] })
    await vi.waitFor(() => expect(relay.count('drop')).toBe(1), 4000)
    expect(relay.count('lane')).toBe(0)
    // It counts as a failure, after which the key is tried again a little later.
    await vi.waitFor(() => expect(relay.count('dial')).toBe(2), 4000)
    expect(peer.handed).toHaveLength(0)
  })

  it('can not steer circuits that it did not announce', async () => {
    const relay = await FakeRelay.open((socket, { type }) => {
      if (type !== 'join') return
      socket.send(JOINED)
      const token = randomBytes(32)
      socket.send(encodeMessage({ type: 'noise', circuit: token, step: 'send', data: Buffer.alloc(9) }))
      socket.send(encodeMessage({ type: 'open', circuit: token }))
      socket.send(encodeMessage({ type: 'failed', key: randomBytes(32), circuit: token, message: 'x' }))
      socket.send(encodeMessage({ type: 'failed', key: randomBytes(32), circuit: null, message: 'x' }))
      socket.send(circuit(token, { initiator: false, bridge: true }))
    })
    const peer = await TestPeer.open({ topic: newTopic(), relays: [relay.url] })
    await vi.waitFor(() => expect(relay.count('drop')).toBe(1))
    expect(relay.count('lane') + relay.count('noise')).toBe(0)
    expect(peer.all('note')).toEqual([])
  })
})

type Attack = (frame: Buffer, send: (frame: Buffer) => void, count: number) => void

/** Stands between the clients and an honest relay, and does what it likes with what the lanes carry. */
async function between(attack: () => Attack): Promise<string> {
  const honest = await startRelay()
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => SUBPROTOCOL })
  await once(server, 'listening')
  defer(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  server.on('connection', (client) => {
    const onward = new WebSocket(honest.url, SUBPROTOCOL)
    const early: Array<[Buffer, boolean]> = []
    const act = attack()
    let count = 0
    onward.on('open', () => {
      for (const [data, binary] of early.splice(0)) onward.send(data, { binary })
    })
    client.on('message', (data: Buffer, binary) => {
      if (onward.readyState === WebSocket.CONNECTING) early.push([data, binary])
      else onward.send(data, { binary })
    })
    onward.on('message', (data: Buffer, binary) => {
      if (!binary) client.send(data, { binary })
      else act(data, (frame) => client.send(frame), count++)
    })
    for (const [one, other] of [
      [client, onward],
      [onward, client]
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.close())
    }
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a relay that tampers with what it carries', () => {
  // The handshake takes the first three messages or so; what comes later is content.
  const isContent = (frame: Buffer) => frame[0] === 0 && frame.length > 200
  const cases: Array<[string, () => Attack]> = [
    [
      'changes a byte',
      () => (frame, send) => {
        if (isContent(frame)) frame[frame.length - 1] = (frame[frame.length - 1] as number) ^ 1
        send(frame)
      }
    ],
    ['leaves some out', () => (frame, send) => (isContent(frame) ? undefined : send(frame))],
    [
      'repeats',
      () => (frame, send) => {
        send(frame)
        if (isContent(frame)) send(frame)
      }
    ],
    ['cuts short', () => (frame, send) => send(isContent(frame) ? frame.subarray(0, -5) : frame)],
    [
      'makes one up',
      () => (frame, send) => {
        if (isContent(frame)) send(Buffer.concat([frame.subarray(0, 7), randomBytes(500)]))
        else send(frame)
      }
    ],
    [
      'swaps two contents',
      () => {
        let kept: Buffer | null = null
        return (frame, send) => {
          if (!isContent(frame)) return send(frame)
          if (!kept) {
            kept = Buffer.from(frame)
            return
          }
          send(Buffer.concat([kept.subarray(0, 7), frame.subarray(7)]))
          send(Buffer.concat([frame.subarray(0, 7), kept.subarray(7)]))
          kept = null
        }
      }
    ]
  ]

  it.each(cases)('%s: nothing false comes through', async (what, attack) => {
    const url = await between(attack)
    const topic = newTopic()
    const a = await TestPeer.open({ topic, relays: [url] })
    const b = await TestPeer.open({ topic, relays: [url] })
    await agreed(a, b)
    const texts = Array.from({ length: 8 }, (_, index) => `${index}`.repeat(1000))
    const { stream } = a.only
    const closed = new Promise((resolve) => stream.once('close', resolve))
    for (const text of texts) stream.write(Buffer.from(text))
    // What was left out, or is said to be longer than it is, is waited for, as with a relay that just stops.
    if (['leaves some out', 'makes one up'].includes(what)) stream.destroy()
    await closed
    for (const text of b.received) expect(['by relay', ...texts]).toContain(text)
    expect(b.received.filter((text) => text.length > 100).length).toBeLessThan(texts.length)
  })
})
