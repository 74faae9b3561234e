import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { decodeFrame, encodeAck, encodeData, encodeEnd, encodeWiden } from '../../src/transport/relay/frames.js'
import {
  type ClientMessage,
  encodeMessage,
  MAX_MEMBERS,
  MAX_PAYLOAD_BYTES,
  MAX_TEXT_BYTES,
  parseClientMessage,
  parseRelayMessage,
  type RelayMessage
} from '../../src/transport/relay/protocol.js'

const key = randomBytes(32)
const circuit = randomBytes(32)
const data = randomBytes(100)

describe('messages arrive as they were sent', () => {
  const client: ClientMessage[] = [
    { type: 'join', topic: circuit, key },
    { type: 'look' },
    { type: 'connect', id: 'a1' },
    { type: 'dial', key },
    { type: 'noise', circuit, data, secret: null, remoteId: null },
    { type: 'noise', circuit, data, secret: key, remoteId: key },
    { type: 'drop', circuit },
    { type: 'lane', circuit, lane: 7 }
  ]
  test.each(client)('from a client: $type', (message) => {
    expect(parseClientMessage(encodeMessage(message))).toEqual(message)
  })
  const relay: RelayMessage[] = [
    { type: 'joined', lanes: 8, dht: true, blind: key },
    { type: 'joined', lanes: 1, dht: false, blind: null },
    { type: 'blind', key },
    { type: 'blind', key: null },
    { type: 'members', members: [{ id: 'a1', key }] },
    { type: 'members', members: [] },
    { type: 'found', keys: [key, circuit] },
    { type: 'circuit', circuit, key, initiator: true, bridge: false },
    { type: 'noise', circuit, step: 'receive', data },
    { type: 'open', circuit },
    { type: 'failed', key, circuit: null, message: 'nobody there' },
    { type: 'paired' },
    { type: 'refused', message: 'full' }
  ]
  test.each(relay)('from a relay: $type', (message) => {
    expect(parseRelayMessage(encodeMessage(message))).toEqual(message)
  })
  test('the longest list fits into a message', () => {
    const members = Array.from({ length: MAX_MEMBERS }, (_, i) => ({ id: `${i}`.padStart(64, 'x'), key }))
    const text = encodeMessage({ type: 'members', members })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_TEXT_BYTES)
    expect(parseRelayMessage(text)).toEqual({ type: 'members', members })
  })
})

describe('what does not fit is nothing', () => {
  const good = { type: 'join', topic: key.toString('hex'), key: key.toString('hex') }
  test.each([
    ['no JSON', '{'],
    ['no object', '[1]'],
    ['null', 'null'],
    ['a word', '"join"'],
    ['no type', '{}'],
    ['a type of Object’s', '{"type":"constructor"}'],
    ['a prototype', '{"type":"__proto__"}'],
    ['a field that is missing', JSON.stringify({ ...good, key: undefined })],
    ['a key that is too short', JSON.stringify({ ...good, key: 'ab' })],
    ['a key in capitals', JSON.stringify({ ...good, key: key.toString('hex').toUpperCase().replace(/\d/g, 'A') })],
    ['a key that is a list', JSON.stringify({ ...good, key: [good.key] })],
    ['a lane that is none', JSON.stringify({ type: 'lane', circuit: good.key, lane: 8 })],
    ['half a lane', JSON.stringify({ type: 'lane', circuit: good.key, lane: 0.5 })],
    ['an id that is too long', JSON.stringify({ type: 'connect', id: 'x'.repeat(65) })],
    ['handshakes that are not base64', JSON.stringify({ type: 'noise', circuit: good.key, data: '*', secret: null })],
    ['a message that is too long', JSON.stringify({ ...good, more: 'x'.repeat(MAX_TEXT_BYTES) })]
  ])('%s', (_name, text) => {
    expect(parseClientMessage(text)).toBeNull()
    expect(parseRelayMessage(text)).toBeNull()
  })
  test('a list that is too long', () => {
    const keys = Array.from({ length: MAX_MEMBERS + 1 }, () => key)
    expect(parseRelayMessage(encodeMessage({ type: 'found', keys }))).toBeNull()
  })
  test('what a client says is not taken from a relay, and the other way round', () => {
    expect(parseRelayMessage(JSON.stringify(good))).toBeNull()
    expect(parseClientMessage(encodeMessage({ type: 'paired' }))).toBeNull()
  })
})

describe('frames', () => {
  test('arrive as they were sent', () => {
    expect(decodeFrame(encodeData(2 ** 47, data))).toEqual({ kind: 'data', serial: 2 ** 47, payload: data })
    expect(decodeFrame(encodeEnd(7))).toEqual({ kind: 'end', serial: 7 })
    expect(decodeFrame(encodeAck(2 ** 40, 3))).toEqual({ kind: 'ack', delivered: 2 ** 40, arrived: 3 })
    expect(decodeFrame(encodeWiden())).toEqual({ kind: 'widen' })
  })
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['an unknown kind', Buffer.alloc(13, 9)],
    ['data without content', encodeData(0, Buffer.alloc(0))],
    ['too much content', encodeData(0, Buffer.alloc(MAX_PAYLOAD_BYTES + 1))],
    ['half an end', encodeEnd(1).subarray(0, 5)],
    ['an ack with more behind it', Buffer.concat([encodeAck(1, 1), data])]
  ])('%s is no frame', (_name, frame) => {
    expect(decodeFrame(frame)).toBeNull()
  })
  test('random bytes never throw', () => {
    for (let i = 0; i < 20_000; i++) {
      const bytes = randomBytes(i % 40)
      decodeFrame(bytes)
      parseClientMessage(bytes.toString('latin1'))
      parseRelayMessage(bytes.toString('latin1'))
    }
  })
})
