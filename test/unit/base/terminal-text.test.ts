import { describe, expect, it } from 'vitest'
import { printable } from '../../../src/base/terminal-text.js'

describe('printable', () => {
  it('leaves ordinary text of every script alone', () => {
    for (const text of ['a b-c_1.csv', 'über/naïve', 'u\u0308', '日本語', 'עברית', 'العربية', '🧬', '€ µ ²', ''])
      expect(printable(text)).toBe(text)
  })

  it.each([
    ['escape sequences', 'a\x1b[2Jb', 'a?[2Jb'],
    ['window titles', '\x1b]0;x\x07', '?]0;x?'],
    ['one-byte CSI', '\x9b2J', '?2J'],
    ['newlines and returns', 'a\r\nb\tc', 'a??b?c'],
    ['backspace and delete', 'a\b\x7f', 'a??'],
    ['NUL', '\0', '?'],
    ['bidi overrides', 'txt.\u202eexe', 'txt.?exe'],
    ['bidi isolates', '\u2066a\u2069', '?a?'],
    ['Arabic letter mark', '\u061c', '?'],
    ['zero width', 'a\u200bb\ufeffc\u2060', 'a?b?c?'],
    ['line separators', 'a\u2028b\u2029', 'a?b?'],
    ['tags', 'a\u{e0041}', 'a?'],
    ['a lone surrogate', 'a\ud800b', 'a?b']
  ])('replaces %s', (_name, text, shown) => expect(printable(text)).toBe(shown))
})
