import { execFile } from 'node:child_process'
import { chmod, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { IGNORE_FILE, IgnoreRules } from '../../../src/core/ignore.js'
import { compareBytes, type Found, look, walk } from '../../../src/core/walk.js'
import { built, temporaryFolder } from '../../helpers/core.js'
import { writeTree } from '../../helpers/trees.js'

const { FileWorkers } = await built<typeof import('../../../src/storage/file-workers.js')>('storage/file-workers')
const workers = new FileWorkers(2)
afterAll(() => workers.close())

let root: string
beforeEach(async () => {
  root = await temporaryFolder()
})

interface Walked {
  paths: string[]
  found: Found[]
  skipped: Record<string, string>
  failed: Record<string, string>
}

async function walked(folder = '', rules = IgnoreRules.root([], true)): Promise<Walked> {
  const result: Walked = { paths: [], found: [], skipped: {}, failed: {} }
  const onskip = (path: string, reason: string) => {
    result.skipped[path] = reason
  }
  const onfail = (path: string, reason: string) => {
    result.failed[path] = reason
  }
  for await (const found of walk({ root, folder, rules, workers, onskip, onfail })) {
    result.paths.push(found.path)
    result.found.push(found)
  }
  return result
}

describe('a walk', () => {
  it('finds files, links and empty folders, with what tells them apart', async () => {
    await writeTree(root, {
      'a.txt': 'abc',
      'run.sh': { content: '#!', executable: true },
      link: { link: '../outside' },
      'empty/inner': { folder: true },
      'full/x': 'x'
    })
    const { found } = await walked()
    const { mtimeMs, ino, ctimeMs } = await lstat(join(root, 'a.txt'))
    expect(found).toHaveLength(5)
    expect(found[0]).toEqual({
      path: 'a.txt',
      kind: 'file',
      executable: false,
      target: '',
      size: 3,
      mtime: mtimeMs,
      holes: 0,
      inode: ino,
      ctime: ctimeMs
    })
    expect(found.map(({ path, kind, executable, target }) => `${path} ${kind} ${executable} ${target}`)).toEqual([
      'a.txt file false ',
      'empty/inner/ folder false ',
      'full/x file false ',
      'link link false ../outside',
      'run.sh file true '
    ])
  })

  it('is in the order of the bytes of whole paths', async () => {
    const names = ['a', 'a!', 'a-b', 'a.b', 'a0', 'A', 'é', '\ue000', '\ufb01', '\u{1f600}', '\u{10000}']
    const folders = ['b', 'b!', 'b-c', 'b0', 'b\u{1f600}', 'b\ufb01']
    await writeTree(
      root,
      Object.fromEntries([
        ...names.map((name) => [name, 'x']),
        ...folders.flatMap((name) => [
          [`${name}/1`, 'x'],
          [`${name}/z/1`, 'x']
        ]),
        ...Array.from({ length: 200 }, (_, i) => [`many/${i}`, 'x'])
      ])
    )
    const { paths } = await walked()
    expect(paths).toHaveLength(names.length + 2 * folders.length + 200)
    expect(paths).toEqual([...paths].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))))
  })

  it('compares as bytes do', () => {
    const texts = ['', 'a', 'b', 'aa', 'a/', 'a/b', 'a0', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{1f600}', 'é']
    for (const a of texts) {
      for (const b of texts) {
        const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b))
        expect([a, b, Math.sign(compareBytes(a, b))]).toEqual([a, b, bytes])
      }
    }
  })

  it('follows no link, to a folder neither', async () => {
    const outside = await temporaryFolder()
    await writeFile(join(outside, 'secret'), 'secret')
    await symlink(outside, join(root, 'link'))
    expect((await walked()).paths).toEqual(['link'])
  })

  it('leaves out what is no file, and says so', async () => {
    await promisify(execFile)('mkfifo', [join(root, 'pipe')])
    const { paths, skipped } = await walked()
    expect(paths).toEqual([])
    expect(skipped).toEqual({ pipe: 'it is not a file, a folder or a link' })
  })

  it('tells of a name that is no UTF-8', async () => {
    const name = Buffer.from('bad\xff', 'latin1')
    await writeFile(Buffer.concat([Buffer.from(`${root}/`), name]), 'x')
    const { paths, failed } = await walked()
    expect(paths).toEqual([])
    expect(failed).toEqual({ 'bad\ufffd': 'its name is not valid UTF-8: rename it' })
  })

  it('of a folder that is gone, or became a file, finds nothing and fails at nothing', async () => {
    await writeTree(root, { 'a/b/c': 'x' })
    expect(await walked('gone/')).toMatchObject({ paths: [], failed: {} })
    expect(await walked('a/b/c/')).toMatchObject({ paths: [], failed: {} })
    expect(await walked('a/b/c/d/')).toMatchObject({ paths: [], failed: {} })
  })

  it('of a folder that became a link does not leave the share', async () => {
    const outside = await temporaryFolder()
    await writeTree(outside, { secret: 'x', 'deep/secret': 'x' })
    await symlink(outside, join(root, 'a'))
    expect((await walked('a/')).paths).toEqual([])
    expect((await walked('a/deep/')).paths).toEqual([])
  })

  it('of a folder that is empty finds the folder', async () => {
    await writeTree(root, { 'a/b': { folder: true } })
    expect((await walked('a/b/')).paths).toEqual(['a/b/'])
    expect((await walked('a/')).paths).toEqual(['a/b/'])
    await rm(join(root, 'a', 'b'), { recursive: true })
    expect((await walked('a/')).paths).toEqual(['a/'])
    await rm(join(root, 'a'), { recursive: true })
    expect((await walked('')).paths).toEqual([])
  })

  it.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
    'says which folders and files cannot be looked into',
    async () => {
      await writeTree(root, { 'open/x': 'x', 'closed/x': 'x', 'blind/x': 'x' })
      await chmod(root, 0o755)
      await chmod(join(root, 'closed'), 0o000)
      // May be listed, but what is in it not looked at.
      await chmod(join(root, 'blind'), 0o744)
      // The superuser reads everything, so for a moment the tests are somebody else.
      process.seteuid?.(65534)
      try {
        const { paths, failed } = await walked()
        expect(paths).toContain('open/x')
        expect(paths.filter((path) => path.endsWith('x'))).toEqual(['open/x'])
        expect(failed).toEqual({ 'closed/': 'permission denied', 'blind/x': 'permission denied' })
      } finally {
        process.seteuid?.(0)
      }
    }
  )

  it('of one path looks at just that', async () => {
    await writeTree(root, { 'a/b': 'x' })
    const rules = IgnoreRules.root([], true)
    const failed: string[] = []
    const one = { workers, root, folder: '', rules, onskip: () => {}, onfail: (path: string) => failed.push(path) }
    expect(await look(one, 'a/b')).toMatchObject({ path: 'a/b', kind: 'file' })
    expect(await look(one, 'a')).toBeNull()
    expect(await look(one, 'gone')).toBeNull()
    expect(failed).toEqual([])
  })
})

describe('what is ignored', () => {
  it('is what the default list names, and what dat itself keeps', async () => {
    await writeTree(root, {
      '.DS_Store': 'x',
      '._a': 'x',
      'sub/Thumbs.db': 'x',
      'lost+found/x': 'x',
      '.hidden': 'x',
      'thumbs.dbx': 'x',
      '.dat/index/x': 'x',
      'sub/.dat/index/x': 'x',
      '.dat-file.csv/x': 'x',
      '.dat-file': 'x',
      '.git/config': 'x'
    })
    const { paths, skipped } = await walked()
    expect(paths).toEqual(['.dat-file', '.git/config', '.hidden', 'sub/', 'thumbs.dbx'])
    expect(Object.keys(skipped).sort()).toEqual(['.DS_Store', '._a', 'lost+found/', 'sub/Thumbs.db'])
    expect(skipped['.DS_Store']).toBe('ignored by the default list')
    const all = await walked('', IgnoreRules.root([], false))
    expect(all.paths).toContain('.DS_Store')
    expect(all.paths).not.toContain('.dat/index/x')
    expect(all.paths).not.toContain('sub/.dat/index/x')
  })

  it('is what .datignore says, like git: negation, trailing slash, anchors', async () => {
    await writeTree(root, {
      [IGNORE_FILE]: '# note\n*.tmp\n!keep.tmp\nbuild/\n/top.txt\nraw/*.bin\n\n',
      'a.tmp': 'x',
      'keep.tmp': 'x',
      'sub/b.tmp': 'x',
      'sub/build/x': 'x',
      'sub/deep/build': 'a file of that name',
      'top.txt': 'x',
      'sub/top.txt': 'x',
      'raw/a.bin': 'x',
      'raw/a.txt': 'x',
      'sub/raw/a.bin': 'x'
    })
    const { paths, skipped } = await walked()
    expect(paths).toEqual([IGNORE_FILE, 'keep.tmp', 'raw/a.txt', 'sub/deep/build', 'sub/raw/a.bin', 'sub/top.txt'])
    expect(Object.keys(skipped).sort()).toEqual(['a.tmp', 'raw/a.bin', 'sub/b.tmp', 'sub/build/', 'top.txt'])
    expect(skipped['a.tmp']).toBe('ignored by .datignore')
  })

  it('is decided by the innermost file that says something', async () => {
    await writeTree(root, {
      [IGNORE_FILE]: '*.log\n',
      'a.log': 'x',
      [`keep/${IGNORE_FILE}`]: '!*.log\nb.txt\n',
      'keep/a.log': 'x',
      'keep/b.txt': 'x',
      'keep/deep/a.log': 'x',
      [`keep/deep/${IGNORE_FILE}`]: 'a.log\n',
      'other/b.txt': 'x'
    })
    const { paths, skipped } = await walked()
    expect(paths).toEqual([IGNORE_FILE, `keep/${IGNORE_FILE}`, 'keep/a.log', `keep/deep/${IGNORE_FILE}`, 'other/b.txt'])
    expect(skipped['keep/deep/a.log']).toBe(`ignored by keep/deep/${IGNORE_FILE}`)
    expect(skipped['keep/b.txt']).toBe(`ignored by keep/${IGNORE_FILE}`)
  })

  it('is the same when the walk begins further in', async () => {
    await writeTree(root, {
      [IGNORE_FILE]: '*.secret\nhidden/\n',
      'a/x.secret': 'x',
      'a/x': 'x',
      [`a/${IGNORE_FILE}`]: 'inner\n',
      'a/b/inner': 'x',
      'a/b/c': 'x',
      'hidden/x': 'x',
      'hidden/deep/x': 'x',
      '.dat/index/x': 'x',
      'lost+found/deep/x': 'x'
    })
    expect((await walked('a/')).paths).toEqual([`a/${IGNORE_FILE}`, 'a/b/c', 'a/x'])
    expect((await walked('a/b/')).paths).toEqual(['a/b/c'])
    for (const folder of ['hidden/', 'hidden/deep/', '.dat/', '.dat/index/', 'lost+found/deep/']) {
      expect((await walked(folder)).paths).toEqual([])
    }
  })

  it('is what --ignore names, and files may take that back', async () => {
    await writeTree(root, { 'a.csv': 'x', 'b/c.csv': 'x', [`b/${IGNORE_FILE}`]: '!c.csv', d: 'x' })
    const { paths, skipped } = await walked('', IgnoreRules.root(['*.csv'], true))
    expect(paths).toEqual([`b/${IGNORE_FILE}`, 'b/c.csv', 'd'])
    expect(skipped['a.csv']).toBe('ignored by --ignore')
  })

  it('says nothing in a file that is no text, or cannot be read', async () => {
    await mkdir(join(root, IGNORE_FILE))
    await writeTree(root, { a: 'x', 'b/c': 'x', [`b/${IGNORE_FILE}`]: Buffer.from([0, 255, 254, 10]) })
    expect((await walked()).paths).toEqual([`${IGNORE_FILE}/`, 'a', `b/${IGNORE_FILE}`, 'b/c'])
  })

  it('is decided without a memory that grows with the number of files', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const rules = IgnoreRules.root(['*.tmp'], true)
    const ask = (count: number) => {
      let ignored = 0
      for (let i = 0; i < count; i++) if (rules.reason(`folder/${i}.${i % 2 ? 'csv' : 'tmp'}`)) ignored++
      expect(ignored).toBe(count / 2)
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = ask(10_000)
    expect(ask(100_000) - before).toBeLessThan(6e6)
  })

  it('leaves a folder with only ignored files standing as an empty one', async () => {
    await writeTree(root, { 'a/.DS_Store': 'x' })
    expect((await walked()).paths).toEqual(['a/'])
  })
})
