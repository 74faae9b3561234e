import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { refuseSecondCopy, type Whereabouts } from '../../../src/core/whereabouts.js'

let dir: string
let original: Whereabouts

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'dat-whereabouts-'))
  const store = join(dir, 'original', '.dat')
  await mkdir(join(store, 'index'), { recursive: true })
  const { ino } = await stat(join(store, 'index'))
  original = { machine: 'here', root: join(dir, 'original'), store, inode: ino }
})

afterEach(() => rm(dir, { recursive: true, force: true }))

const at = (name: string, more: Partial<Whereabouts> = {}): Whereabouts => {
  const root = join(dir, name)
  return { ...original, root, store: join(root, '.dat'), inode: original.inode + 1, ...more }
}

describe('an index of an owner', () => {
  it('may be renamed, and used from another computer that mounts the same disk', async () => {
    await refuseSecondCopy(original, at('renamed', { inode: original.inode }), 'index')
    await refuseSecondCopy(original, at('mounted', { inode: original.inode, machine: 'there' }), 'index')
  })

  it('may have another inode under its name: it was restored, or its file system has no lasting ones', async () => {
    await refuseSecondCopy(original, { ...original, inode: original.inode + 1 }, 'index')
  })

  it('is refused as a copy beside the original, and goes on when that is gone', async () => {
    const copy = at('copy')
    await expect(refuseSecondCopy(original, copy, 'index')).rejects.toMatchObject({
      code: 'INDEX_COPIED',
      hint: expect.stringContaining(original.store)
    })
    await rm(original.root, { recursive: true })
    await refuseSecondCopy(original, copy, 'index')
  })

  it('is refused on another computer, which cannot look where it came from', async () => {
    await rm(original.root, { recursive: true })
    await expect(refuseSecondCopy(original, at('copy', { machine: 'there' }), 'index')).rejects.toMatchObject({
      code: 'INDEX_COPIED',
      hint: expect.stringContaining('dat share --moved')
    })
  })
})
