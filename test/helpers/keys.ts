import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import type * as handOver from '../../src/core/hand-over.js'
import type * as keys from '../../src/core/keys.js'
import type * as takeOver from '../../src/core/take-over.js'
import { ALONE, built, TestSession, temporaryFolder } from './core.js'
import { describeTree, writeTree } from './trees.js'

/** The least that there is: what it really takes is in the test of the command. */
const EFFORT = { operations: 1, memoryKib: 8 * 1024 }
const PASSPHRASE = 'six frogs in a bottle'
export const passphrase = (text = PASSPHRASE) => ({ passphrase: async () => Buffer.from(text) })

/** Computers A, B, …: each with a home and a folder named after it. */
export async function world() {
  const folder = await temporaryFolder()
  const at = (name: string) => join(folder, name)
  const home = (name: string) => at(`home-${name}`)
  await writeTree(at('a'), { 'a.bin': randomBytes(5000), 'large.bin': randomBytes(2_500_000), 'b/c.txt': 'text' })
  const share = async (name: string, options: object = {}) => {
    const session = await TestSession.share(at(name), { home: home(name), ...options })
    await session.event('import.done')
    return session
  }
  const clone = async (name: string, from: TestSession) => {
    const session = await TestSession.clone(from.link, at(name))
    await session.done()
    await session.close()
  }
  /** Pulls, and expects the clone to be what is shared. @returns bytes fetched */
  const pull = async (name: string, from: TestSession, source: string) => {
    const session = await TestSession.pull(at(name), from.link)
    const { downloadedBytes } = await session.done()
    await session.close()
    expect(await describeTree(at(name))).toEqual(await describeTree(at(source)))
    return downloadedBytes
  }
  const { exportKeys } = await built<typeof handOver>('core/hand-over')
  const { importKeys, cancelExport } = await built<typeof takeOver>('core/take-over')
  const { readKeys } = await built<typeof keys>('core/keys')
  const common = (name: string, from: { link: string } | null) => ({
    store: null,
    home: home(name),
    dir: at(name),
    timeout: from ? 20 : 0.1,
    network: { ...ALONE, peers: from ? parseLink(from.link).addresses : [] },
    report: () => {},
    signal: new AbortController().signal
  })
  return {
    ...{ at, home, share, clone, pull },
    exports: (name: string, file: string, options: object = {}) =>
      exportKeys({ ...common(name, null), ...passphrase(), effort: EFFORT, out: { file: at(file) }, ...options }),
    imports: (name: string, file: string, from: { link: string } | null, options: object = {}) =>
      importKeys({ ...common(name, from), ...passphrase(), file: at(file), copied: false, ...options }),
    cancels: (name: string, from: { link: string } | null) => cancelExport(common(name, from)),
    role: async (name: string) => (await readKeys({ dir: at(name), store: null, home: home(name) })).role
  }
}

/** The share of A, with clones at others, and its keys in a file. */
export async function exported(...clones: string[]) {
  const all = await world()
  const owner = await all.share('a')
  for (const name of clones) await all.clone(name, owner)
  await owner.close()
  await all.exports('a', 'keys')
  return { ...all, key: parseLink(owner.link).key.toString('hex') }
}

export const keyOf = (session: TestSession) => parseLink(session.link).key.toString('hex')
