import { expect, it } from 'vitest'
import { parseRelay, relayInLink, relayOfLink } from '../../../src/base/relay-url.js'

it.each([
  ['wss://relay.example.org', 'wss://relay.example.org'],
  ['  WSS://Relay.Example.org:443/ ', 'wss://relay.example.org'],
  ['ws://127.0.0.1:8080/', 'ws://127.0.0.1:8080'],
  ['https://host/dat/', 'wss://host/dat/'],
  ['http://host:80', 'ws://host'],
  ['host', 'wss://host'],
  ['host:8443', 'wss://host:8443'],
  ['localhost:8443/dat', 'wss://localhost:8443/dat'],
  ['[::1]:8443', 'wss://[::1]:8443'],
  ['ws://[::1]', 'ws://[::1]']
])('reads %s', (text, url) => {
  expect(parseRelay(text)).toBe(url)
  expect(relayOfLink(relayInLink(url))).toBe(url)
  expect(relayInLink(url)).toMatch(/^[\w:.,~[\]-]+$/)
})

it.each([
  '',
  'wss://',
  'ftp://host',
  'wss://user@host',
  'wss://user:password@host',
  'wss://host?x',
  'wss://host#x',
  'wss://host/a b',
  'wss://host/%41',
  'wss://host/~x',
  'wss://host:0',
  'wss://host:70000',
  'wss://ho st',
  'wss://host;rm',
  'host:port'
])('refuses "%s"', (text) => {
  expect(parseRelay(text)).toBeNull()
})
