import { randomBytes } from 'node:crypto'
import type { Answer, Packet } from 'multicast-dns'
import { describe, expect, test } from 'vitest'
import {
  announce,
  asksFor,
  instanceId,
  instanceName,
  readAnnouncement,
  SERVICE
} from '../../src/transport/lan-records.js'

const topic = randomBytes(32)
const name = instanceName(topic)
const id = instanceId(randomBytes(32))

describe('the name of a share on the local network', () => {
  test('is a DNS label of 40 hex digits, the same everywhere, and does not contain the topic', () => {
    expect(name).toMatch(new RegExp(`^[0-9a-f]{40}\\.${SERVICE.replaceAll('.', '\\.')}$`))
    expect(instanceName(Buffer.from(topic))).toBe(name)
    expect(instanceName(randomBytes(32))).not.toBe(name)
    expect(topic.toString('hex')).not.toContain(name.slice(0, 40))
  })
})

describe('an announcement', () => {
  test('is read back, from answers and from additionals', () => {
    const records = announce(name, { id, port: 4000, goodbye: false })
    expect(readAnnouncement(name, { answers: records })).toEqual({ id, port: 4000, goodbye: false })
    expect(readAnnouncement(name, { additionals: records })).toEqual({ id, port: 4000, goodbye: false })
  })

  test('with a lifetime of 0 is a goodbye', () => {
    const records = announce(name, { id, port: 4000, goodbye: true })
    expect(readAnnouncement(name, { answers: records })?.goodbye).toBe(true)
  })

  test('does not depend on case, and not on strange records beside it', () => {
    const records = announce(name.toUpperCase(), { id, port: 4000, goodbye: false })
    const strange = [{ name: 'x', type: 'A', data: null }, { type: 'SRV' }] as Answer[]
    expect(readAnnouncement(name, { answers: [...strange, ...records] })).toEqual({ id, port: 4000, goodbye: false })
  })

  const [srv, txt] = announce(name, { id, port: 4000, goodbye: false }) as [Answer, Answer]
  test.each<[string, Packet]>([
    ['nothing', {}],
    ['no id', { answers: [srv] }],
    ['no port', { answers: [txt] }],
    ['port 0', { answers: [{ ...srv, data: { port: 0, target: 'x' } }, txt] }],
    ['port 65536', { answers: [{ ...srv, data: { port: 65536, target: 'x' } }, txt] }],
    ['a port that is a text', { answers: [{ ...srv, data: { port: '22', target: 'x' } }, txt] }],
    ['no data', { answers: [{ ...srv, data: null }, txt] }],
    ['a short id', { answers: [srv, { ...txt, data: [Buffer.from('id=ab')] }] }],
    ['an id that is no hex', { answers: [srv, { ...txt, data: [Buffer.from(`id=${'g'.repeat(32)}`)] }] }],
    ['another name', { answers: announce(instanceName(randomBytes(32)), { id, port: 1, goodbye: false }) }]
  ])('is not read from %s', (_what, packet) => {
    expect(readAnnouncement(name, packet)).toBeNull()
  })
})

test('a question is ours when it asks for our name', () => {
  expect(asksFor(name, { questions: [{ name, type: 'SRV' }] })).toBe(true)
  expect(asksFor(name, { questions: [{ name: name.toUpperCase(), type: 'ANY' }] })).toBe(true)
  expect(asksFor(name, { questions: [{ name, type: 'A' }] })).toBe(false)
  expect(asksFor(name, { questions: [{ name: SERVICE, type: 'SRV' }] })).toBe(false)
  expect(asksFor(name, {})).toBe(false)
})
