import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'

const BYTES = 6_000_000
const RATE = 1_000_000

let testnet: Testnet
beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
})
afterAll(() => testnet.destroy())

let room: Room
beforeEach(async () => {
  room = await Room.open()
  mkdirSync(room.path('data'))
  writeFileSync(room.path('data', 'a.bin'), randomBytes(BYTES))
})
afterEach(() => room.close())

/** Bytes per second from the connection to the end. */
async function rateOf(clone: Dat): Promise<number> {
  const connected = await clone.waitFor('peer.connected')
  await clone.exits(0)
  const [done] = clone.all('done')
  expect(done?.downloadedBytes).toBe(BYTES)
  expect(clone.all('stalled')).toEqual([])
  return (BYTES / (Date.parse(String(done?.time)) - Date.parse(connected.time))) * 1000
}

describe('a transfer', () => {
  it.each([
    ['up', 'lan'],
    ['down', 'lan'],
    ['up', 'direct'],
    ['down', 'direct']
  ])('with --limit-%s by the route %s goes as fast as the limit', async (direction, route) => {
    const way = route === 'lan' ? [] : ['--no-lan', '--bootstrap', `127.0.0.1:${testnet.bootstrap[0]?.port}`]
    const limit = [`--limit-${direction}`, '1M']
    const { share, link } = await room.share('data', [...way, ...(direction === 'up' ? limit : [])])
    await share.waitFor('import.done')
    const clone = room.dat(['clone', link, 'copy', ...way, ...(direction === 'down' ? limit : [])])
    const rate = await rateOf(clone)
    expect(clone.all('peer.connected')[0]?.route).toBe(route)
    // The first blocks use the credit of an idle limit, and the end waits for the disk.
    expect(rate / RATE).toBeGreaterThan(0.9)
    expect(rate / RATE).toBeLessThan(1.05)
    expect(readFileSync(room.path('copy', 'a.bin')).equals(readFileSync(room.path('data', 'a.bin')))).toBe(true)
  })

  it('to two others at once stays within the limit', async () => {
    const { share, link } = await room.share('data', ['--limit-up', '2M', '--listen', '127.0.0.1:0', '--no-lan'])
    await share.waitFor('import.done')
    // They know the share alone, and not each other.
    const clones = ['b', 'c'].map((name) => room.dat(['clone', link, name, '--no-lan']))
    const rates = await Promise.all(clones.map(rateOf))
    for (const rate of rates) {
      expect(rate / RATE).toBeGreaterThan(0.9)
      expect(rate / RATE).toBeLessThan(1.1)
    }
  })

  it('with a limit that makes no sense is refused', async () => {
    for (const [option, value] of [
      ['--limit-up', '0'],
      ['--limit-down', 'fast'],
      ['--limit-up', '-5M']
    ] as const) {
      const share = await room.dat(['share', 'data', `${option}=${value}`]).exits(2)
      expect(share.events.at(-1)).toMatchObject({ code: 'USAGE', message: expect.stringContaining(option) })
    }
  })
})
