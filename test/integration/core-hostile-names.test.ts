import { randomBytes } from 'node:crypto'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import createTestnet from 'hyperdht/testnet.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DatError } from '../../src/base/errors.js'
import { TestSession } from '../helpers/core.js'
import { onDht, StockPeer } from '../helpers/core-stock.js'

// One drive with every attack in it that ends at once, made with the plain packages, and one clone of it. Each attack is
// then looked at by itself.

interface Raw {
  put(key: string | Buffer, value: unknown, options: object): Promise<void>
}
interface Blob {
  blockOffset: number
  blockLength: number
  byteOffset: number
  byteLength: number
}
interface Attack {
  name: string
  /** The bytes of the key below `files`. */
  key: string | Buffer
  /** In place of an ordinary file with the content "pwn"; a buffer goes into the drive as it is. */
  value?: (blob: Blob) => unknown
  /** Why it must be refused; or where it must be, since it does no harm. */
  refused?: RegExp
  arrives?: string
}

const file = (blob: unknown, more: object = {}) => ({
  executable: false,
  linkname: null,
  blob,
  metadata: null,
  ...more
})
const link = (linkname: unknown) => () => file(null, { linkname })
const bytes = (...values: number[]) => Buffer.from(values)
const json = (text: string) => () => Buffer.from(text)

const OUT = /would leave the folder/
const EMPTY = /empty part/
const OWN = /belongs to dat itself/
const LONG = /too long/
const TEXT = /not valid Unicode/
const ENTRY = /its entry is not valid/
const ATTACKS: Attack[] = [
  { name: 'climbs', key: '/../pwn', refused: OUT },
  { name: 'climbs from below', key: '/a/../../pwn', refused: OUT },
  { name: 'climbs at its end', key: '/a/..', refused: OUT },
  { name: 'is the folder itself', key: '/.', refused: OUT },
  { name: 'is empty', key: '/', refused: /empty/ },
  { name: 'is absolute', key: '//etc/pwn', refused: EMPTY },
  { name: 'has no slash at its beginning', key: 'pwn', refused: /begin with a slash/ },
  { name: 'is absolute without a slash at its beginning', key: '\\\\server\\share', refused: /begin with a slash/ },
  { name: 'ends with a slash', key: '/pwn/', refused: EMPTY },
  { name: 'has a NUL', key: '/a\0b', refused: /NUL/ },
  { name: 'is a drive letter', key: '/C:/Windows/pwn', arrives: 'C:/Windows/pwn' },
  { name: 'has backslashes', key: '/..\\..\\pwn', arrives: '..\\..\\pwn' },
  { name: 'is a UNC path', key: '/\\\\server\\share\\pwn', arrives: '\\\\server\\share\\pwn' },
  { name: 'is a device of Windows', key: '/CON.txt', arrives: 'CON.txt' },
  { name: 'ends with a dot', key: '/dot.', arrives: 'dot.' },
  { name: 'ends with a space', key: '/space ', arrives: 'space ' },
  { name: 'has a component of 300 bytes', key: `/${'x'.repeat(300)}/a`, refused: LONG },
  { name: 'has a component of 300 bytes in 100 characters', key: `/${'\u65e5'.repeat(100)}`, refused: LONG },
  { name: 'has 40,000 characters', key: `/${'x/'.repeat(20_000)}y`, refused: LONG },
  { name: 'has control characters', key: '/\x01\x02\r\n\x7f', arrives: '\x01\x02\r\n\x7f' },
  { name: 'has escape sequences', key: '/\x1b[2J\x1b]0;pwn\x07', arrives: '\x1b[2J\x1b]0;pwn\x07' },
  { name: 'reads backwards', key: '/\u202egpj.exe', arrives: '\u202egpj.exe' },
  { name: 'is an option', key: '/--checkpoint-action=exec=sh', arrives: '--checkpoint-action=exec=sh' },
  { name: 'is not UTF-8', key: bytes(0x2f, 0xff, 0x61), refused: TEXT },
  { name: 'is not UTF-8 in another way', key: bytes(0x2f, 0xfe, 0x61), refused: TEXT },
  { name: 'climbs in overlong UTF-8', key: bytes(0x2f, 0xc0, 0xae, 0xc0, 0xae, 0x2f, 0x61), refused: TEXT },
  { name: 'is half of a surrogate pair', key: bytes(0x2f, 0xed, 0xa0, 0x80), refused: TEXT },
  { name: 'has the replacement character itself', key: '/\ufffd', arrives: '\ufffd' },
  { name: 'is in the folder of dat', key: '/.dat/index/CORESTORE', refused: OWN },
  { name: 'is a partial file', key: '/.dat/partial/0-3', refused: OWN },
  { name: 'is in the folder of dat in capitals', key: '/.DAT/a', refused: OWN },
  { name: 'is in the folder of dat with a space', key: '/.dat /a', refused: OWN },
  { name: 'is in the folder of dat with a dot', key: '/.dat./a', refused: OWN },
  { name: 'is in the folder of dat with an invisible character', key: '/.d\u200bat/a', refused: OWN },
  { name: 'is in the folder of dat in wide letters', key: '/.\uff44\uff41\uff54/a', refused: OWN },
  { name: 'is in the folder of a single file', key: '/.dat-file/a', refused: OWN },
  { name: 'plants an index further down', key: '/sub/.dat/index/CORESTORE', refused: OWN },
  { name: 'plants an index further down, in capitals', key: '/sub/.DAT/index/CORESTORE', refused: OWN },
  { name: 'is a file called like the folder of dat, further down', key: '/deep/.dat', arrives: 'deep/.dat' },
  { name: 'is a link to an index', key: '/sub/.dat', value: link('../planted'), refused: OWN },
  { name: 'is a link over the folder of dat', key: '/.dat', value: link('/tmp'), refused: OWN },
  { name: 'is a link of no text', key: '/links/empty', value: link(''), refused: /no valid target/ },
  { name: 'is a link with a NUL', key: '/links/nul', value: link('a\0b'), refused: /no valid target/ },
  { name: 'is a link of 5000 bytes', key: '/links/long', value: link('x'.repeat(5000)), refused: LONG },
  { name: 'is a link that is a number', key: '/links/number', value: link(5), refused: ENTRY },
  { name: 'is a link that is an object', key: '/links/object', value: link({}), refused: ENTRY },
  { name: 'is a link to itself', key: '/links/loop', value: link('loop'), arrives: 'links/loop' },
  { name: 'is an absolute link', key: '/links/absolute', value: link('/etc/passwd'), arrives: 'links/absolute' },
  { name: 'is a link that climbs', key: '/links/up', value: link('../../..'), arrives: 'links/up' },
  { name: 'is a link with escape sequences', key: '/links/red', value: link('\x1b[31m'), arrives: 'links/red' },
  { name: 'is null', key: '/values/null', value: () => null, refused: ENTRY },
  { name: 'is a text', key: '/values/text', value: () => 'text', refused: ENTRY },
  { name: 'is a number', key: '/values/number', value: () => 5, refused: ENTRY },
  { name: 'has a text for a blob', key: '/values/blob', value: () => file('blob'), refused: ENTRY },
  { name: 'has a list for a blob', key: '/values/list', value: () => file([]), refused: ENTRY },
  {
    name: 'has texts for numbers',
    key: '/values/texts',
    value: (blob) => file({ ...blob, byteLength: '3', blockOffset: `${blob.blockOffset}` }),
    refused: ENTRY
  },
  { name: 'has a negative place', key: '/n/1', value: (blob) => file({ ...blob, blockOffset: -1 }), refused: ENTRY },
  { name: 'has a negative length', key: '/n/2', value: (blob) => file({ ...blob, byteLength: -3 }), refused: ENTRY },
  { name: 'has half a block', key: '/n/3', value: (blob) => file({ ...blob, blockOffset: 0.5 }), refused: ENTRY },
  { name: 'has NaN bytes', key: '/n/4', value: (blob) => file({ ...blob, byteLength: Number.NaN }), refused: ENTRY },
  { name: 'has 8 EB', key: '/n/5', value: (blob) => file({ ...blob, byteLength: 2 ** 63 }), refused: ENTRY },
  {
    name: 'has 8 PB in one block',
    key: '/n/6',
    value: (blob) => file({ ...blob, byteLength: 2 ** 52 }),
    refused: /length|overlap/
  },
  {
    name: 'has more blocks than bytes',
    key: '/n/7',
    value: (blob) => file({ ...blob, blockLength: 9 }),
    refused: ENTRY
  },
  {
    name: 'is longer than its block',
    key: '/n/8',
    value: (blob) => file({ ...blob, byteLength: 4 }),
    refused: /length|overlap/
  },
  {
    name: 'is shorter than its block',
    key: '/n/9',
    value: (blob) => file({ ...blob, byteLength: 2 }),
    refused: /length|overlap/
  },
  ...[Number.NaN, 1e300, -1e300, 'yesterday', {}, null, -1].map((mtime, i) => ({
    name: `has the time ${JSON.stringify(mtime)}`,
    key: `/times/${i}`,
    value: (blob: Blob) => file(blob, { metadata: { mtime } }),
    arrives: `times/${i}`
  })),
  {
    name: 'has a mode that is no bit',
    key: '/modes/0',
    value: (blob) => file(blob, { executable: 0o6777, metadata: { mode: 0o6777 } }),
    arrives: 'modes/0'
  },
  {
    name: 'has a text for metadata',
    key: '/m/text',
    value: (blob) => file(blob, { metadata: 'x' }),
    arrives: 'm/text'
  },
  {
    name: 'has a megabyte of metadata',
    key: '/m/large',
    value: (blob) => file(blob, { metadata: { x: 'x'.repeat(1e6) } }),
    refused: ENTRY
  },
  { name: 'is no JSON', key: '/json/none', value: json('{"blob":'), refused: ENTRY },
  { name: 'has no bytes', key: '/json/empty', value: json(''), refused: ENTRY },
  {
    name: 'is JSON of 100,000 levels',
    key: '/json/deep',
    value: json('['.repeat(1e5) + ']'.repeat(1e5)),
    refused: ENTRY
  },
  {
    name: 'has metadata in 100,000 levels',
    key: '/m/deep',
    value: (blob) => Buffer.from(`{"blob":${JSON.stringify(blob)},"metadata":${'['.repeat(1e5) + ']'.repeat(1e5)}}`),
    arrives: 'm/deep'
  },
  {
    name: 'has the keys of prototypes',
    key: '/m/proto',
    value: (blob) => JSON.parse(`{"__proto__":{"linkname":"/"},"constructor":1,"blob":${JSON.stringify(blob)}}`),
    arrives: 'm/proto'
  }
]
/** Pairs that some file systems take for one name: both are there, or one of them is named. */
const PAIRS = [
  ['/Case', '/case'],
  ['/caf\u00e9', '/cafe\u0301'],
  ['/\ufb01', '/fi'],
  ['/both', '/both/below'],
  ['/other/below', '/other']
] as const

let room: string
let copy: string
let failures: Map<string, string>
const good = randomBytes(100_000)

beforeAll(async () => {
  room = await mkdtemp(join(tmpdir(), 'dat-hostile-'))
  copy = join(room, 'copy')
  await mkdir(join(room, 'outside'))
  await writeFile(join(room, 'outside', 'victim'), 'precious')
  const testnet = await createTestnet(3, { host: '127.0.0.1' })
  const stock = await StockPeer.open(testnet)
  for (const name of ['/!first', '/middle/file', '/~last']) await stock.drive.put(name, good)
  await stock.drive.put('/.scratch', Buffer.from('pwn'))
  const blob = (await stock.drive.entry('/.scratch'))?.value.blob as unknown as Blob
  await stock.drive.del('/.scratch')
  const bee = stock.drive.db as unknown as Raw
  const put = (key: string | Buffer, value: unknown) =>
    bee.put(
      Buffer.concat([Buffer.from('files\0'), Buffer.from(key)]),
      Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
      { keyEncoding: 'binary', valueEncoding: 'binary' }
    )
  for (const { key, value } of ATTACKS) await put(key, value ? value(blob) : file(blob))
  for (const key of PAIRS.flat()) await put(key, file(blob))
  const folders = ['folder/../pwn/', 'folder/.dat/', 'folder/sub2/.dat/', 'folder//', 'folder/ok/']
  for (const key of folders) {
    await bee.put(Buffer.from(`dat\0${key}`), null, { keyEncoding: 'binary' })
  }
  const clone = await TestSession.clone(stock.link, copy, { network: onDht(testnet) })
  const error = (await clone.failure()) as DatError
  expect(error).toMatchObject({ code: 'PARTIAL', exitCode: 3 })
  failures = new Map(error.failures.map(({ path, reason }) => [path, reason]))
  await clone.close()
  await testnet.destroy()
})
afterAll(() => rm(room, { recursive: true, force: true }))

const there = (path: string) =>
  lstat(join(copy, path)).then(
    () => true,
    () => false
  )
/** Why a key was refused: it is listed as its text, cut where it is very long. */
const reasonOf = (key: string | Buffer) => {
  const shown = key.toString()
  const all = [...failures].filter(([path]) => path.length > 0)
  const found = all.find(
    ([path]) =>
      path === shown ||
      `/${path}` === shown ||
      path === `${shown}\ud800` ||
      (path.endsWith('…') && shown.startsWith(path.slice(0, -1)))
  )
  return found?.[1]
}

describe('a name or an entry that', () => {
  test.each(ATTACKS.filter(({ refused }) => refused))('$name is refused, and listed', async ({ key, refused }) => {
    expect(reasonOf(key)).toMatch(refused as RegExp)
    // A person reads these: nothing of the inside of the program.
    expect(reasonOf(key)).not.toMatch(/undefined|function|TypeError|properties|\/proc\//)
  })

  test.each(ATTACKS.filter(({ arrives }) => arrives))(
    '$name does no harm, and arrives',
    async ({ key, value, arrives }) => {
      expect(reasonOf(key)).toBeUndefined()
      const stats = await lstat(join(copy, arrives as string))
      if (stats.isSymbolicLink()) {
        const { linkname } = (value as () => { linkname: string })()
        expect(await readlink(join(copy, arrives as string))).toBe(linkname)
      } else {
        expect(await readFile(join(copy, arrives as string), 'utf8')).toBe('pwn')
        // Neither set-user-ID nor anything else that a peer says: only the bit.
        expect(stats.mode & 0o7111).toBe(0)
        expect(Number.isFinite(stats.mtimeMs)).toBe(true)
      }
    }
  )

  test.each(PAIRS)('%j and %j: both are there, or one is listed', async (one, other) => {
    for (const key of [one, other]) {
      const path = key.slice(1)
      const isFile = (await there(path)) && (await lstat(join(copy, path))).isFile()
      expect([key, isFile || reasonOf(key) !== undefined]).toEqual([key, true])
    }
    expect((await there(one.slice(1))) || (await there(other.slice(1)))).toBe(true)
  })
})

test('an empty folder outside the clone, or for an index, is not made', async () => {
  expect(await there('ok')).toBe(true)
  expect(await there('sub2/.dat')).toBe(false)
  expect([...failures.keys()]).toEqual(expect.arrayContaining(['../pwn/', '.dat/', 'sub2/.dat/', '/']))
})

test('nothing outside the clone was touched, and the good files are there', async () => {
  expect((await readdir(room)).sort()).toEqual(['copy', 'outside'])
  expect(await readdir(join(room, 'outside'))).toEqual(['victim'])
  expect(await readFile(join(room, 'outside', 'victim'), 'utf8')).toBe('precious')
  for (const name of ['!first', 'middle/file', '~last']) {
    expect([name, (await readFile(join(copy, name))).equals(good)]).toEqual([name, true])
  }
  expect(await readdir(join(copy, '.dat', 'partial')).catch(() => [])).toEqual([])
})

test('nothing else is in the clone than what was accepted', async () => {
  const accepted = ATTACKS.flatMap(({ arrives }) => (arrives ? [arrives.split('/')[0]] : []))
  const pairs = PAIRS.flat().map((key) => key.split('/')[1])
  const known = new Set([
    ...accepted,
    ...pairs,
    '!first',
    'middle',
    '~last',
    '.dat',
    'ok',
    'sub',
    'values',
    'links',
    'n',
    'm',
    'json',
    'sub2'
  ])
  expect((await readdir(copy)).filter((name) => !known.has(name))).toEqual([])
})
