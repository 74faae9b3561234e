import { mkdir, readFile, writeFile } from 'node:fs/promises'
import createTestnet from 'hyperdht/testnet.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newCode } from '../../src/diagnostics/pair/code.js'
import { type Dat, Room } from '../helpers/dat.js'

let room: Room
beforeEach(async () => {
  room = await Room.open()
})
afterEach(() => room.close())

/** Starts the end that waits. @returns the code that it prints */
async function waiting(args: string[] = []): Promise<{ first: Dat; code: string }> {
  const first = room.dat(['doctor', '--wait', ...args])
  const { code } = await first.waitFor('pair.code')
  return { first, code: code as string }
}

describe('dat doctor on two computers', () => {
  it('meets by the code, both say the same, and both write it into their reports', async () => {
    const { first, code } = await waiting(['--report', 'here.txt'])
    expect(code).toMatch(/^[a-z]{5}-[a-z]{5}-[a-z]{5}$/)
    const second = room.dat(['doctor', code, '--report', 'there.txt'])
    await Promise.all([first.exits(0), second.exits(0)])
    expect(await readFile(room.path('here.txt'), 'utf8')).toContain('Together with the other computer')
    const report = await readFile(room.path('there.txt'), 'utf8')
    expect(report).toMatch(
      /\nTogether with the other computer\n\nAll is well: the two computers reach each other in the/
    )
    expect(report).not.toContain(code)
    const [[here], [there]] = [first.all('pair.result'), second.all('pair.result')]
    expect(here).toMatchObject({ route: 'lan', obstacle: 'nowhere', here: 'lan-only', there: 'lan-only', exitCode: 0 })
    expect(there).toMatchObject({ route: 'lan', obstacle: 'nowhere' })
    for (const end of [first, second]) {
      expect(end.all('pair.met')).toMatchObject([{ route: 'lan' }])
      expect(end.all('pair.route')).toHaveLength(4)
      expect(end.stdout).not.toContain('dat://')
    }
  })

  it('shows one table of at most 80 columns', async () => {
    const { first, code } = await waiting()
    const second = await room.dat(['doctor', code], { text: true }).exits(0)
    await first.exits(0)
    for (const line of second.stdout.split('\n')) expect(line.length, line).toBeLessThan(80)
    const rows = second.stdout.split('\n').map((line) => line.split(/\s{2,}/)[0])
    expect(rows).toEqual(expect.arrayContaining(['lan', 'tcp']))
  })

  it('says so when nobody has the code, and what it knows itself', async () => {
    const testnet = await createTestnet(4, { host: '127.0.0.1' })
    try {
      const { host, port } = testnet.bootstrap[0] ?? { host: '', port: 0 }
      const alone = room.dat(['doctor', newCode(), '--bootstrap', `${host}:${port}`])
      await alone.exits(11)
      expect(alone.all('verdict')).toMatchObject([{ code: 'open' }])
      const [error] = alone.all('error')
      expect(error).toMatchObject({ code: 'NO_PEER', hint: expect.stringContaining('open, no relay') })
    } finally {
      await testnet.destroy()
    }
  })

  it('ends by Ctrl-C while it waits, and the other end is told', async () => {
    const { first, code } = await waiting()
    const second = room.dat(['doctor', code])
    await second.waitFor('pair.met')
    await first.stop()
    await first.exits(130)
    await second.exits(11)
    expect(second.all('error')).toMatchObject([{ code: 'NO_PEER' }])
  })

  it('does not wait without a terminal', async () => {
    const doctor = await room.dat(['doctor']).exits(21)
    expect(doctor.all('pair.code')).toEqual([])
  })

  it.each(['abcde-fghjk-mnpqr', 'hello', 'abcde'])('%s is no code: exit code 2', async (code) => {
    const doctor = await room.dat(['doctor', code]).exits(2)
    expect(doctor.all('error')).toMatchObject([{ code: 'USAGE' }])
  })
})

describe('dat doctor with a link', () => {
  it('says by which way it is served, and fetches nothing', async () => {
    await mkdir(room.path('data'))
    await writeFile(room.path('data', 'a.txt'), 'hello')
    const { share, link } = await room.share('data')
    await share.waitFor('import.done')
    const doctor = await room.dat(['doctor', link]).exits(0)
    expect(doctor.all('link.served')).toMatchObject([{ route: 'lan', ms: expect.any(Number) }])
    expect(doctor.stdout).not.toContain(link.slice(6))
    await share.stop()
  })

  it('says that nobody serves it, and what this network allows', async () => {
    const testnet = await createTestnet(4, { host: '127.0.0.1' })
    try {
      const { host, port } = testnet.bootstrap[0] ?? { host: '', port: 0 }
      const link = `dat://${'y'.repeat(52)}`
      const doctor = await room.dat(['doctor', link, '--bootstrap', `${host}:${port}`]).exits(11)
      expect(doctor.all('verdict')).toMatchObject([{ code: 'open' }])
      expect(doctor.all('error')).toMatchObject([{ code: 'NO_PEER', exitCode: 11 }])
    } finally {
      await testnet.destroy()
    }
  })

  it('says what is wrong with it', async () => {
    const doctor = await room.dat(['doctor', 'dat://tooshort']).exits(10)
    expect(doctor.all('error')).toMatchObject([{ code: 'NOT_A_LINK' }])
  })
})
