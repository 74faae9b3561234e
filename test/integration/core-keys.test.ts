import { createHash, randomBytes } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseLink } from '../../src/base/link.js'
import { ALONE, TestSession } from '../helpers/core.js'
import { exported, keyOf, passphrase, world } from '../helpers/keys.js'
import { describeTree, writeTree } from '../helpers/trees.js'

describe('ownership that moves', () => {
  test('the new owner goes on, also after it lost .dat; the former follows, and takes nothing of its own along', async () => {
    const { at, share, pull, imports, role, key } = await exported('b', 'c')
    expect(await role('a')).toBe('former')
    expect(await imports('b', 'keys', null)).toMatchObject({ checked: false, changed: 0, dir: at('b') })
    expect(await role('b')).toBe('owner')
    await writeTree(at('b'), { 'new.bin': randomBytes(7000) })
    // A file under another name is known by its content, although a clone had no need to know it.
    await rename(join(at('b'), 'a.bin'), join(at('b'), 'renamed.bin'))
    const second = await share('b')
    expect(keyOf(second)).toBe(key)
    expect(await pull('c', second, 'b')).toBe(7000)
    expect(await pull('a', second, 'b')).toBe(7000)
    await second.close()
    await rm(join(at('b'), '.dat'), { recursive: true })
    const third = await share('b')
    expect(keyOf(third)).toBe(key)
    expect(await pull('c', third, 'b')).toBe(0)
    await third.close()
  })

  test('nothing secret is left in the index of the former owner', async () => {
    const { at, home } = await exported()
    const [id] = await readdir(join(home('a'), 'shares'))
    const state = JSON.parse(await readFile(join(home('a'), 'shares', String(id), 'share.json'), 'utf8'))
    const secret = Buffer.from(state.secret, 'hex')
    const files = (await readdir(join(at('a'), '.dat'), { recursive: true, withFileTypes: true })).filter((one) =>
      one.isFile()
    )
    expect(files.length).toBeGreaterThan(3)
    for (const file of files) {
      const bytes = await readFile(join(file.parentPath, file.name))
      expect(bytes.includes(secret) || bytes.includes(state.secret), file.name).toBe(false)
    }
  })

  test('it comes back with an export there, and the first file is then too old', async () => {
    const { share, exports, imports, clone, pull, at } = await exported('b', 'c')
    await imports('b', 'keys', null)
    const second = await share('b')
    await pull('a', second, 'a')
    await second.close()
    await exports('b', 'keys-back')
    await imports('a', 'keys-back', null)
    await writeTree(at('a'), { 'later.txt': 'later' })
    const third = await share('a')
    await clone('d', third)
    await expect(imports('b', 'keys', null)).rejects.toMatchObject({ code: 'NOT_OWNER', exitCode: 12 })
    // One that has seen nothing of it learns it from whoever has.
    await expect(imports('c', 'keys', third)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    await third.close()
    await expect(imports('c', 'keys', null)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    await expect(imports('d', 'keys', null)).rejects.toMatchObject({ code: 'NOT_OWNER' })
  })

  test('a new folder is cloned into first', async () => {
    const { share, imports, pull, at, key } = await exported('c')
    // What `dat share` is in the folder of a former owner: a clone that serves.
    const former = await TestSession.share(at('a'))
    const link = String((await former.event('link')).link)
    expect(former.all('note').map(({ message }) => message)).toContainEqual(expect.stringContaining('not shared'))
    expect(await imports('b', 'keys', { link })).toMatchObject({ checked: true })
    await former.close()
    expect(await describeTree(at('b'))).toEqual(await describeTree(at('a')))
    const second = await share('b')
    expect(keyOf(second)).toBe(key)
    expect(await pull('c', second, 'b')).toBe(0)
  })

  test('a folder with the same files, copied by other means, becomes the share; clones fetch nothing twice', async () => {
    const { share, imports, pull, at, key } = await exported('c')
    await cp(at('a'), at('b'), { recursive: true, preserveTimestamps: true, filter: (name) => !name.includes('.dat') })
    await expect(imports('b', 'keys', null)).rejects.toMatchObject({ code: 'DESTINATION_OCCUPIED', exitCode: 13 })
    await imports('b', 'keys', null, { copied: true })
    await writeTree(at('b'), { 'new.bin': randomBytes(900) })
    const second = await share('b')
    expect(keyOf(second)).toBe(key)
    expect(await pull('c', second, 'b')).toBe(900)
    await expect(imports('b', 'keys', null, { copied: true })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('a clone that is far behind follows a new owner who never had what was removed in between', async () => {
    const { at, share, clone, pull, exports, imports } = await world()
    const names = Array.from({ length: 40 }, (_, i) => `gone/${String(i).padStart(2, '0')}.bin`)
    await writeTree(at('a'), Object.fromEntries(names.map((name) => [name, randomBytes(100)])))
    const first = await share('a')
    await clone('c', first)
    await first.close()
    await rm(join(at('a'), 'gone'), { recursive: true })
    await writeTree(at('a'), Object.fromEntries(names.map((name) => [name.replace('gone', 'new'), randomBytes(100)])))
    const second = await share('a')
    await clone('b', second)
    await second.close()
    await exports('a', 'keys')
    const former = await TestSession.share(at('a'))
    await imports('b', 'keys', { link: String((await former.event('link')).link) })
    await former.close()
    const third = await share('b')
    expect(await pull('c', third, 'b')).toBe(4000)
    // And each hash of the tree is here that an owner has, so that a lost index comes back with all of them.
    await third.close()
    await rm(join(at('b'), '.dat'), { recursive: true })
    expect(await pull('c', await share('b'), 'b')).toBe(0)
  })

  test('a share of one file moves, too', async () => {
    const { at, home, exports, imports } = await world()
    const owner = await TestSession.share(join(at('a'), 'a.bin'), { home: home('a') })
    await owner.event('import.done')
    for (const name of ['b', 'c']) {
      const session = await TestSession.clone(owner.link, at(name))
      await session.done()
      await session.close()
    }
    await owner.close()
    await exports('a', 'keys', { dir: join(at('a'), 'a.bin') })
    await imports('b', 'keys', null)
    await writeTree(at('b'), { 'a.bin': randomBytes(6000), 'not shared': 'x' })
    const second = await TestSession.share(join(at('b'), 'a.bin'), { home: home('b') })
    await second.event('import.done')
    expect(keyOf(second)).toBe(keyOf(owner))
    const pulled = await TestSession.pull(at('c'), second.link)
    expect(await pulled.done()).toMatchObject({ downloadedBytes: 6000, files: 1 })
  })
})

describe('two owners', () => {
  test('the former one shares nothing, and has no new link by mistake', async () => {
    const { at, share, exports } = await exported()
    await expect(exports('a', 'again')).rejects.toMatchObject({ code: 'NOT_OWNER', exitCode: 12 })
    await rm(join(at('a'), '.dat'), { recursive: true })
    await expect(share('a')).rejects.toMatchObject({ code: 'NOT_OWNER' })
    await expect(share('a', { moved: true })).rejects.toMatchObject({ code: 'NOT_OWNER' })
    const other = await share('a', { newLink: true })
    await other.close()
  })

  test('one file that was imported twice: the second is refused while the first serves, by name or by a clone', async () => {
    const { share, imports, role, clone } = await exported('b', 'c')
    await imports('b', 'keys', null)
    const first = await share('b')
    await expect(imports('c', 'keys', first)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    expect(await role('c')).toBe('clone')
    await clone('d', first)
    await first.close()
    await expect(imports('d', 'keys', null)).rejects.toMatchObject({ code: 'NOT_OWNER' })
  })

  test('that never heard of each other end up with one history: the other stops when they meet', async () => {
    const { at, home, share, imports, clone, pull } = await exported('b', 'c', 'd')
    for (const name of ['b', 'c']) {
      await imports(name, 'keys', null)
      await writeTree(at(name), { [`of ${name}.txt`]: `only ${name} has it` })
    }
    const first = await share('b')
    await pull('d', first, 'b')
    const second = await TestSession.share(at('c'), {
      home: home('c'),
      network: { ...ALONE, peers: parseLink(first.link).addresses, listen: { host: '127.0.0.1', port: 0 } }
    })
    const ended = await Promise.race(
      [first, second].map(async (session) => session.failure().then((error) => ({ session, error })))
    )
    expect(ended.error).toMatchObject({ code: 'NOT_OWNER' })
    const [lives, name] = ended.session === first ? [second, 'c'] : [first, 'b']
    await lives.event('import.done')
    await ended.session.close()
    // Whoever followed the other follows this one now.
    await pull('d', lives, name)
    await clone('e', lives)
    expect(await describeTree(at('e'))).toEqual(await describeTree(at(name)))
  })

  test('an export can be taken back where it was made, by its file or without, unless it was imported', async () => {
    const { share, cancels, imports, exports, role, pull, key } = await exported('b')
    await cancels('a', null)
    expect(await role('a')).toBe('owner')
    await expect(cancels('a', null)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    const again = await share('a')
    expect(keyOf(again)).toBe(key)
    expect(await pull('b', again, 'a')).toBe(0)
    await again.close()
    await exports('a', 'keys 2')
    await imports('a', 'keys 2', null)
    const third = await share('a')
    expect(await pull('b', third, 'a')).toBe(0)
    await third.close()
    await exports('a', 'keys 3')
    await imports('b', 'keys 3', null)
    const owner = await share('b')
    await expect(cancels('a', owner)).rejects.toMatchObject({ code: 'NOT_OWNER' })
    expect(await role('a')).toBe('former')
  })
})

describe('a file of keys', () => {
  test('is refused with a wrong passphrase, cut, altered, or when it is another thing', async () => {
    const { at, imports, role } = await exported('b')
    const file = await readFile(at('keys'))
    expect(file.includes('secret')).toBe(false)
    expect((await stat(at('keys'))).mode & 0o777).toBe(0o600)
    await expect(imports('b', 'keys', null, passphrase('six frogs in a bucket'))).rejects.toMatchObject({
      code: 'PASSPHRASE',
      exitCode: 12
    })
    const sealed = (bytes: Buffer) => Buffer.concat([bytes, createHash('sha256').update(bytes).digest()])
    const flipped = Buffer.from(file)
    flipped[100] = (flipped[100] as number) ^ 1
    const refused: [Buffer, string][] = [
      [file.subarray(0, file.length - 1), 'KEY_FILE'],
      [file.subarray(0, 40), 'KEY_FILE'],
      [Buffer.alloc(0), 'KEY_FILE'],
      [Buffer.from('not keys at all'), 'KEY_FILE'],
      [flipped, 'KEY_FILE'],
      // Whoever does it on purpose puts the checksum right.
      [sealed(flipped.subarray(0, -32)), 'PASSPHRASE'],
      [sealed(file.subarray(0, -32 - 21)), 'KEY_FILE']
    ]
    for (const [bytes, code] of refused) {
      await writeFile(at('bad'), bytes)
      await expect(imports('b', 'bad', null)).rejects.toMatchObject({ code })
    }
    await expect(imports('b', 'nowhere', null)).rejects.toMatchObject({ code: 'KEY_FILE', exitCode: 2 })
    expect(await role('b')).toBe('clone')
  })

  test('is not written over another, nor into the share; nor imported into another clone or half of one', async () => {
    const { at, home, share, exports, imports, clone } = await world()
    const owner = await share('a')
    await clone('b', owner)
    await expect(exports('a', 'keys')).rejects.toMatchObject({ code: 'INDEX_LOCKED' })
    const part = await TestSession.clone(owner.link, at('part'), { include: ['a.bin'] })
    await part.done()
    await part.close()
    await owner.close()
    await writeFile(at('there'), 'mine')
    await expect(exports('a', 'there')).rejects.toMatchObject({ code: 'DESTINATION_OCCUPIED', exitCode: 13 })
    expect(await readFile(at('there'), 'utf8')).toBe('mine')
    await expect(exports('a', 'a/keys')).rejects.toMatchObject({ code: 'USAGE' })
    await expect(exports('a', 'keys', passphrase('short'))).rejects.toMatchObject({ code: 'USAGE' })
    await expect(exports('b', 'keys')).rejects.toMatchObject({ code: 'NOT_OWNER', exitCode: 12 })
    await exports('a', 'keys')
    await mkdir(at('x'))
    await writeTree(at('x'), { 'x.txt': 'x' })
    const other = await TestSession.share(at('x'), { home: home('x') })
    await other.event('import.done')
    await clone('y', other)
    await other.close()
    await expect(imports('y', 'keys', null)).rejects.toMatchObject({ code: 'DESTINATION_OTHER', exitCode: 13 })
    await expect(imports('x', 'keys', null)).rejects.toMatchObject({ code: 'DESTINATION_OTHER' })
    await expect(imports('part', 'keys', null)).rejects.toMatchObject({ code: 'PARTIAL', exitCode: 3 })
    await expect(imports('new', 'keys', null)).rejects.toMatchObject({ code: 'NO_PEER', exitCode: 11 })
  })
})
