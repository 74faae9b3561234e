import { mkdirSync, writeFileSync } from 'node:fs'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Dat, Room } from '../helpers/dat.js'
import { Cable, NO_NAMESPACES } from '../helpers/namespaces.js'

const LINK = 'dat://ybndrfg8ejkmcpqxot1uwiszayybndrfg8ejkmcpqxot1uwiszay'
/** Nobody listens there; nothing leaves this machine. */
const NOBODY = { DAT_BOOTSTRAP: '127.0.0.1:9' }
const LIMIT_MS = 10_000

let room: Room
beforeEach(async () => {
  room = await Room.open()
  mkdirSync(room.path('data'))
  writeFileSync(room.path('data', 'a.txt'), 'hello')
})
afterEach(() => room.close())

/** How long a command takes that finds nobody. */
async function findsNobody(start: () => Dat): Promise<{ dat: Dat; error: Record<string, unknown> }> {
  const began = performance.now()
  const dat = await start().exits(11)
  expect(performance.now() - began).toBeLessThan(LIMIT_MS)
  const error: Record<string, unknown> = { ...dat.events.at(-1) }
  expect(error).toMatchObject({ type: 'error', code: 'NO_PEER', exitCode: 11 })
  expect(error.hint).toMatch(/run `dat doctor`/)
  return { dat, error }
}

describe('when nothing outside answers', () => {
  it('a clone gives up within 10 s, with or without a folder, and so does a listing', async () => {
    // They would find each other in the local network, and wait for what the other does not have.
    const runs = [
      ['clone', LINK, '--no-lan'],
      ['clone', LINK, 'copy', '--no-lan'],
      ['ls', LINK, '--no-lan']
    ]
    const ended = await Promise.all(runs.map((args) => findsNobody(() => room.dat(args, { env: NOBODY }))))
    for (const { error } of ended) expect(error.message).toMatch(/^nothing outside answers this computer/)
  })

  it('a clone keeps to a timeout that was asked for, but says at once how it looks', async () => {
    const began = performance.now()
    const clone = room.dat(['clone', LINK, 'copy', '--timeout', '11'], { env: NOBODY })
    // The verdict of the doctor, in one line.
    const note = await clone.waitFor('note', ({ important }) => important === true)
    expect(note.message).toMatch(/^Nothing gets out of this network: /)
    const stalled = await clone.waitFor('stalled')
    expect(performance.now() - began).toBeLessThan(LIMIT_MS)
    expect(stalled.reason).toMatch(/run `dat doctor`$/)
    await clone.exits(11)
    expect(performance.now() - began).toBeGreaterThan(11_000)
    expect(clone.all('stalled')).toHaveLength(1)
  })

  it('a share says so within 10 s, on stderr too, and is still found in the local network', async () => {
    const began = performance.now()
    const { share, link } = await room.share('data', ['--bootstrap', NOBODY.DAT_BOOTSTRAP])
    const text = room.dat(['share', 'data', '--store', room.path('index')], { env: NOBODY, text: true })
    await Promise.all([share.waitFor('stalled'), text.prints('nobody outside this local network can connect now')])
    expect(performance.now() - began).toBeLessThan(LIMIT_MS)
    const note = await share.waitFor('note', ({ important }) => important === true)
    expect(note.message).toMatch(/^Nothing gets out of this network: /)
    await room.dat(['clone', link, 'copy']).exits(0)
    expect(share.all('stalled')).toHaveLength(1)
  })
})

describe('when the DHT answers', () => {
  let testnet: Testnet
  beforeEach(async () => {
    testnet = await createTestnet(4, { host: '127.0.0.1' })
  })
  afterEach(() => testnet.destroy())
  const env = () => ({ DAT_BOOTSTRAP: `127.0.0.1:${testnet.bootstrap[0]?.port}` })

  it('a clone of what nobody shares gives up within 10 s, and names both ends', async () => {
    const { error } = await findsNobody(() => room.dat(['clone', LINK], { env: env() }))
    expect(error.message).toMatch(/^no computer shares this link right now/)
  })

  it('a share that starts some seconds after the clone is found', async () => {
    const before = await room.share('data')
    await before.share.stop()
    const clone = room.dat(['clone', before.link, 'copy', '--no-lan'], { env: env() })
    // Two looks of the clone at the DHT are over by then.
    await new Promise((resolve) => setTimeout(resolve, 4000))
    room.dat(['share', 'data', '--no-lan'], { env: env() })
    await clone.exits(0)
  })

  it('a sync waits, and says what for', async () => {
    const { share, link } = await room.share('data')
    await room.dat(['clone', link, 'copy']).exits(0)
    await share.stop()
    const sync = room.dat(['sync', 'copy'], { env: env() })
    expect((await sync.waitFor('stalled')).reason).toMatch(/^no computer shares this link right now/)
    room.dat(['share', 'data'], { env: env() })
    await sync.waitFor('done')
    await sync.stop()
  })
})

describe.skipIf(NO_NAMESPACES !== null)(`in networks of our own${NO_NAMESPACES ? ` (${NO_NAMESPACES})` : ''}`, () => {
  let cable: Cable
  beforeEach(async () => {
    cable = await Cable.open()
  })
  afterEach(() => cable.close())
  const everything = { DAT_BOOTSTRAP: '', DAT_LAN_INTERFACE: '' }

  it('a clone ends within 10 s where packets vanish, those to the name server too', async () => {
    cable.promiseInternet()
    const inside = { netns: cable.ends[0], env: everything }
    await findsNobody(() => room.dat(['clone', LINK], inside))
    const names = ['--bootstrap', 'node.example.org:4000', '--peer', 'data.example.org:4000']
    await findsNobody(() => room.dat(['clone', LINK, ...names], inside))
  })

  it('two computers with nothing but IPv6 on one link find each other', async () => {
    const share = room.dat(['share', 'data'], { netns: cable.ends[0], env: everything })
    const { link } = await share.waitFor('link')
    const clone = await room.dat(['clone', String(link), 'copy'], { netns: cable.ends[1], env: everything }).exits(0)
    expect(clone.all('peer.connected')).toEqual([
      expect.objectContaining({ route: 'lan', address: expect.stringMatching(/^\[fe80::[0-9a-f:]+%\w+\]:\d+$/) })
    ])
  })
})
