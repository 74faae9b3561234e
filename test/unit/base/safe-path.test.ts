import { describe, expect, it } from 'vitest'
import { isStoreName, safeLinkText, safePath } from '../../../src/base/safe-path.js'

const accept = (key: string, platform: NodeJS.Platform = 'linux') => {
  const result = safePath(key, platform)
  return result.ok ? result.relative : `refused: ${result.reason}`
}
const refused = (key: string, platform: NodeJS.Platform = 'linux') => !safePath(key, platform).ok

describe('safePath', () => {
  it('accepts ordinary and odd names', () => {
    expect(accept('/a.csv')).toBe('a.csv')
    expect(accept('a/b/c')).toBe('a/b/c')
    for (const name of [
      '...',
      '.hidden',
      '..a',
      'a..',
      '-rf',
      ' ',
      'a b',
      'ü',
      'u\u0308',
      '日本',
      'a\nb',
      'a\x1b[2Jb',
      'a\\b',
      'con',
      'C:x',
      'a:b'
    ]) {
      expect(accept(`/d/${name}/x`)).toBe(`d/${name}/x`)
    }
    expect(accept(`/${'a'.repeat(255)}`)).toBe('a'.repeat(255))
    expect(accept(`/${'ü'.repeat(127)}`)).toBe('ü'.repeat(127))
  })

  it.each([
    '',
    '/',
    '//',
    '//a',
    '/a//b',
    '/a/',
    '/..',
    '/../a',
    '../a',
    '/a/../../b',
    '/a/..',
    '/.',
    '/./a',
    '/a/./b',
    '//etc/passwd',
    '/a\0b',
    '/a\0',
    `/${'a'.repeat(256)}`,
    `/${'ü'.repeat(128)}`,
    '/\ud800',
    '/a/\udc00b'
  ])('refuses %j', (key) => expect(refused(key)).toBe(true))

  it('keeps peers out of the folder of dat, however it is written', () => {
    for (const name of [
      '.dat',
      '.DAT',
      '.Dat',
      '.dat.',
      '.dat ',
      '.dat. .',
      '.d\u200bat',
      '\ufeff.dat',
      '.\u202edat',
      '.ｄａｔ',
      '．dat'
    ]) {
      expect(refused(`/${name}/core`), name).toBe(true)
      expect(isStoreName(name), name).toBe(true)
    }
    // Only at the top: further down it is somebody's data.
    expect(accept('/data/.dat')).toBe('data/.dat')
    for (const name of ['.data', 'dat', '.datignore', '..dat']) expect(refused(`/${name}`), name).toBe(false)
  })

  it.each([
    'a\\b',
    '..\\a',
    '\\\\server\\share',
    'C:',
    'C:x',
    'a:stream',
    'a<b',
    'a>b',
    'a"b',
    'a|b',
    'a?b',
    'a*b',
    'a\x01b',
    'con',
    'CON.txt',
    'nul',
    'Aux.tar.gz',
    'com1',
    'COM¹',
    'lpt9.x',
    'conin$',
    'a.',
    'a ',
    'a/b./c'
  ])('refuses %j on Windows only', (name) => {
    expect(refused(`/d/${name}`, 'win32')).toBe(true)
    expect(refused(`/d/${name}`, 'linux')).toBe(false)
  })

  it('does not refuse names that only begin like a device', () => {
    for (const name of ['console', 'com10', 'nullable.txt', 'auxiliary'])
      expect(refused(`/${name}`, 'win32'), name).toBe(false)
  })
})

describe('safeLinkText', () => {
  it('takes any text that can be a link, and nothing else', () => {
    for (const target of ['a', '../../etc/passwd', '/abs', 'a\nb'])
      expect(safeLinkText(target)).toEqual({ ok: true, relative: target })
    for (const target of ['', 'a\0b', 'x'.repeat(4096)]) expect(safeLinkText(target).ok).toBe(false)
  })
})
