import { describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import { formatKey, formatLink, looksLikeLink, parseLink, shortId } from '../../../src/base/link.js'

const KEY = Buffer.from('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'hex')
const HEX = KEY.toString('hex')
const Z32 = formatKey(KEY)

function refusal(text: string): DatError {
  try {
    parseLink(text)
  } catch (error) {
    if (error instanceof DatError) return error
    throw error
  }
  throw new Error(`${text} was accepted`)
}

describe('parseLink', () => {
  it('reads z-base-32 and hex, with and without dat://, in any case, with space around it', () => {
    expect(Z32).toHaveLength(52)
    for (const text of [
      `dat://${Z32}`,
      Z32,
      HEX,
      `dat://${HEX}`,
      HEX.toUpperCase(),
      `DAT://${Z32.toUpperCase()}`,
      ` ${Z32}\n`
    ]) {
      expect(parseLink(text)).toEqual({ key: KEY, version: null, addresses: [], relays: [], path: '' })
    }
  })

  it('reads version, addresses and path, alone and together', () => {
    expect(parseLink(`dat://${Z32}+42`)).toMatchObject({ version: 42, addresses: [], path: '' })
    expect(parseLink(`dat://${Z32}@192.168.1.2:4000`)).toMatchObject({ addresses: ['192.168.1.2:4000'] })
    expect(parseLink(`${Z32}@host.example.org:1,[fe80::1]:65535`)).toMatchObject({
      addresses: ['host.example.org:1', '[fe80::1]:65535']
    })
    expect(parseLink(`${Z32}/data/2026/`)).toMatchObject({ path: 'data/2026', version: null })
    expect(parseLink(`dat://${HEX}+7@[::1]:80/a b/ü@x+1`)).toEqual({
      key: KEY,
      version: 7,
      addresses: ['[::1]:80'],
      relays: [],
      path: 'a b/ü@x+1'
    })
  })

  it('reads back what formatLink writes', () => {
    expect(formatLink(KEY)).toBe(`dat://${Z32}`)
    const text = formatLink(KEY, { version: 3, addresses: ['a:1', '[::1]:2'] })
    expect(parseLink(text)).toEqual({ key: KEY, version: 3, addresses: ['a:1', '[::1]:2'], relays: [], path: '' })
  })

  it('reads relays among the addresses, in a form that no shell touches', () => {
    const relays = ['wss://relay.example.org', 'ws://127.0.0.1:8080', 'wss://[2001:db8::1]:8443/a/b-c', 'ws://h/dat']
    const text = formatLink(KEY, { addresses: ['a:1'], relays })
    const places = 'a:1,wss:relay.example.org:443,ws:127.0.0.1:8080,wss:[2001:db8::1]:8443~a~b-c,ws:h:80~dat'
    expect(text).toBe(`dat://${Z32}@${places}`)
    expect(parseLink(`${text}/sub/folder`)).toEqual({
      key: KEY,
      version: null,
      addresses: ['a:1'],
      relays,
      path: 'sub/folder'
    })
  })

  it('takes a host that is called wss for a host', () => {
    expect(parseLink(`${Z32}@wss:443`)).toMatchObject({ addresses: ['wss:443'], relays: [] })
  })

  it('writes and reads at most eight relays', () => {
    const relays = Array.from({ length: 9 }, (_, index) => `wss://relay${index}`)
    expect(parseLink(formatLink(KEY, { relays })).relays).toEqual(relays.slice(0, 8))
    const nine = relays.map((url) => `wss:${url.slice(6)}:443`).join()
    expect(refusal(`${Z32}@${nine}`).code).toBe('NOT_A_LINK')
  })

  it.each([
    ['51 characters', Z32.slice(0, 51), '51'],
    ['53 characters', `${Z32}y`, '53'],
    ['hex of 63', HEX.slice(0, 63), '63'],
    ['hex of 65', `${HEX}0`, '65'],
    ['a letter outside the alphabet', `${Z32.slice(0, 51)}l`, '52'],
    ['nothing', '', '0'],
    ['only the scheme', 'dat://', '0']
  ])('refuses %s and says how long the key is', (_name, text, length) => {
    const error = refusal(text)
    expect(error.code).toBe('NOT_A_LINK')
    expect(error.exitCode).toBe(10)
    expect(error.message).toContain(length)
  })

  it('refuses a last letter with bits that do not belong to the key: one key, one text', () => {
    const alphabet = 'ybndrfg8ejkmcpqxot1uwisza345h769'
    const last = alphabet.indexOf(Z32.at(-1) ?? '')
    for (let bits = 1; bits < 16; bits++) {
      expect(refusal(Z32.slice(0, 51) + alphabet[last ^ bits]).code).toBe('NOT_A_LINK')
    }
  })

  it.each([
    '+',
    '+0',
    '+-1',
    '+1.5',
    '+x',
    '+9007199254740993',
    '@',
    '@host',
    '@host:0',
    '@host:65536',
    '@:80',
    '@a:1,',
    '@a b:1',
    '@::1:80',
    '@user@host:1',
    '@wss:host',
    '@wss:host:0',
    '@wss:host:65536',
    '@wss:user@host:1',
    '@ws::80',
    '@http:host:80',
    '@wss:host:443~a b',
    '@wss:host:443~a?b',
    '@wss:ho$t:443',
    '@wss://host:443'
  ])('refuses the suffix %s', (suffix) => {
    expect(refusal(Z32 + suffix).code).toBe('NOT_A_LINK')
  })

  it('never repeats the key in an error', () => {
    for (const text of [`${Z32}y`, Z32.slice(0, 51), `${Z32}+x`, `${Z32}@nowhere`, HEX.slice(1)]) {
      const error = refusal(text)
      expect(error.message + error.hint).not.toContain(Z32.slice(0, 12))
      expect(error.message + error.hint).not.toContain(HEX.slice(1, 13))
    }
  })

  it('says what an invite is for', () => {
    expect(refusal('dat://invite-abc')).toMatchObject({
      code: 'NOT_A_LINK',
      hint: expect.stringContaining('dat clone')
    })
  })
})

describe('looksLikeLink', () => {
  it('tells links from names of folders', () => {
    for (const text of [`dat://${Z32}`, Z32, HEX, `${Z32}+1`, `${HEX}/a`, 'dat://broken'])
      expect(looksLikeLink(text)).toBe(true)
    for (const text of ['data', '.', './data', '/home/anna', 'ybndrf', HEX.slice(1)])
      expect(looksLikeLink(text)).toBe(false)
  })
})

describe('shortId', () => {
  it('is short, and part of no link', () => {
    expect(shortId(KEY)).toHaveLength(8)
    expect(parseLink(Z32).key.equals(KEY)).toBe(true)
  })
})
