import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DatError } from '../../../../src/base/errors.js'
import type { DatEvent } from '../../../../src/base/events.js'
import { enlist } from '../../../../src/cli/background/enlist.js'
import { thisProcess } from '../../../../src/cli/background/identity.js'
import { findRunning, listRunning, newId, writeRecord } from '../../../../src/cli/background/records.js'
import { EVENTS, LINK } from '../../../helpers/events.js'
import { runningShare } from '../../../helpers/running.js'

let home = ''
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dat-records-'))
})
afterEach(() => rm(home, { recursive: true }))

const mine = async () => ({ ...(await thisProcess()), id: newId(), updated: Date.now() })
const given = { work: 'share', mode: 'background', options: ['--listen=1', '--moved'], log: null } as const

describe('the list of what is shared', () => {
  it('is empty without a home, and before the first share', async () => {
    expect(await listRunning(null)).toEqual([])
    expect(await listRunning(home)).toEqual([])
  })

  it('has what was written, for the user alone', async () => {
    const record = runningShare(await mine())
    await writeRecord(home, record)
    expect(await listRunning(home)).toEqual([{ record, whereabouts: 'running' }])
    expect((await stat(join(home, 'running', `${record.id}.json`))).mode & 0o77).toBe(0)
    expect((await stat(join(home, 'running'))).mode & 0o77).toBe(0)
  })

  it('leaves out what is no record', async () => {
    const record = runningShare(await mine())
    await writeRecord(home, record)
    const texts = ['', '{', 'null', '[]', JSON.stringify({ ...record, pid: -1 }), JSON.stringify({ ...record, dir: 1 })]
    texts.push(
      JSON.stringify({ ...record, options: [1] }),
      JSON.stringify({ ...record, places: null }),
      JSON.stringify({ ...record, since: 1e16 })
    )
    for (const [i, text] of texts.entries()) {
      await writeFile(join(home, 'running', `${i.toString(16).padStart(16, '0')}.json`), text)
    }
    // Another's record under a name of its own choice.
    await writeFile(join(home, 'running', 'ffffffffffffffff.json'), JSON.stringify(record))
    expect((await listRunning(home)).map((found) => found.record.id)).toEqual([record.id])
  })

  it('tells of a share that was killed for a week, of one elsewhere for a month after its last sign', async () => {
    const long = Date.now() - 8 * 24 * 3600 * 1000
    await writeRecord(home, runningShare({ ...(await mine()), start: '0', dir: '/killed' }))
    await writeRecord(home, runningShare({ ...(await mine()), start: '0', dir: '/forgotten', updated: long }))
    await writeRecord(home, runningShare({ ...(await mine()), machine: 'x', dir: '/elsewhere', updated: long }))
    await writeRecord(home, runningShare({ ...(await mine()), machine: 'x', dir: '/gone', updated: long * 0.9 }))
    const found = await listRunning(home)
    expect(found.map(({ record, whereabouts }) => [record.dir, whereabouts]).sort()).toEqual([
      ['/elsewhere', 'elsewhere'],
      ['/killed', 'killed']
    ])
    expect(await readdir(join(home, 'running'))).toHaveLength(2)
    expect(await findRunning(home, '/killed')).toBeNull()
  })
})

describe('a share on the list', () => {
  const events: DatEvent[] = []
  const open = () => enlist({ ...given, home, report: (event) => events.push(event) })
  const only = async () => (await listRunning(home))[0]?.record

  it('has no key in its record, and no option that is for one time', async () => {
    const listed = open()
    listed.report({ ...EVENTS.link, link: `${LINK}@192.0.2.1:4000` })
    await listed.close(new Error('ends it'))
    const record = await only()
    expect(JSON.stringify(record)).not.toContain(EVENTS.link.key)
    expect(record).toMatchObject({ dir: EVENTS.link.dir, options: ['--listen=1'], work: 'share', mode: 'background' })
    expect(record?.places).toEqual({ addresses: ['192.0.2.1:4000'], relays: [] })
    expect(events.at(-1)).toMatchObject({ type: 'link' })
  })

  it('is gone from it after its end; what failed unheard stays, with the reason', async () => {
    const ended = open()
    ended.report(EVENTS.link)
    await ended.written()
    expect(await only()).toMatchObject({ dir: EVENTS.link.dir, failure: null })
    await ended.close()
    expect(await listRunning(home)).toEqual([])
    const listed = open()
    listed.report(EVENTS.link)
    await listed.close(new DatError('DISK_FULL', 'the disk is full'))
    expect(await only()).toMatchObject({ state: 'failed', failure: 'the disk is full' })
  })

  it('says how it is doing', async () => {
    const listed = open()
    for (const event of [EVENTS.link, EVENTS.imported, EVENTS.connected, EVENTS.uploading, EVENTS.complete]) {
      listed.report(event)
    }
    await listed.close(new Error('ends it'))
    expect(await only()).toMatchObject({ peers: 1, complete: 1, sentBytes: 1.5e9, failure: 'ends it' })
  })

  it('takes the place of one that was killed', async () => {
    await writeRecord(home, runningShare({ ...(await mine()), start: '0', dir: EVENTS.link.dir }))
    const listed = open()
    listed.report(EVENTS.link)
    await listed.close()
    expect(await listRunning(home)).toEqual([])
  })

  it('does not mind that it cannot be listed', async () => {
    await writeFile(join(home, 'running'), 'in the way')
    const listed = open()
    listed.report(EVENTS.link)
    await listed.close()
  })
})
