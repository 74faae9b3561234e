import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { connect as connectSocket, type Socket } from 'node:net'
import c from 'compact-encoding'
import crypto from 'hypercore-crypto'
import Protomux from 'protomux'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import { defer } from '../helpers/cleanup.js'
import { type Dat, Room } from '../helpers/dat.js'
import { announceFrame, footprint, type Intruder, intrude, invite, openings } from '../helpers/intruder.js'
import { writeTree } from '../helpers/trees.js'

const MIB = 1024 * 1024
/** What an attack may cost in memory, in MB, beyond what clones cost that nobody disturbs. */
const MOST_MORE = 50
/** Garbage is left lying until there is so much memory in use, in MB: see src/cli/memory.ts. */
const COLLECTED = 255e6 / MIB
const ONLY_TCP = ['--no-lan', '--no-dht']

let room: Room
let share: Dat
let link: string
let port: number
/** Memory and descriptors of the sharer at their highest, after a clone that nobody disturbed. */
let calm: { rss: number; files: number }
let clones = 0

beforeAll(async () => {
  room = await Room.open()
  await writeTree(room.path('source'), { 'big.bin': randomBytes(24 * MIB), 'small.txt': 'small' })
  const shared = await room.share('source', [...ONLY_TCP, '--listen', '127.0.0.1:0'])
  share = shared.share
  link = shared.link
  port = Number(/:(\d+)$/.exec(link)?.[1])
  await share.waitFor('import.done')
  const undisturbed = await during(async () => {
    await cloneAll()
    await cloneAll()
  })
  calm = { rss: Math.max(undisturbed, COLLECTED), files: (await footprint(share.pid)).files }
})

afterAll(async () => {
  await room.close()
})

async function cloneAll(): Promise<void> {
  const name = `copy${++clones}`
  await room.dat(['clone', link, name, ...ONLY_TCP]).exits(0)
  await rm(room.path(name), { recursive: true })
}

/** @returns the most memory that the sharer had while the work went on, in MB */
async function during(work: () => Promise<void>): Promise<number> {
  let peak = 0
  const look = async () => {
    peak = Math.max(peak, (await footprint(share.pid)).rss)
  }
  const timer = setInterval(() => void look().catch(() => {}), 20)
  try {
    await work()
    await look()
    return peak
  } finally {
    clearInterval(timer)
  }
}

/** Waits until everything that was opened for those who are gone is closed. */
async function settled(): Promise<void> {
  await expect
    .poll(async () => (await footprint(share.pid)).files, { timeout: 5000 })
    .toBeLessThanOrEqual(calm.files + 3)
}

/** Connections of strangers who complete the handshake, from as many addresses as they like. */
async function crowd(count: number, addresses: number): Promise<Intruder[]> {
  const all = await Promise.all(
    Array.from({ length: count }, (_, i) => intrude(port, `127.0.1.${1 + (i % addresses)}`).catch(() => null))
  )
  return all.filter((one) => one !== null)
}

async function flood(stream: Intruder['stream'], messages: Iterable<Buffer>): Promise<void> {
  for (const message of messages) {
    if (stream.destroyed) return
    if (!stream.write(message)) {
      await new Promise<void>((resolve) => {
        stream.once('drain', resolve)
        stream.once('close', resolve)
        setTimeout(resolve, 1000).unref()
      })
    }
  }
}

/** Attacks on a port, by people who do not know the link. Each ends when it was fended off, or has done its worst. */
const STRANGERS: Array<[string, () => Promise<void>]> = [
  [
    'a thousand connections that say nothing, or half a handshake',
    async () => {
      const sockets: Socket[] = []
      for (let i = 0; i < 1000; i++) {
        const socket = connectSocket({ host: '127.0.0.1', port, localAddress: `127.0.2.${1 + (i % 200)}` })
        socket.on('error', () => {})
        if (i % 2 === 0) socket.write(Buffer.from([48, 0, 0, 1, 2, 3]))
        sockets.push(socket)
      }
      defer(() => {
        for (const socket of sockets) socket.destroy()
      })
      await cloneAll()
      for (const socket of sockets) socket.destroy()
    }
  ],
  [
    'hundreds of handshakes, each followed by a message of 16 MB that never ends',
    async () => {
      const intruders = await crowd(40, 20)
      for (const intruder of intruders) announceFrame(intruder, 0xffffff, 15 * MIB)
      await cloneAll()
      await Promise.all(intruders.map(({ over }) => over))
    }
  ],
  [
    'a million openings of channels, whose answers are not read',
    async () => {
      const [one] = await crowd(1, 1)
      if (!one) return
      one.socket.pause()
      one.stream.pause()
      const messages = function* () {
        for (let i = 0; i < 1_000_000; i += 20_000) yield openings(i, 20_000)
      }
      await Promise.all([flood(one.stream, messages()), cloneAll()])
      one.socket.resume()
      await one.over
    }
  ],
  [
    'nonsense on the channels of dat',
    async () => {
      const [one] = await crowd(1, 1)
      if (!one) return
      nonsense(one.stream)
      await cloneAll()
      one.stream.destroy()
    }
  ]
]

/** Says nonsense on the channels that dat has beside Hypercore's. */
function nonsense(stream: Intruder['stream']): void {
  const mux = Protomux.from(stream)
  for (const protocol of ['dat/status/1', 'dat/pace/1', 'dat/invite/1']) {
    for (const text of ['{"version"', 'null', '[]', '{"version":1e999,"complete":1}', '\x80\xff', '"'.repeat(5000)]) {
      const channel = mux.createChannel({ protocol, unique: false })
      const message = channel?.addMessage<Buffer>({ encoding: c.raw, onmessage: () => {} })
      channel?.open()
      message?.send(Buffer.from(text))
      message?.send(Buffer.concat([Buffer.of(text.length), Buffer.from(text)]))
      message?.send(Buffer.alloc(0))
    }
  }
}

/** Attacks by people who know the link. */
const GUESTS: Array<[string, (guest: Awaited<ReturnType<typeof invite>>, intruder: Intruder) => Promise<void>]> = [
  [
    'requests for everything, twenty times over, whose answers are not read',
    async ({ content, blocks }, { socket, stream }) => {
      socket.pause()
      for (let i = 0; i < blocks * 20; i++) {
        const block = { index: i % blocks, nodes: 0 }
        const rest = { hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }
        content.wireRequest.send({ id: 1000 + i, fork: 0, block, ...rest })
      }
      await cloneAll()
      stream.destroy()
    }
  ],
  [
    'nonsense on the channels of dat',
    async (_guest, { stream }) => {
      nonsense(stream)
      await cloneAll()
    }
  ],
  [
    'a flood of requests that never ends',
    async ({ content }, { socket, over }) => {
      socket.pause()
      for (let i = 0; i < 200_000; i++) {
        const rest = { block: null, seek: null, upgrade: null, manifest: false, priority: 0 }
        content.wireRequest.send({ id: 1000 + i, fork: 0, hash: { index: 0, nodes: 0 }, ...rest })
      }
      await cloneAll()
      socket.resume()
      await over
    }
  ],
  [
    'blocks out of range',
    async ({ content }) => {
      for (const index of [2 ** 31, 2 ** 45, 2 ** 52]) {
        const rest = { hash: null, seek: null, upgrade: null, manifest: false, priority: 0 }
        for (let i = 0; i < 30; i++)
          content.wireRequest.send({ id: 1000 + i, fork: 0, block: { index, nodes: 0 }, ...rest })
      }
      await cloneAll()
    }
  ],
  [
    'the claim to have more blocks than there are bits in memory',
    async ({ content }, { over }) => {
      content.wireRange.send({ drop: false, start: 2, length: 2 ** 45 })
      await cloneAll()
      await over
    }
  ],
  [
    'bitfields of blocks that are not there',
    async ({ content }, { over }) => {
      const bitfield = new Uint32Array(8192).fill(0xffffffff)
      for (let i = 1; i < 2000; i++) content.wireBitfield.send({ start: i * 32768 * 64, bitfield })
      await cloneAll()
      await over
    }
  ]
]

describe('who finds the port, but does not know the link', () => {
  it.each(STRANGERS)('gains nothing and harms nobody by %s', async (_name, attack) => {
    const peak = await during(attack)
    expect(peak).toBeLessThan(calm.rss + MOST_MORE)
    await settled()
  })

  it('gets not one byte of the share, even with the topic', async () => {
    const [one] = await crowd(1, 1)
    if (!one) throw new Error('not let in')
    const heard: Buffer[] = []
    one.stream.on('data', (data: Buffer) => heard.push(data))
    const { key } = parseLink(link)
    const completed = share.all('peer.complete').length
    // Everybody has the right to say whether they have everything, who knows the link.
    const status = Protomux.from(one.stream).createChannel({ protocol: 'dat/status/1', unique: false })
    const message = status?.addMessage<Uint8Array>({ encoding: c.raw, onmessage: () => {} })
    status?.open()
    message?.send(c.encode(c.utf8, '{"version":3,"complete":true}'))
    const core = Protomux.from(one.stream).createChannel({
      protocol: 'hypercore/alpha',
      id: crypto.discoveryKey(key),
      handshake: c.raw
    })
    core?.open(Buffer.concat([Buffer.of(0), crypto.randomBytes(32)]))
    await one.over
    const bytes = Buffer.concat(heard)
    expect(bytes.includes(key)).toBe(false)
    // What comes back at most is the other end of the channel: the topic, and a proof that is of no use elsewhere.
    expect(bytes.length).toBeLessThan(512)
    expect(share.all('peer.complete')).toHaveLength(completed)
  })
})

describe('who knows the link, and misbehaves', () => {
  it.each(GUESTS)('harms nobody by %s', async (_name, attack) => {
    const intruder = await intrude(port)
    const guest = await invite(intruder, parseLink(link).key, room.path(`guest${++clones}`))
    try {
      const peak = await during(() => attack(guest, intruder))
      expect(peak).toBeLessThan(calm.rss + MOST_MORE)
    } finally {
      intruder.stream.destroy()
      await guest.close()
    }
    await settled()
  })
})
