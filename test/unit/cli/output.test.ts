import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Output } from '../../../src/cli/ui/output.js'
import { BrokenStream, MemoryStream } from '../../helpers/streams.js'

const closed = (stream: Writable) => new Promise<void>((resolve) => stream.once('close', resolve))

describe('Output', () => {
  it.each(['EPIPE', 'EIO'])('takes %s as a reader that left: no error, no more writes', async (code) => {
    const stream = new BrokenStream(code)
    const output = new Output(stream)
    output.post('a')
    await closed(stream)
    expect(output.gone).toBe(true)
    expect(await output.write('b')).toBe(false)
    output.post('c')
    await output.flush()
    expect(stream.writes).toBe(1)
    expect(() => output.check()).not.toThrow()
  })

  it('keeps a full disk for the end', async () => {
    const stream = new BrokenStream('ENOSPC')
    const output = new Output(stream)
    output.post('a')
    await closed(stream)
    expect(() => output.check()).toThrow(expect.objectContaining({ code: 'DISK_FULL', exitCode: 16 }))
  })

  it('waits for a slow reader, so that a long listing stays out of memory', async () => {
    const waiting: (() => void)[] = []
    const slow = new Writable({ highWaterMark: 4, write: (_chunk, _encoding, done) => void waiting.push(done) })
    const output = new Output(slow)
    let written = false
    const write = output.write('longer than four').then(() => {
      written = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(written).toBe(false)
    waiting.shift()?.()
    await write
    expect(written).toBe(true)
  })

  it('knows its width', () => {
    expect(new Output(new MemoryStream()).width).toBe(80)
    expect(new Output(new MemoryStream({ columns: 132 })).width).toBe(132)
    expect(new Output(new MemoryStream({ columns: 0 })).width).toBe(80)
  })
})
