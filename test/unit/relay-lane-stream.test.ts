import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { encodeAck, encodeData, encodeEnd, encodeWiden } from '../../src/transport/relay/frames.js'
import type { LaneInput } from '../../src/transport/relay/lane-stream.js'
import { LaneStream } from '../../src/transport/relay/lane-stream.js'

const MiB = 1024 * 1024

/** A lane between two streams in memory: each way in order, each message late by up to so many milliseconds. */
class Wire {
  readonly sent = [0, 0]
  readonly #inputs: LaneInput[] = []
  readonly #queues: Array<Array<() => void>> = [[], []]
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #late: () => number
  #cut = false

  constructor(ends: readonly [LaneStream, LaneStream], late: () => number = () => 0) {
    this.#late = late
    const lane = (from: 0 | 1) => ({
      send: (frame: Buffer) => {
        this.sent[from] = (this.sent[from] ?? 0) + frame.byteLength
        this.#later(from, () => this.#inputs[1 - from]?.receive(frame))
      },
      buffered: 0,
      close: () => this.#later(from, () => this.cut())
    })
    for (const side of [0, 1] as const) this.#inputs[side] = ends[side].addLane(lane(side))
  }

  cut(): void {
    if (this.#cut) return
    this.#cut = true
    for (const timer of this.#timers) clearTimeout(timer)
    for (const input of this.#inputs) input.closed()
  }

  #later(from: 0 | 1, action: () => void): void {
    if (this.#cut) return
    const queue = this.#queues[from] as Array<() => void>
    queue.push(action)
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      queue.shift()?.()
    }, this.#late())
    this.#timers.add(timer)
  }
}

function pair(lanes: number, late?: () => number): { ends: [LaneStream, LaneStream]; wires: Wire[] } {
  const ends: [LaneStream, LaneStream] = [new LaneStream(), new LaneStream()]
  const wires = Array.from({ length: lanes }, () => new Wire(ends, late))
  for (const end of ends) end.on('error', () => {})
  return { ends, wires }
}

/** One end in the hands of the test. */
function alone(): { stream: LaneStream; input: LaneInput; frames: Buffer[]; closed: () => boolean; lane: Backlog } {
  const stream = new LaneStream()
  const frames: Buffer[] = []
  let closed = false
  const lane: Backlog = { send: (frame) => frames.push(frame), buffered: 0, close: () => (closed = true) }
  return { stream, input: stream.addLane(lane), frames, closed: () => closed, lane }
}

interface Backlog {
  send(frame: Buffer): void
  buffered: number
  close(): void
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

async function failure(stream: LaneStream): Promise<string> {
  const [error] = (await once(stream, 'error')) as [Error]
  return error.message
}

async function readAll(stream: LaneStream): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

async function write(stream: LaneStream, data: Buffer, step: number): Promise<void> {
  for (let at = 0; at < data.length; at += step) {
    if (!stream.write(data.subarray(at, at + step))) await once(stream, 'drain')
  }
}

describe('a stream over lanes', () => {
  it('keeps the order over lanes that are late by different times, both ways at once', async () => {
    const { ends, wires } = pair(4, () => Math.random() * 12)
    const [there, back] = [randomBytes(12 * MiB), randomBytes(3 * MiB)]
    const got = Promise.all([readAll(ends[1]), readAll(ends[0])])
    await Promise.all([
      write(ends[0], there, 700_001).then(() => ends[0].end()),
      write(ends[1], back, 5003).then(() => ends[1].end())
    ])
    const [first, second] = await got
    expect(first.equals(there)).toBe(true)
    expect(second.equals(back)).toBe(true)
    for (const wire of wires) expect(wire.sent[0]).toBeGreaterThan(MiB)
  })

  it('gives most to the lane that delivers most', async () => {
    const ends: [LaneStream, LaneStream] = [new LaneStream(), new LaneStream()]
    const quick = new Wire(ends, () => 2)
    const slow = new Wire(ends, () => 150)
    const got = readAll(ends[1])
    ends[1].end()
    await write(ends[0], randomBytes(16 * MiB), MiB)
    ends[0].end()
    expect((await got).length).toBe(16 * MiB)
    expect(quick.sent[0]).toBeGreaterThan(3 * (slow.sent[0] ?? 0))
  })

  it('ends at both ends without an error, and closes its lanes', async () => {
    const { ends } = pair(3, () => Math.random() * 5)
    const failed = vi.fn()
    for (const end of ends) end.on('error', failed).once('end', () => end.end())
    const [first, second] = ends
    const closed = Promise.all(ends.map((end) => once(end, 'close')))
    const got = readAll(second)
    first.resume()
    first.end(Buffer.from('all of it'))
    expect((await got).toString()).toBe('all of it')
    await closed
    expect(failed).not.toHaveBeenCalled()
    expect(ends.map(({ width }) => width)).toEqual([0, 0])
  })

  it('holds the writer while the reader is paused, and goes on afterwards', async () => {
    const { ends, wires } = pair(2)
    const [writer, reader] = ends
    const data = randomBytes(24 * MiB)
    const written = write(writer, data, MiB).then(() => writer.end())
    const sent = () => wires.reduce((sum, wire) => sum + (wire.sent[0] ?? 0), 0)
    await vi.waitFor(() => expect(sent()).toBeGreaterThan(7.9 * MiB))
    const before = sent()
    // Acknowledgements are due after 50 ms at the latest; none may come for what nobody reads.
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(sent()).toBe(before)
    expect(before).toBeLessThan(8.3 * MiB)
    expect(reader.readableFlowing).toBe(false)
    const got = readAll(reader)
    reader.end()
    await written
    expect((await got).equals(data)).toBe(true)
  })

  it('asks for more lanes once, at both ends, when a mebibyte has gone by one', async () => {
    const [here, there] = [vi.fn(), vi.fn()]
    const ends: [LaneStream, LaneStream] = [new LaneStream({ onwiden: here }), new LaneStream({ onwiden: there })]
    new Wire(ends)
    ends[1].resume()
    await write(ends[0], Buffer.alloc(MiB / 2), MiB / 2)
    expect(here).not.toHaveBeenCalled()
    await write(ends[0], Buffer.alloc(4 * MiB), MiB)
    await vi.waitFor(() => expect(there).toHaveBeenCalledTimes(1))
    expect(here).toHaveBeenCalledTimes(1)
    for (const end of ends) end.destroy()
  })

  it('is destroyed at both ends by the loss of a lane', async () => {
    const { ends, wires } = pair(3, () => 1)
    const failures = Promise.all(ends.map(failure))
    ends[1].resume()
    ends[0].write(randomBytes(2 * MiB))
    wires[1]?.cut()
    for (const message of await failures) expect(message).toBe('the connection to the relay was lost')
  })

  it('refuses lanes when it is over, and more than eight', () => {
    const { stream } = alone()
    const close = vi.fn()
    const lane = { send: () => {}, buffered: 0, close }
    for (let count = 1; count < 8; count++) stream.addLane(lane)
    expect(stream.width).toBe(8)
    stream.addLane(lane)
    expect(close).toHaveBeenCalledTimes(1)
    stream.destroy()
    stream.addLane(lane).receive(encodeEnd(0))
    expect(close.mock.calls.length).toBeGreaterThanOrEqual(2)
  })
})

describe('a hostile other end', () => {
  const payload = Buffer.from('x')
  const cases: Array<[string, (input: LaneInput, stream: LaneStream) => void]> = [
    ['an empty message', (input) => input.receive(Buffer.alloc(0))],
    ['an unknown kind', (input) => input.receive(Buffer.of(9, 1, 2))],
    ['data without content', (input) => input.receive(encodeData(0, Buffer.alloc(0)))],
    ['too much content', (input) => input.receive(encodeData(0, Buffer.alloc(32 * 1024 + 1)))],
    ['a truncated acknowledgement', (input) => input.receive(encodeAck(0, 0).subarray(0, 9))],
    [
      'a piece twice',
      (input) => {
        for (let time = 0; time < 2; time++) input.receive(encodeData(1, payload))
      }
    ],
    [
      'a piece again that was read',
      (input, stream) => {
        stream.resume()
        for (let time = 0; time < 2; time++) input.receive(encodeData(0, payload))
      }
    ],
    ['a piece beyond the window', (input) => input.receive(encodeData(4096, payload))],
    ['the last number there is', (input) => input.receive(encodeData(2 ** 48 - 1, payload))],
    ['an acknowledgement of what was never sent', (input) => input.receive(encodeAck(1, 0))],
    ['an arrival of what was never sent', (input) => input.receive(encodeAck(0, 1))],
    ['an end too far away', (input) => input.receive(encodeEnd(2 ** 40))],
    [
      'an end before what came',
      (input) => {
        input.receive(encodeData(3, payload))
        input.receive(encodeEnd(3))
      }
    ],
    [
      'two ends',
      (input) => {
        input.receive(encodeEnd(2))
        input.receive(encodeEnd(3))
      }
    ],
    [
      'more after the end',
      (input) => {
        input.receive(encodeEnd(1))
        input.receive(encodeData(1, payload))
      }
    ]
  ]
  it.each(cases)('ends the stream with %s', async (_name, attack) => {
    const { stream, input, closed } = alone()
    const message = failure(stream)
    attack(input, stream)
    expect(await message).toBe('the relay or the other end does not keep to the protocol')
    await vi.waitFor(() => expect(closed()).toBe(true))
  })

  it('cannot make it hold more than the window', async () => {
    const { stream, input } = alone()
    const message = failure(stream)
    const piece = Buffer.alloc(32 * 1024)
    let count = 0
    // The first is left out, so that nothing can be handed on.
    while (!stream.destroying) input.receive(encodeData(++count, piece))
    expect(count).toBe((8 * MiB) / piece.length + 1)
    await message
  })

  it('cannot make it keep the large buffers that tiny pieces came in', () => {
    const { stream, input } = alone()
    const before = process.memoryUsage().arrayBuffers
    for (let serial = 1; serial < 4096; serial++) {
      const slab = Buffer.alloc(64 * 1024)
      const frame = slab.subarray(0, 8)
      encodeData(serial, payload).copy(frame)
      input.receive(frame)
    }
    expect(stream.destroying).toBe(false)
    collectGarbage()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * MiB)
    stream.destroy()
  })

  it('cannot make it send without end by acknowledging what it does not take', async () => {
    const { stream, input, lane, frames } = alone()
    lane.send = (frame) => {
      frames.push(frame)
      lane.buffered += frame.byteLength
    }
    const message = failure(stream)
    stream.write(Buffer.alloc(64 * MiB))
    for (let turn = 0; turn < 1000 && !stream.destroying; turn++) {
      await new Promise(setImmediate)
      const arrived = frames.filter((frame) => frame[0] === 0).reduce((sum, frame) => sum + frame.byteLength - 7, 0)
      input.receive(encodeAck(arrived, arrived))
    }
    await message
    expect(lane.buffered).toBeLessThan(18 * MiB)
  })

  it('may ask for more lanes as often as it likes', () => {
    const onwiden = vi.fn()
    const stream = new LaneStream({ onwiden })
    const input = stream.addLane({ send: () => {}, buffered: 0, close: () => {} })
    for (let time = 0; time < 100; time++) input.receive(encodeWiden())
    expect(onwiden).toHaveBeenCalledTimes(1)
    stream.destroy()
  })
})
