import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type * as drives from '../../src/core/drive.js'
import type * as keptShares from '../../src/core/kept-share.js'
import type * as ownerKeys from '../../src/core/owner-keys.js'
import { built } from '../helpers/core.js'
import { exported, keyOf } from '../helpers/keys.js'

/** What a computer keeps of its one share. */
async function keptAt(home: string) {
  const { KeptShare } = await built<typeof keptShares>('core/kept-share')
  const [id] = await readdir(join(home, 'shares'))
  const kept = await KeptShare.open(home, id ?? '')
  if (!kept) throw new Error(`nothing is kept in ${home}`)
  return kept
}

async function forkOf(dir: string): Promise<number> {
  const { openDrive, placeOf } = await built<typeof drives>('core/drive')
  const open = await openDrive({ place: placeOf(dir, null), create: null, readOnly: true })
  const { fork } = open.drive.core
  await open.close()
  return fork
}

describe('a kill', () => {
  test('right after the keys came does not let two computers go on in one fork', async () => {
    const { at, home, share, key } = await exported('b')
    const { takeKeys } = await built<typeof ownerKeys>('core/owner-keys')
    const { placeOf } = await built<typeof drives>('core/drive')
    const { secret } = (await keptAt(home('a'))).state
    const fork = await forkOf(at('b'))
    await takeKeys(placeOf(at('b'), null), { secret, file: null, fork })
    const owner = await share('b')
    expect(keyOf(owner)).toBe(key)
    await owner.close()
    const generation = (one: number) => Math.floor(one / 2 ** 20)
    const next = await forkOf(at('b'))
    expect(generation(next)).toBe(generation(fork) + 1)
    // And only once.
    await (await share('b')).close()
    expect(await forkOf(at('b'))).toBe(next)
  })

  test('while an export is cancelled lets it be cancelled again', async () => {
    const { home, cancels, role } = await exported()
    await (await keptAt(home('a'))).save({ ceded: null })
    expect(await role('a')).toBe('former')
    await cancels('a', null)
    expect(await role('a')).toBe('owner')
  })

  test('of an import of copied files lets it be done again', async () => {
    const { at, imports, share, key } = await exported()
    const filter = (from: string) => from !== join(at('a'), '.dat')
    await cp(at('a'), at('d'), { recursive: true, preserveTimestamps: true, filter })
    const first = await imports('d', 'keys', null, { copied: true })
    expect(await imports('d', 'keys', null, { copied: true })).toEqual(first)
    const owner = await share('d')
    expect(keyOf(owner)).toBe(key)
  })
})
