import { describe, expect, it } from 'vitest'
import { parseDuration } from '../../../src/base/duration.js'
import { formatInvite, isInvite, parseInvite } from '../../../src/base/invite-link.js'
import { looksLikeLink } from '../../../src/base/link.js'

const SECRET = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const TOPIC = Buffer.alloc(32, 0xa5)
const PLACES = { addresses: ['10.0.0.1:4000', '[::1]:80'], relays: ['wss://relay.example/dat'] }
const BARE = formatInvite({ secret: SECRET, topic: TOPIC, addresses: [], relays: [] })

describe('an invite as text', () => {
  it('says the same when it is read', () => {
    const link = formatInvite({ secret: SECRET, topic: TOPIC, ...PLACES })
    expect(parseInvite(link)).toEqual({ secret: SECRET, topic: TOPIC, version: null, path: '', ...PLACES })
    expect(parseInvite(`${BARE.slice(6).toUpperCase().replace('INVITE-', 'invite-')}+7/a/b/`)).toMatchObject({
      secret: SECRET,
      version: 7,
      path: 'a/b'
    })
    expect(isInvite(BARE) && isInvite(BARE.slice(6)) && looksLikeLink(BARE.slice(6))).toBe(true)
    expect(isInvite('dat://ybndrf') || isInvite('invited')).toBe(false)
  })

  it('is refused when a letter is another, missing or too many, and not repeated', () => {
    const letters = BARE.slice('dat://invite-'.length)
    for (let i = 0; i < letters.length; i++) {
      const other = letters[i] === 'y' ? 'b' : 'y'
      const text = `dat://invite-${letters.slice(0, i)}${other}${letters.slice(i + 1)}`
      expect(() => parseInvite(text)).toThrow(expect.objectContaining({ code: 'NOT_A_LINK' }))
    }
    for (const text of [BARE.slice(0, -1), `${BARE}y`, 'dat://invite-', 'invite-l0v']) {
      expect(() => parseInvite(text)).toThrow('this invite is not whole, or was mistyped')
    }
  })
})

describe('a length of time', () => {
  it('is read', () => {
    expect(['30m', '24h', '7d', '2W'].map((text) => parseDuration(text, '--expires') / 60_000)).toEqual([
      30, 1440, 10_080, 20_160
    ])
    for (const text of ['', '0h', '7', '-1d', '1.5h', '100000d']) {
      expect(() => parseDuration(text, '--expires')).toThrow(/^--expires: /)
    }
  })
})
