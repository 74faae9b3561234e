import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatLink } from '../../src/base/link.js'
import { Room } from '../helpers/dat.js'
import { describeTree, PLAIN_TREE, writeTree } from '../helpers/trees.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

const nobodys = () => formatLink(Buffer.alloc(32, 7))

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends a share properly: 130, and it opens again',
    async (signal) => {
      await writeTree(room.path('source'), PLAIN_TREE)
      const { share, link } = await room.share('source')
      await share.waitFor('import.done')
      share.kill(signal)
      await share.exits(130, 5000)
      expect(await share.waitFor('error')).toMatchObject({ code: 'INTERRUPTED', exitCode: 130 })
      const again = await room.share('source')
      expect(again.link).toBe(link)
      expect(await again.share.waitFor('import.done')).toMatchObject({ added: 0, changed: 0 })
    }
  )

  it('end a clone that waits for a peer', async () => {
    const clone = room.dat(['clone', nobodys(), 'copy', '--timeout', '0'])
    await clone.waitFor('network.ready')
    clone.kill('SIGINT')
    await clone.exits(130, 5000)
  })

  it('a second Ctrl-C does not hang', async () => {
    const clone = room.dat(['clone', nobodys(), 'copy', '--timeout', '0'])
    await clone.waitFor('network.ready')
    clone.kill('SIGINT')
    clone.kill('SIGINT')
    await clone.exits(130, 5000)
  })

  it('speak calmly to people', async () => {
    await writeTree(room.path('source'), { a: 'a' })
    const share = room.dat(['share', 'source', '--no-watch'], { text: true })
    await share.prints('Shared: 1 file')
    expect(share.stdout).toMatch(/^dat:\/\/[a-z0-9]{52}\n$/)
    share.kill('SIGINT')
    await share.exits(130, 5000)
    expect(share.stderr).toMatch(/Stopped sharing\.\n$/)
    expect(share.stderr).not.toMatch(/error/)
  })
})

describe('dat share | head -1', () => {
  it('goes on serving when its reader has left', async () => {
    await writeTree(room.path('source'), PLAIN_TREE)
    const { share, link } = await room.share('source')
    share.closeStdout()
    await room.dat(['clone', link, 'copy']).exits(0)
    expect(await describeTree(room.path('copy'))).toEqual(await describeTree(room.path('source')))
    share.kill('SIGINT')
    await share.exits(130, 5000)
    expect(share.stderr).not.toMatch(/EPIPE|^\s+at /m)
  })

  it('lets a listing end quietly', async () => {
    const tree: Record<string, string> = {}
    for (let i = 0; i < 3000; i++) tree[`${'long name '.repeat(10)}${i}`] = ''
    await writeTree(room.path('source'), tree)
    const { share } = await room.share('source')
    await share.waitFor('import.done')
    await share.stop()
    const ls = room.dat(['ls', 'source'])
    await ls.waitFor('file')
    ls.closeStdout()
    await ls.exits(0)
    expect(ls.stderr).toBe('')
  })
})
