import { randomBytes } from 'node:crypto'
import {
  appendFile,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile
} from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { pathOf } from '../../../src/storage/beneath.js'
import { ContentFiles, type Incoming } from '../../../src/storage/content-files.js'
import type { FileIndex } from '../../../src/storage/file-index.js'
import { type FileRecord, fingerprintOf } from '../../../src/storage/file-record.js'
import { BLOCK_SIZE, type BlockRange, blockSpan } from '../../../src/storage/layout.js'
import { leafHash } from '../../../src/storage/leaf-hash.js'
import { defer } from '../../helpers/cleanup.js'
import { temporaryFolder } from '../../helpers/core.js'
import { fileRecord, openIndex, openWorkers, putAll, rangeOf } from '../../helpers/core-storage.js'
import { writeTree } from '../../helpers/trees.js'

let root: string
let index: FileIndex
let files: ContentFiles
let changed: string[]
let damaged: string[]
/** The tree: hashes of blocks. */
const tree = new Map<number, Buffer>()

beforeEach(async () => {
  root = await temporaryFolder()
  index = await openIndex()
  tree.clear()
  changed = []
  damaged = []
  files = new ContentFiles({
    index,
    root,
    partials: '.dat/partial',
    workers: await openWorkers(),
    treeHash: async (block) => tree.get(block) ?? null
  })
  files.onchanged = ({ path }, reason) => changed.push(`${path}: ${reason}`)
  files.ondamaged = ({ path }, block) => damaged.push(`${path}: ${block}`)
  defer(() => files.close())
})

/** Writes a file and puts it into the index. */
async function add(path: string, data: Buffer, blockOffset: number, more: Partial<FileRecord> = {}) {
  await writeTree(root, { [path]: data })
  return know(path, data, blockOffset, more)
}

/** Puts a file that is there into the index. */
async function know(path: string, data: Buffer, blockOffset: number, more: Partial<FileRecord> = {}) {
  const range = rangeOf(blockOffset, data.length)
  const record = {
    ...fileRecord(path, blockOffset, { range }),
    ...fingerprintOf(await lstat(join(root, path))),
    ...more
  }
  await putAll(index, [record])
  for (let i = 0; i < range.blockLength; i++) tree.set(blockOffset + i, leafHash(blockOf(data, i)))
  return record
}

/** What Hypercore does when a block arrives. */
async function arrive(block: number, data: Buffer): Promise<void> {
  tree.set(block, leafHash(data))
  await files.writeBlock(block, data)
}

const blockOf = (data: Buffer, i: number) => data.subarray(i * BLOCK_SIZE, (i + 1) * BLOCK_SIZE)

class Arriving implements Incoming {
  committed = 0
  misfits = 0
  zeros: number[] = []
  readonly range: BlockRange
  readonly blockSize: number

  constructor(range: BlockRange, blockSize = BLOCK_SIZE) {
    this.range = range
    this.blockSize = blockSize
  }

  oncommitted(blocks: number): void {
    this.committed += blocks
  }

  onzeros(index: number): void {
    this.zeros.push(index)
  }

  onmisfit(): void {
    this.misfits++
  }
}

describe('reading', () => {
  it('finds each block of each file', async () => {
    const small = randomBytes(10)
    const large = randomBytes(3 * BLOCK_SIZE + 5)
    await add('a/small', small, 0)
    await add('large', large, 1)
    expect((await files.readBlock(0))?.equals(small)).toBe(true)
    for (const i of [3, 0, 1, 2]) expect((await files.readBlock(1 + i))?.equals(blockOf(large, i))).toBe(true)
    expect(changed).toEqual([])
  })

  it('says undefined for what is in no file', async () => {
    await add('a', randomBytes(10), 0)
    expect(await files.readBlock(1)).toBeUndefined()
    expect(await files.readBlock(2 ** 40)).toBeUndefined()
  })

  // A file of one block is read whole by a worker, a longer one is kept open: both ways have to notice.
  const sizes = [10, 2 * BLOCK_SIZE]
  const spoilers: Record<string, [string, (file: string) => Promise<unknown>]> = {
    'was written to': ['it was written to', (file) => appendFile(file, 'x')],
    'was touched': ['it was written to', (file) => utimes(file, 1, 1)],
    // Noticed by its length or by its fingerprint, whichever is looked at first.
    'was cut off': ['it (was written to|is shorter than it was)', (file) => truncate(file, 3)],
    'was replaced by another of the same size and time': [
      'it was written to',
      async (file) => {
        const { atimeMs, mtimeMs, size } = await lstat(file)
        await writeFile(`${file}.new`, randomBytes(size))
        await rename(`${file}.new`, file)
        await utimes(file, atimeMs / 1000, mtimeMs / 1000)
      }
    ],
    'is gone': ['it is gone', (file) => rm(file)],
    'became a folder': [
      'it can no longer be read: a folder is in its place',
      async (file) => {
        await rm(file)
        await mkdir(file)
      }
    ],
    'became a link': [
      'a link is in its place',
      async (file) => {
        await rename(file, `${file}.away`)
        await symlink(`${file}.away`, file)
      }
    ]
  }
  const cases = Object.entries(spoilers).flatMap(([how, spoil]) => sizes.map((size) => [size, how, ...spoil] as const))
  it.each(cases)('gives nothing of a file of %i bytes that %s, and tells', async (size, _how, reason, spoil) => {
    await add('dir/a', randomBytes(size), 0)
    if (size === 10) expect(await files.readBlock(0)).toHaveLength(size)
    await spoil(join(root, 'dir', 'a'))
    expect(await files.readBlock(0)).toBeNull()
    expect(changed).toEqual([expect.stringMatching(`^dir/a: ${reason}$`)])
  })

  it('notices at each block of a file that it keeps open', async () => {
    const data = randomBytes(3 * BLOCK_SIZE)
    await add('a', data, 0)
    // Backwards, so that nothing was read ahead.
    expect((await files.readBlock(2))?.equals(blockOf(data, 2))).toBe(true)
    await appendFile(join(root, 'a'), 'x')
    expect(await files.readBlock(1)).toBeNull()
    expect(await files.readBlock(0)).toBeNull()
  })

  /** Writes other bytes of the same length, and sets the time back. */
  async function tamper(path: string, position: number): Promise<void> {
    const { atime, mtime } = await lstat(join(root, path))
    const handle = await open(join(root, path), 'r+')
    await handle.write(randomBytes(5), 0, 5, position)
    await handle.close()
    await utimes(join(root, path), atime, mtime)
  }

  it.each(sizes)('withholds what was written into a file of %i bytes whose time was set back', async (size) => {
    const data = randomBytes(size)
    // A time that can be set back exactly.
    await writeTree(root, { a: { content: data, modified: new Date(1e12) } })
    await know('a', data, 0)
    await tamper('a', size - 5)
    expect(await files.readBlock(Math.ceil(size / BLOCK_SIZE) - 1)).toBeNull()
    expect(changed).toEqual(['a: it was written to'])
    if (size > BLOCK_SIZE) expect((await files.readBlock(0))?.equals(blockOf(data, 0))).toBe(true)
    expect(damaged).toEqual([])
  })

  it.each(sizes)('serves a file of %i bytes that has other attributes and the same content', async (size) => {
    const data = randomBytes(size)
    await add('a', data, 0)
    await chmod(join(root, 'a'), 0o600)
    await link(join(root, 'a'), join(root, 'b'))
    expect((await files.readBlock(0))?.equals(blockOf(data, 0))).toBe(true)
    expect(changed).toEqual([])
  })

  it.each(sizes)('withholds a block of a file of %i bytes that is another though nothing tells it', async (size) => {
    await add('a', randomBytes(size), 0)
    tree.set(0, leafHash(Buffer.from('what was indexed')))
    expect(await files.readBlock(0)).toBeNull()
    expect(damaged).toEqual(['a: 0'])
    expect(changed).toEqual([])
  })

  it('takes a racy file that is another for one that was written to', async () => {
    await add('a', randomBytes(10), 0, { racy: true })
    tree.set(0, leafHash(Buffer.from('what was indexed')))
    expect(await files.readBlock(0)).toBeNull()
    expect(changed).toEqual(['a: it was written to'])
    expect(damaged).toEqual([])
  })

  it('does not give a block before the tree has it', async () => {
    const data = randomBytes(10)
    await add('a', data, 0)
    tree.delete(0)
    expect(await files.readBlock(0)).toBeNull()
    expect(changed).toEqual([])
    expect(damaged).toEqual([])
    tree.set(0, leafHash(data))
    expect((await files.readBlock(0))?.equals(data)).toBe(true)
  })

  it('goes to the twin of a file that changed', async () => {
    const data = randomBytes(2 * BLOCK_SIZE)
    await add('a', data, 0)
    await add('b', data, 0)
    await rm(join(root, 'a'))
    expect((await files.readBlock(1))?.equals(blockOf(data, 1))).toBe(true)
    expect(changed).toEqual([])
    await rm(join(root, 'b'))
    // What is open can still be read, and is what was indexed: no harm. It is gone once it is closed.
    files.forget('b')
    expect(await files.readBlock(1)).toBeNull()
    expect(changed).toHaveLength(1)
  })

  it('follows a file that moved, once the index knows', async () => {
    const data = randomBytes(2 * BLOCK_SIZE)
    const record = await add('a', data, 0)
    expect((await files.readBlock(0))?.equals(blockOf(data, 0))).toBe(true)
    await rename(join(root, 'a'), join(root, 'b'))
    const batch = index.batch()
    batch.remove(record)
    batch.put({ ...record, path: 'b' }, null)
    await batch.flush()
    files.forget('a')
    expect((await files.readBlock(1))?.equals(blockOf(data, 1))).toBe(true)
  })

  it('serves any number of files, many at once', async () => {
    const all = await Promise.all(
      Array.from({ length: 60 }, async (_, i) => {
        const data = randomBytes(BLOCK_SIZE + i + 1)
        await add(`d${i % 7}/f${i}`, data, 2 * i)
        return data
      })
    )
    await Promise.all(
      all.flatMap((data, i) =>
        [0, 1].map(async (block) =>
          expect((await files.readBlock(2 * i + block))?.equals(blockOf(data, block))).toBe(true)
        )
      )
    )
  })
})

describe('reading ahead', () => {
  it('gives the same as reading', async () => {
    const data = randomBytes(20 * BLOCK_SIZE + 7)
    await add('a', data, 0)
    const small = Array.from({ length: 50 }, (_, i) => Buffer.from(`file ${i}`))
    for (const [i, content] of small.entries()) await add(`s/${i}`, content, 21 + i)
    for (let i = 0; i <= 20; i++) expect((await files.readBlock(i))?.equals(blockOf(data, i))).toBe(true)
    for (const [i, content] of small.entries()) expect((await files.readBlock(21 + i))?.equals(content)).toBe(true)
  })

  it('does not remember that a block was not there', async () => {
    await add('a', randomBytes(10), 0)
    await add('b', randomBytes(10), 1)
    await files.readBlock(0)
    await files.readBlock(1)
    expect(await files.readBlock(2)).toBeUndefined()
    const late = randomBytes(10)
    await add('c', late, 2)
    expect((await files.readBlock(2))?.equals(late)).toBe(true)
  })

  it('does not take the hole in a file that is being downloaded for its blocks', async () => {
    const data = randomBytes(8 * BLOCK_SIZE)
    const range = rangeOf(0, data.length)
    await putAll(index, [fileRecord('a', 0, { range, state: 'partial' })])
    const arriving = new Arriving(range)
    files.expect(arriving)
    // They come as they come: block 7 before 3 to 6, which are a hole so far.
    for (const i of [0, 1, 2, 7]) await arrive(i, blockOf(data, i))
    for (const i of [0, 1, 2]) expect((await files.readBlock(i))?.equals(blockOf(data, i))).toBe(true)
    // Whatever was read ahead has been read when this comes back.
    await files.readBlock(7)
    for (const i of [3, 4, 5, 6]) await arrive(i, blockOf(data, i))
    files.committed([0, 1, 2, 7, 3, 4, 5, 6])
    for (let i = 3; i < 8; i++) expect((await files.readBlock(i))?.equals(blockOf(data, i))).toBe(true)
  })

  it('does not outlive a file that was replaced', async () => {
    const data = randomBytes(5 * BLOCK_SIZE)
    const record = await add('a', data, 0)
    await files.readBlock(0)
    await files.readBlock(1)
    const batch = index.batch()
    batch.remove(record)
    await batch.flush()
    files.forget('a')
    expect(await files.readBlock(2)).toBeUndefined()
  })
})

describe('writing', () => {
  it('is for what is expected only', async () => {
    expect(files.writeBlock(0, randomBytes(10))).toBe(false)
    const arriving = new Arriving(rangeOf(5, 2 * BLOCK_SIZE))
    files.expect(arriving)
    expect(files.writeBlock(4, randomBytes(BLOCK_SIZE))).toBe(false)
    expect(files.writeBlock(7, randomBytes(BLOCK_SIZE))).toBe(false)
    expect(files.writeBlock(6, randomBytes(BLOCK_SIZE))).toBeInstanceOf(Promise)
    files.unexpect(arriving)
    expect(files.writeBlock(5, randomBytes(BLOCK_SIZE))).toBe(false)
    files.unexpect(arriving)
  })

  it('finds the right one among many', async () => {
    const all = Array.from({ length: 50 }, (_, i) => new Arriving(rangeOf(i * 3, 2 * BLOCK_SIZE)))
    for (const arriving of [...all].sort((a, b) => (a.range.blockOffset % 7) - (b.range.blockOffset % 7))) {
      files.expect(arriving)
    }
    files.committed([0, 1, 2, 3, 147, 148, 149])
    expect(all[0]?.committed).toBe(2)
    expect(all[1]?.committed).toBe(1)
    expect(all[49]?.committed).toBe(2)
    expect(files.overlapping(rangeOf(2, 1))).toBeNull()
    expect(files.overlapping(rangeOf(2, 2 * BLOCK_SIZE))).toBe(all[1])
    expect(files.overlapping(rangeOf(1, 1))).toBe(all[0])
    expect(files.overlapping(rangeOf(149, BLOCK_SIZE * 9))).toBeNull()
    expect(files.overlapping(rangeOf(100_000, 1))).toBeNull()
  })

  it('can be read again before the file is whole', async () => {
    const data = randomBytes(2 * BLOCK_SIZE + 9)
    const range = rangeOf(3, data.length)
    await putAll(index, [fileRecord('a', 3, { range, state: 'partial' })])
    const arriving = new Arriving(range)
    files.expect(arriving)
    await arrive(5, blockOf(data, 2))
    files.committed([5])
    expect(arriving.committed).toBe(1)
    expect((await files.readBlock(5))?.equals(blockOf(data, 2))).toBe(true)
    expect(changed).toEqual([])
  })

  it('of blocks of another size is refused, and told', async () => {
    const arriving = new Arriving(rangeOf(0, 2 * BLOCK_SIZE + 1))
    files.expect(arriving)
    expect(files.writeBlock(0, randomBytes(BLOCK_SIZE - 1))).toBe(false)
    expect(files.writeBlock(1, randomBytes(BLOCK_SIZE + 1))).toBe(false)
    expect(files.writeBlock(2, randomBytes(2))).toBe(false)
    expect(arriving.misfits).toBe(3)
    await files.writeBlock(2, randomBytes(1))
    await expect(lstat(pathOf(files.partials.file(arriving.range)))).resolves.toBeDefined()
  })

  it('knows the blocks of plain Hyperdrive', async () => {
    const size = 64 * 1024
    const data = randomBytes(2 * size + 3)
    const range = { ...rangeOf(0, data.length), blockLength: 3 }
    await putAll(index, [fileRecord('a', 0, { range, state: 'partial' })])
    files.expect(new Arriving(range, size))
    for (let i = 2; i >= 0; i--) {
      const { start, length } = blockSpan(range, size, i)
      await arrive(i, data.subarray(start, start + length))
    }
    for (let i = 0; i < 3; i++)
      expect((await files.readBlock(i))?.equals(data.subarray(i * size, (i + 1) * size))).toBe(true)
  })

  it('that fails is told, and fails', async () => {
    await writeFile(join(root, '.dat'), 'in the way')
    const failed: unknown[] = []
    files.onwritefailed = (error) => failed.push(error)
    files.expect(new Arriving(rangeOf(0, 10)))
    await expect(files.writeBlock(0, randomBytes(10))).rejects.toThrow()
    expect(failed).toHaveLength(1)
  })

  it('begins anew when a partial file was given up', async () => {
    const range = rangeOf(0, 2 * BLOCK_SIZE)
    await putAll(index, [fileRecord('a', 0, { range, state: 'partial' })])
    files.expect(new Arriving(range))
    await files.writeBlock(0, randomBytes(BLOCK_SIZE))
    await files.readBlock(0)
    await files.partials.remove(range)
    const data = randomBytes(BLOCK_SIZE)
    await arrive(0, data)
    expect((await files.readBlock(0))?.equals(data)).toBe(true)
  })
})
