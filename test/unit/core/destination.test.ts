import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { Destination, InTheWay } from '../../../src/core/destination.js'
import type { Beneath } from '../../../src/storage/beneath.js'
import { type FileRecord, fingerprintOf } from '../../../src/storage/file-record.js'
import { temporaryFolder } from '../../helpers/core.js'
import { fileRecord, openWorkers } from '../../helpers/core-storage.js'
import { writeTree } from '../../helpers/trees.js'

const MTIME = 1_600_000_000_123
const PLAIN = { mtime: MTIME, executable: false }
let root: string
let outside: string
let destination: Destination
beforeEach(async () => {
  root = await temporaryFolder()
  outside = await temporaryFolder()
  await writeFile(join(outside, 'victim'), 'precious')
  destination = new Destination(root, await openWorkers())
})

let serial = 0
/** A finished partial file. */
async function finished(content = 'new'): Promise<Beneath> {
  await mkdir(join(root, '.dat'), { recursive: true })
  const path = `.dat/partial-${++serial}`
  await writeFile(join(root, path), content)
  return { root, path }
}

/** The record of what is at a path, as if dat had put it there. */
async function recordOf(path: string): Promise<FileRecord> {
  return fileRecord(path, 0, fingerprintOf(await lstat(join(root, path))))
}

const put = async (path: string, ours: FileRecord | null = null, force = false, how = PLAIN) =>
  destination.place(await finished(), path, how, ours, force)
const read = (path: string) => readFile(join(root, path), 'utf8')
const untouched = async () => expect(await readdir(outside)).toEqual(['victim'])

describe('a file', () => {
  it('comes to its place with its time, its bit and the folders above it', async () => {
    const print = await put('a/b/c', null, false, { mtime: MTIME, executable: true })
    const stats = await stat(join(root, 'a/b/c'))
    expect(print).toEqual(fingerprintOf(stats))
    // Node hands times over as floating seconds: the last microsecond may be lost.
    expect(stats.mtimeMs).toBeCloseTo(MTIME, 2)
    expect(stats.mode & 0o777).toBe(0o777 & ~process.umask())
    await put('a/b/d')
    expect((await stat(join(root, 'a/b/d'))).mode & 0o111).toBe(0)
    expect(await read('a/b/d')).toBe('new')
  })

  it('without a time keeps that of the download, and odd times are kept', async () => {
    const before = Date.now()
    expect(
      (await put('now', null, false, { mtime: null as unknown as number, executable: false })).mtime
    ).toBeGreaterThan(before - 5000)
    for (const mtime of [0, 1.5, 4e12]) {
      expect((await put(`at ${mtime}`, null, false, { mtime, executable: false })).mtime).toBeCloseTo(mtime, 1)
    }
  })

  it('respects the umask', async () => {
    const before = process.umask(0o077)
    try {
      await put('a', null, false, { mtime: MTIME, executable: true })
      await put('b')
    } finally {
      process.umask(before)
    }
    const modes = await Promise.all(['a', 'b'].map(async (name) => (await stat(join(root, name))).mode & 0o077))
    // The mask is read once in a process, so the bit may be as it was at the start: it never gives more than that.
    expect((modes[0] ?? 0) & ~(0o777 & ~before)).toBe(0)
    expect(modes[1]).toBe(0)
  })

  it('replaces what dat put there, and nothing else', async () => {
    await put('a')
    const ours = await recordOf('a')
    await put('a', ours)
    // The same content is in nobody's way: a crash may have come between its rename and its record.
    await put('a', ours)
    await writeFile(join(root, 'a'), 'old')
    await expect(put('a', ours)).rejects.toThrow(new InTheWay('it was altered here'))
    await expect(put('a', null)).rejects.toThrow(new InTheWay('another file is in its place'))
    await put('a', null, true)
    expect(await read('a')).toBe('new')
    await writeFile(join(root, 'a'), 'old')
    await utimes(join(root, 'a'), 1, 1)
    await expect(put('a', await recordOf('a').then((record) => ({ ...record, mtime: 2 })))).rejects.toThrow(InTheWay)
    expect(await read('a')).toBe('old')
  })

  it('never goes through a link that lies on the way', async () => {
    await symlink(outside, join(root, 'x'))
    await mkdir(join(root, 'y'))
    await symlink(outside, join(root, 'y/z'))
    for (const path of ['x/pwn', 'x/deep/pwn', 'y/z/pwn', 'x/victim']) {
      for (const force of [false, true]) {
        await expect(put(path, null, force)).rejects.toThrow('a link is where a folder should be')
      }
    }
    await untouched()
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('precious')
  })

  it('never goes through a link that is in its place', async () => {
    await symlink(join(outside, 'victim'), join(root, 'a'))
    await expect(put('a')).rejects.toThrow(InTheWay)
    await put('a', null, true)
    expect((await lstat(join(root, 'a'))).isFile()).toBe(true)
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('precious')
  })

  it('does not go where a file or a full folder is', async () => {
    await writeTree(root, { file: 'x', 'full/x': 'x' })
    await expect(put('file/a')).rejects.toThrow('a file is where a folder should be')
    await expect(put('full')).rejects.toThrow(new InTheWay('a folder that is not empty is in its place'))
    await expect(put('full', null, true)).rejects.toThrow(InTheWay)
    expect(await read('full/x')).toBe('x')
  })

  it('takes the place of an empty folder, at the top and further down', async () => {
    await mkdir(join(root, 'top'))
    await mkdir(join(root, 'a/b/c'), { recursive: true })
    await put('top')
    await put('a/b/c')
    expect([await read('top'), await read('a/b/c')]).toEqual(['new', 'new'])
  })

  it('that is one of many in a new folder makes it once', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(`deep/er/${i % 5}/${i}`)))
    const names = await Promise.all([0, 1, 2, 3, 4].map((i) => readdir(join(root, `deep/er/${i}`))))
    expect(names.flat()).toHaveLength(100)
  })
})

describe('a copy', () => {
  it('has the content of the other, and an empty file has none', async () => {
    await put('a')
    const temporary = { root, path: '.dat/new-1' }
    await destination.create('b/c', 'a', temporary, { mtime: 5000, executable: true }, null, false)
    await destination.create('empty', null, temporary, PLAIN, null, false)
    expect([await read('b/c'), await read('empty')]).toEqual(['new', ''])
    expect((await stat(join(root, 'b/c'))).mtimeMs).toBe(5000)
    expect((await stat(join(root, 'b/c'))).mode & 0o100).toBe(0o100)
    expect((await stat(join(root, 'empty'))).mtimeMs).toBeCloseTo(MTIME, 2)
    await expect(destination.create('b/c', null, temporary, PLAIN, null, false)).rejects.toThrow(InTheWay)
  })

  it.each([
    ['with holes', 200_000],
    ['without', 3]
  ])('%s has the executable bit that it should have, whatever that of the other is', async (_what, size) => {
    const mode = async (path: string) => (await stat(join(root, path))).mode & 0o777
    await put('a', null, false, { mtime: MTIME, executable: true })
    await truncate(join(root, 'a'), size)
    const temporary = { root, path: '.dat/new-1' }
    await destination.create('b', 'a', temporary, PLAIN, null, false)
    await destination.create('c', 'b', temporary, { mtime: MTIME, executable: true }, null, false)
    expect([await mode('b'), await mode('c')]).toEqual([0o666 & ~process.umask(), 0o777 & ~process.umask()])
    expect((await readFile(join(root, 'c'))).equals(await readFile(join(root, 'a')))).toBe(true)
  })

  it('does not go through what an interruption, or somebody, left under its temporary name', async () => {
    await put('a')
    const temporary = { root, path: '.dat/new-1' }
    await symlink(join(outside, 'victim'), join(root, temporary.path))
    await destination.create('b', 'a', temporary, PLAIN, null, false)
    await symlink(join(outside, 'victim'), join(root, temporary.path))
    await destination.create('c', null, temporary, PLAIN, null, false)
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('precious')
    expect((await lstat(join(root, 'b'))).isFile()).toBe(true)
  })
})

describe('a link', () => {
  it('is made as it is written, wherever it points', async () => {
    for (const [i, target] of ['../..', '/etc/passwd', 'a/b', 'none at all', '\u{1f600}'].entries()) {
      await destination.link(`l/${i}`, target, null, false)
      expect(await readlink(join(root, `l/${i}`))).toBe(target)
    }
  })

  it('replaces what dat put there, an empty folder, and nothing else', async () => {
    await put('a')
    await expect(destination.link('a', 'x', null, false)).rejects.toThrow(InTheWay)
    await destination.link('a', 'x', await recordOf('a'), false)
    await destination.link('a', 'y', await recordOf('a'), false)
    expect(await readlink(join(root, 'a'))).toBe('y')
    await mkdir(join(root, 'd/e'), { recursive: true })
    await destination.link('d/e', 'z', null, false)
    expect(await readlink(join(root, 'd/e'))).toBe('z')
    await symlink(outside, join(root, 'out'))
    await expect(destination.link('out/l', 'x', null, true)).rejects.toThrow('a link is where a folder should be')
    await untouched()
  })
})

describe('removal', () => {
  it('takes the file and the folders that it leaves empty, and never the root', async () => {
    await put('a/b/c')
    await put('a/x')
    await destination.remove('a/b/c', null)
    expect(await readdir(join(root, 'a'))).toEqual(['x'])
    await destination.remove('a/x', null)
    expect(await readdir(root)).toEqual(['.dat'])
    await destination.remove('gone', null)
    await destination.remove('nowhere/gone', null)
    await put('a/b/c')
    expect(await read('a/b/c')).toBe('new')
  })

  it('leaves folders with anything else in them, and links alone', async () => {
    await writeTree(root, { 'a/mine': 'x' })
    await put('a/b')
    await destination.remove('a/b', null)
    expect(await read('a/mine')).toBe('x')
    await symlink(outside, join(root, 'x'))
    await destination.remove('x', null)
    await untouched()
    await expect(lstat(join(root, 'x'))).rejects.toThrow()
  })

  it('of a file behind a link does not leave the folder', async () => {
    await symlink(outside, join(root, 'x'))
    await mkdir(join(outside, 'empty'))
    await destination.remove('x/victim', null)
    await destination.removeFolder('x/empty')
    expect((await readdir(outside)).sort()).toEqual(['empty', 'victim'])
    expect(await readFile(join(outside, 'victim'), 'utf8')).toBe('precious')
  })

  it('of a folder needs it to be empty', async () => {
    await writeTree(root, { 'a/b/x': 'x' })
    await destination.removeFolder('a/b')
    expect(await read('a/b/x')).toBe('x')
    await mkdir(join(root, 'e/f'), { recursive: true })
    await destination.removeFolder('e/f')
    await expect(lstat(join(root, 'e'))).rejects.toThrow()
  })
})

describe('a look', () => {
  it('follows no link, and finds nothing behind a file', async () => {
    await writeTree(root, { a: 'x', l: { link: outside } })
    expect((await destination.look('a'))?.isFile()).toBe(true)
    expect((await destination.look('l'))?.isSymbolicLink()).toBe(true)
    expect(await destination.look('none')).toBeNull()
    expect(await destination.look('a/b')).toBeNull()
  })

  it('changes time and bit of what is in place', async () => {
    await put('a', null, false, { mtime: MTIME, executable: true })
    await chmod(join(root, 'a'), 0o755)
    const print = await destination.redress('a', { mtime: 7000, executable: false })
    expect(print.mtime).toBe(7000)
    expect((await stat(join(root, 'a'))).mode & 0o111).toBe(0)
  })
})
