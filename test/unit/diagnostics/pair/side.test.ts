import { describe, expect, it } from 'vitest'
import { dialable, readSide } from '../../../../src/diagnostics/pair/side.js'
import { NETWORK, sideOf } from '../../../helpers/pair.js'

const SIDE = sideOf('home', 1, { relay: true })
const sent = (more: object = {}) => JSON.parse(JSON.stringify({ ...SIDE, ...more }))

describe('what the other computer says of itself', () => {
  it('is read as it was sent', () => {
    expect(readSide(sent())).toEqual(SIDE)
  })

  it.each([
    [null],
    [7],
    ['side'],
    [[]],
    [{}],
    [sent({ verdict: 'fine' })],
    [sent({ dht: 'yes' })],
    [sent({ lan: null })]
  ])('is refused: %j', (value) => {
    expect(readSide(value)).toBeNull()
  })

  it('counts as unknown where it makes no sense', () => {
    const strange = sent({ udp: 'perhaps', randomized: 1, publicAddress: 'evil\u001b[2J', warnings: ['x', 3] })
    expect(readSide(strange)).toMatchObject({
      udp: 'unknown',
      randomized: 'unknown',
      publicAddress: null,
      warnings: []
    })
  })

  it('holds nothing but addresses and relays, and not too many of them', () => {
    const read = readSide(
      sent({
        addresses: ['10.0.0.1', 'nas.local', 'fe80::1%eth0\u001b]0;x', ...Array(100).fill('10.0.0.2')],
        listening: ['10.0.0.1:80', 'nas.local:80', '10.0.0.1:0', '10.0.0.1', ...Array(100).fill('10.0.0.1:81')],
        relays: [{ url: 'wss://ok.example', works: 'yes' }, { url: 'file:///etc/passwd' }, { url: 'x'.repeat(999) }, 5]
      })
    )
    expect(new Set(read?.addresses)).toEqual(new Set(['10.0.0.1', '10.0.0.2']))
    expect(read?.addresses.length).toBeLessThanOrEqual(16)
    expect(new Set(read?.listening)).toEqual(new Set(['10.0.0.1:80', '10.0.0.1:81']))
    expect(read?.listening.length).toBeLessThanOrEqual(8)
    expect(read?.relays).toEqual([{ url: 'wss://ok.example', works: 'yes' }])
  })

  it('cannot make this computer dial itself, nor leave it when it is to stay here', () => {
    const all = ['127.0.0.1:22', '[::1]:22', '10.0.0.1:80']
    expect(dialable(all, NETWORK)).toEqual(['10.0.0.1:80'])
    expect(dialable(all, { ...NETWORK, lanInterface: '127.0.0.1' })).toEqual(['127.0.0.1:22', '[::1]:22'])
  })
})
