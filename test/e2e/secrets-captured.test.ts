import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import crypto from 'hypercore-crypto'
import createTestnet, { type Testnet } from 'hyperdht/testnet.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseInvite } from '../../src/base/invite-link.js'
import { formatKey, parseLink } from '../../src/base/link.js'
import { type Dat, Room } from '../helpers/dat.js'
import { Eavesdropper } from '../helpers/eavesdropper.js'
import { startRelay } from '../helpers/relay-server.js'
import { writeTree } from '../helpers/trees.js'

/** Words of a file: they must not be readable on the way either. */
const SENTENCE = 'The quick brown fox measured 42 samples.'
const TREE = { 'notes.txt': SENTENCE.repeat(50), 'data.bin': randomBytes(1024 * 1024) }

let room: Room
let spy: Eavesdropper
let testnet: Testnet
let bootstrap = ''

beforeAll(async () => {
  testnet = await createTestnet(4, { host: '127.0.0.1' })
  bootstrap = testnet.nodes.map((node) => `127.0.0.1:${node.address()?.port}`).join()
})
afterAll(() => testnet.destroy())
beforeEach(async () => {
  room = await Room.open()
  spy = new Eavesdropper()
  await writeTree(room.path('source'), TREE)
})
afterEach(async () => {
  await room.close()
  spy.close()
})

/** What both said, but for the one event whose purpose it is to give the link. */
function listenTo(...dats: Dat[]): void {
  for (const [i, dat] of dats.entries()) {
    spy.hear(`stderr of ${i}`, dat.stderr)
    for (const event of dat.events) if (event.type !== 'link') spy.hear(`events of ${i}`, JSON.stringify(event))
  }
}

/** Nothing that was heard has the key in it, or a word of the content. */
function expectNoSecret(key: Buffer): void {
  expect(spy.find(key)).toEqual([])
  expect(spy.find(Buffer.from(SENTENCE))).toEqual([])
}

async function shareAndClone(
  sharing: string[],
  cloning: (link: string) => Promise<string[]> | string[]
): Promise<{ key: Buffer; share: Dat; clone: Dat }> {
  const { share, link } = await room.share('source', [...sharing, '--debug'])
  await share.waitFor('import.done')
  const clone = await room.dat(['clone', ...(await cloning(link)), 'copy', '--debug']).exits(0)
  await share.stop()
  listenTo(share, clone)
  return { key: parseLink(link).key, share, clone }
}

describe('the key of a link is in nothing that others get to see', () => {
  it('over TCP', async () => {
    const { key } = await shareAndClone(['--no-lan', '--no-dht', '--listen', '127.0.0.1:0'], async (link) => {
      const port = Number(/:(\d+)$/.exec(link)?.[1])
      const front = await spy.tcp('tcp', port)
      return [`dat://${formatKey(parseLink(link).key)}`, '--no-lan', '--no-dht', '--peer', `127.0.0.1:${front}`]
    })
    expect(spy.heard('tcp')).toBeGreaterThan(TREE['data.bin'].length)
    expectNoSecret(key)
    expect(spy.find(crypto.discoveryKey(key))).toEqual([])
  })

  it('on the local network, where not even the topic is', async () => {
    await spy.lan('multicast')
    const { key, clone } = await shareAndClone(['--no-dht'], (link) => [link, '--no-dht'])
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'lan' })
    expect(spy.heard('multicast')).toBeGreaterThan(0)
    expectNoSecret(key)
    expect(spy.find(crypto.discoveryKey(key))).toEqual([])
  })

  it('in the DHT, which gets the topic: a hash of the key', async () => {
    for (const node of testnet.nodes) spy.dht('dht', node)
    const only = ['--no-lan', '--bootstrap', bootstrap]
    const { key, clone } = await shareAndClone(only, (link) => [link, ...only])
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'direct' })
    expectNoSecret(key)
    // That everything was heard shows in the topic, which has to be there.
    expect(spy.find(crypto.discoveryKey(key))).toContain('dht: bytes')
  })

  it('at a relay, which gets the topic too', async () => {
    const { url } = await startRelay()
    const front = await spy.relay('relay', url)
    const only = ['--no-lan', '--no-dht']
    const { key, clone } = await shareAndClone([...only, '--relay', front], (link) => [link, ...only])
    expect(clone.all('peer.connected')[0]).toMatchObject({ route: 'relay' })
    expect(spy.heard('relay')).toBeGreaterThan(TREE['data.bin'].length)
    expectNoSecret(key)
    expect(spy.find(crypto.discoveryKey(key))).toEqual(['relay: hex'])
  })

  it.each([
    ['in the DHT', 'direct'],
    ['at a relay', 'relay']
  ])('nor is it, or the secret of an invite, when one is used %s', async (_where, route) => {
    const only = ['--no-lan']
    if (route === 'relay') {
      only.push('--no-dht', '--relay', await spy.relay('relay', (await startRelay()).url))
    } else {
      only.push('--bootstrap', bootstrap)
      for (const node of testnet.nodes) spy.dht('dht', node)
    }
    let secret = Buffer.alloc(0)
    const { key, share, clone } = await shareAndClone(only, async () => {
      const made = await room.dat(['invite', 'source', '--note', 'Meghan, WSU']).exits(0)
      const link = String(made.all('invite')[0]?.link)
      secret = Buffer.from(parseInvite(link).secret)
      // The relay is in the invite, as it is in a link.
      return route === 'relay' ? [link, '--no-lan', '--no-dht'] : [link, ...only]
    })
    expect(clone.all('peer.connected')[0]).toMatchObject({ route })
    expect(share.all('note').filter(({ message }) => /Meghan, WSU was used/.test(String(message)))).toHaveLength(1)
    expectNoSecret(key)
    expect(spy.find(secret)).toEqual([])
    expect(spy.find(crypto.discoveryKey(key))).toContain(route === 'relay' ? 'relay: hex' : 'dht: bytes')
  })

  it('in what is said when something is wrong, or in a report', async () => {
    const key = randomBytes(32)
    const link = `dat://${formatKey(key)}`
    const nowhere = ['--no-lan', '--no-dht']
    const soon = ['--timeout', '1']
    await writeTree(room.path('full'), { 'a.txt': 'a' })
    const tries: Array<[string[], number]> = [
      [['clone', link, 'copy', ...nowhere, ...soon, '--debug'], 11],
      [['clone', link, 'full', ...nowhere, ...soon, '--debug'], 13],
      [['clone', `${link}+x`, 'copy', '--debug'], 10],
      [['clone', `${link}a`, 'copy', '--debug'], 10],
      [['clone', `${link}@nowhere`, 'copy', '--debug'], 10],
      [['clone', key.toString('hex'), 'other', ...nowhere, ...soon, '--peer', '127.0.0.1:1', '--debug'], 11],
      [['ls', link, ...nowhere, ...soon, '--debug'], 11],
      [['clone', link, 'copy', '--no-such-option'], 2]
    ]
    await Promise.all(
      tries.map(async ([args, code], i) => {
        const dat = await room.dat(args).exits(code)
        spy.hear(`error ${i}`, dat.stderr + dat.stdout)
      })
    )
    const asked = room.dat(['doctor', link, '--no-lan', '--bootstrap', bootstrap])
    const doctor = room.dat(['doctor', '--report', 'report.txt', ...nowhere])
    await Promise.all([asked.exit, doctor.exit])
    spy.hear('doctor', asked.stdout + asked.stderr + doctor.stdout + doctor.stderr)
    spy.hear('report', await readFile(room.path('report.txt')))
    expect(await readdir(room.dir)).toContain('report.txt')
    expect(spy.heard('report')).toBeGreaterThan(100)
    expect(spy.find(key)).toEqual([])
  })
})
