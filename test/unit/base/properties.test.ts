import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import { formatLink, looksLikeLink, parseLink } from '../../../src/base/link.js'
import { isStoreName, safeLinkText, safePath } from '../../../src/base/safe-path.js'
import { printable } from '../../../src/base/terminal-text.js'
import { pathOfKey } from '../../../src/core/entry.js'
import { IgnoreRules } from '../../../src/core/ignore.js'
import { Selection } from '../../../src/core/selection.js'

// What holds for any text whatever. A counterexample is shown in its smallest form, with the seed to get it again.

/** Pieces that names are attacked with, between any others. */
const piece = fc.oneof(
  fc.constantFrom(
    '/',
    '..',
    '.',
    '\\',
    '\0',
    ':',
    ' ',
    '.dat',
    '.DAT',
    '.dat-',
    'C:',
    'con',
    'NUL',
    '~',
    '\u200b',
    '\ud800'
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.string({ unit: 'grapheme', maxLength: 3 })
)
const name = fc.oneof(
  fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 600 })
)
const RULES = [
  ['linux', path.posix, '/home/user/copy'],
  ['darwin', path.posix, '/home/user/copy'],
  ['win32', path.win32, 'C:\\Users\\user\\copy']
] as const
const runs = { numRuns: 2000 }

describe.each(RULES)('a safe path on %s', (platform, rules, root) => {
  const accepted = (key: string) => {
    const checked = safePath(key, platform)
    return checked.ok ? checked.relative : null
  }

  it('never leaves the folder, nor is it the folder, nor in that of dat', () => {
    fc.assert(
      fc.property(name, (key) => {
        const relative = accepted(key)
        if (relative === null) return
        const way = rules.relative(root, rules.resolve(root, relative))
        expect(rules.isAbsolute(relative)).toBe(false)
        expect(way === '' || rules.isAbsolute(way)).toBe(false)
        const parts = way.split(rules.sep)
        expect(parts).not.toContain('..')
        // As many parts as it seems to have: nothing in it is resolved away.
        expect(parts).toEqual(relative.split('/'))
        expect(isStoreName(parts[0] as string)).toBe(false)
        expect(parts.slice(0, -1).some(isStoreName)).toBe(false)
        expect(relative).not.toContain('\0')
      }),
      runs
    )
  })

  it('is the safe path of itself', () => {
    fc.assert(
      fc.property(name, (key) => {
        const relative = accepted(key)
        if (relative !== null) expect([accepted(relative), accepted(`/${relative}`)]).toEqual([relative, relative])
      }),
      runs
    )
  })
})

describe('keys of a drive', () => {
  it('that are accepted have a path each of their own', () => {
    fc.assert(
      fc.property(name, name, (one, other) => {
        const [a, b] = [pathOfKey(one), pathOfKey(other)]
        if (a.ok && b.ok && a.relative === b.relative) expect(one).toBe(other)
        if (a.ok) expect(`/${a.relative}`).toBe(one)
      }),
      runs
    )
  })
})

describe('the text of a link in a share', () => {
  it('is kept as it is, or refused', () => {
    fc.assert(
      fc.property(name, (target) => {
        const checked = safeLinkText(target)
        if (checked.ok) expect(checked.relative).toBe(target)
      }),
      runs
    )
  })
})

describe('a dat link', () => {
  const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes))
  const port = fc.integer({ min: 1, max: 65_535 })
  const host = fc.oneof(
    fc.ipV4(),
    fc.domain(),
    fc.ipV6().map((address) => `[${address}]`)
  )
  const address = fc.tuple(host, port).map(([name, number]) => `${name}:${number}`)
  const version = fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }))

  it('that is written can be read again, and says the same', () => {
    fc.assert(
      fc.property(key, version, fc.array(address, { maxLength: 4 }), (bytes, number, addresses) => {
        const link = formatLink(bytes, { version: number, addresses })
        expect(parseLink(link)).toEqual({ key: bytes, version: number, addresses, relays: [], path: '' })
        expect(looksLikeLink(link)).toBe(true)
      }),
      { numRuns: 500 }
    )
  })

  it('that is none is refused with a DatError that does not repeat it', () => {
    const damaged = fc.tuple(key, name, fc.nat(60)).map(([bytes, text, at]) => {
      const link = formatLink(bytes)
      return { link: link.slice(0, at) + text + link.slice(at), secret: link.slice(6) }
    })
    fc.assert(
      fc.property(damaged, name, ({ link, secret }, text) => {
        for (const given of [link, text]) {
          try {
            const { key: read, addresses, version: number } = parseLink(given)
            expect(read).toHaveLength(32)
            expect(addresses.every((one) => one.includes(':'))).toBe(true)
            if (number !== null) expect(Number.isSafeInteger(number)).toBe(true)
          } catch (error) {
            if (!(error instanceof DatError)) throw error
            expect(error.code).toBe('NOT_A_LINK')
            expect(error.message + error.hint).not.toContain(secret)
          }
        }
      }),
      runs
    )
  })
})

describe('patterns', () => {
  it('of .datignore and --ignore never fail, and never share the folder of dat', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 5 }), name, (patterns, text) => {
        const checked = safePath(text)
        if (!checked.ok) return
        const rules = IgnoreRules.root(patterns, true)
        const reason = rules.reason(checked.relative)
        expect(reason === null || typeof reason === 'string').toBe(true)
        expect(rules.reason('.dat/')).toBe('it belongs to dat itself')
      }),
      { numRuns: 500 }
    )
  })

  it('of --include and --exclude never fail, and a path in a link takes only what is below it', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 3 }), name, name, (patterns, text, under) => {
        const checked = safePath(text)
        if (!checked.ok) return
        let selection: Selection
        try {
          selection = new Selection(patterns, patterns, under)
        } catch (error) {
          expect(error).toMatchObject({ code: 'USAGE' })
          return
        }
        if (selection.wants(checked.relative) && under !== '') {
          expect(checked.relative === under || checked.relative.startsWith(`${under}/`)).toBe(true)
        }
      }),
      { numRuns: 500 }
    )
  })
})

describe('what is printed', () => {
  it('has no character that changes the screen, and is the same the second time', () => {
    fc.assert(
      fc.property(name, (text) => {
        const shown = printable(text)
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
        expect(printable(shown)).toBe(shown)
      }),
      runs
    )
  })
})
