import { stripVTControlCharacters } from 'node:util'
import { Chalk } from 'chalk'
import { expect, it } from 'vitest'
import { wrap } from '../../../src/base/wrap.js'

it('breaks at spaces, and keeps long words whole', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
  expect(wrap('a abcdefghij b', 5)).toEqual(['a', 'abcdefghij', 'b'])
  expect(wrap('', 5)).toEqual([''])
})

it('keeps line breaks, and goes on below the text of a list', () => {
  expect(wrap('ab\ncd', 10)).toEqual(['ab', 'cd'])
  expect(wrap('- one two three', 9)).toEqual(['- one two', '  three'])
  expect(wrap('12. one two', 8)).toEqual(['12. one', '    two'])
  expect(wrap('   one two', 7)).toEqual(['   one', '   two'])
})

it('keeps together what is to be typed, if it fits on a line', () => {
  expect(wrap('1. now run `dat doctor --it`, then wait', 22)).toEqual([
    '1. now run',
    '   `dat doctor --it`,',
    '   then wait'
  ])
  expect(wrap('run `dat doctor`', 9)).toEqual(['run `dat', 'doctor`'])
  expect(wrap('one ` alone', 6)).toEqual(['one `', 'alone'])
})

it('breaks where it would without colours', () => {
  const { red, dim, bold } = new Chalk({ level: 1 })
  const text = 'the folder exists: run `dat clone` with another one'
  for (let columns = 8; columns < 70; columns++) {
    for (const [colored, plain] of [
      [`${red('error:')} ${text}`, `error: ${text}`],
      [dim(`   - ${text}`), `   - ${text}`],
      [bold(red(`12. ${text}`)), `12. ${text}`]
    ] as const) {
      expect(wrap(colored, columns).map(stripVTControlCharacters)).toEqual(wrap(plain, columns))
    }
  }
})

it('counts the columns of what is wide, and none for what stands above a letter', () => {
  expect(wrap('日本 日本', 8)).toEqual(['日本', '日本'])
  expect(wrap('日本 日本', 9)).toEqual(['日本 日本'])
  expect(wrap('u\u0308u\u0308 u\u0308u\u0308', 5)).toEqual(['u\u0308u\u0308 u\u0308u\u0308'])
})
