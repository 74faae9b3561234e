import { describe, expect, test } from 'vitest'
import { resolveNodes } from '../../src/transport/bootstrap.js'
import { formatHostPort, isLoopback, parseHostPort, plainAddress } from '../../src/transport/host-port.js'
import { dialableAddresses } from '../../src/transport/tcp.js'

describe('parseHostPort', () => {
  test.each([
    ['example.org:4000', { host: 'example.org', port: 4000 }],
    ['192.168.1.20:0', { host: '192.168.1.20', port: 0 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    ['[2001:db8::7]:65535', { host: '2001:db8::7', port: 65535 }],
    ['4000', { host: '', port: 4000 }],
    [':4000', { host: '', port: 4000 }],
    [' localhost:1 ', { host: 'localhost', port: 1 }]
  ])('reads %s', (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected)
  })

  test.each([
    '',
    'host',
    'host:',
    'host:65536',
    'host:-1',
    'host:1x',
    '::1:80',
    '[::1]',
    '[host]:80',
    'a b:1',
    'http://x:1'
  ])('refuses %j', (text) => {
    expect(() => parseHostPort(text)).toThrowError(expect.objectContaining({ code: 'USAGE' }))
  })

  test('is undone by formatHostPort', () => {
    for (const text of ['example.org:4000', '[::1]:80']) {
      const { host, port } = parseHostPort(text)
      expect(formatHostPort(host, port)).toBe(text)
    }
  })
})

test('addresses of sockets on both families are shown as plain IPv4', () => {
  expect(plainAddress('::ffff:10.1.2.3')).toBe('10.1.2.3')
  expect(plainAddress('fe80::1')).toBe('fe80::1')
})

test('loopback is told from the rest', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1']) expect(isLoopback(host)).toBe(true)
  for (const host of ['10.0.0.1', '127.example.org', '1270.0.0.1', '::']) expect(isLoopback(host)).toBe(false)
})

test('addresses for the link: the one that was asked for, otherwise none that starts with 127 unless there is no other', () => {
  expect(dialableAddresses('192.0.2.1', 4000)).toEqual(['192.0.2.1:4000'])
  expect(dialableAddresses('::1', 4000)).toEqual(['[::1]:4000'])
  const all = dialableAddresses('0.0.0.0', 4000)
  expect(all.length).toBeGreaterThan(0)
  expect(all.every((address) => /^\d+\.\d+\.\d+\.\d+:4000$/.test(address))).toBe(true)
  expect(all.length === 1 || !all.some((address) => address.startsWith('127.'))).toBe(true)
})

test('nodes with addresses need no name server, and keep their order', async () => {
  const nodes = [
    { host: '127.0.0.1', port: 2 },
    { host: 'localhost', port: 1 }
  ]
  expect(await resolveNodes(nodes)).toEqual([
    { host: '127.0.0.1', port: 2 },
    { host: '127.0.0.1', port: 1 }
  ])
  expect(await resolveNodes([])).toEqual([])
})
