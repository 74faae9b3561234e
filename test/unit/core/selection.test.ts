import { describe, expect, it } from 'vitest'
import { Selection } from '../../../src/core/selection.js'

const PATHS = [
  'a.csv',
  'a.txt',
  'data/a.csv',
  'data/raw/b.bin',
  'data/raw',
  'database/x',
  '.hidden',
  'x/.hidden/y',
  'ü/[1].csv'
]
const chosen = (include: string[], exclude: string[] = [], under = '') =>
  PATHS.filter((path) => new Selection(include, exclude, under).wants(path))

describe('a selection', () => {
  it('of nothing in particular is everything', () => {
    expect(chosen([])).toEqual(PATHS)
    expect(new Selection([], []).everything).toBe(true)
    expect(new Selection(['*'], []).everything).toBe(false)
    expect(new Selection([], ['x']).everything).toBe(false)
    expect(new Selection([], [], 'x').everything).toBe(false)
  })

  it.each([
    [['*.csv'], ['a.csv', 'data/a.csv', 'ü/[1].csv']],
    [['/*.csv'], ['a.csv']],
    [['data'], ['data/a.csv', 'data/raw/b.bin', 'data/raw']],
    [['data/'], ['data/a.csv', 'data/raw/b.bin', 'data/raw']],
    [['./data'], ['data/a.csv', 'data/raw/b.bin', 'data/raw']],
    [['raw'], ['data/raw/b.bin', 'data/raw']],
    [['data/*'], ['data/a.csv', 'data/raw/b.bin', 'data/raw']],
    [['**/b.bin'], ['data/raw/b.bin']],
    [['.hidden'], ['.hidden', 'x/.hidden/y']],
    [
      ['a.txt', '*.bin'],
      ['a.txt', 'data/raw/b.bin']
    ],
    [['nothing'], []]
  ])('by %j is %j', (include, expected) => {
    expect(chosen(include)).toEqual(expected)
  })

  it('leaves out what is excluded, even if it is included', () => {
    expect(chosen([], ['data'])).toEqual(PATHS.filter((path) => !path.startsWith('data/')))
    expect(chosen(['data'], ['*.bin'])).toEqual(['data/a.csv', 'data/raw'])
    expect(chosen(['data'], ['raw'])).toEqual(['data/a.csv'])
  })

  it('below a path is that path and what is in it, and no neighbour', () => {
    expect(chosen([], [], 'data')).toEqual(['data/a.csv', 'data/raw/b.bin', 'data/raw'])
    expect(chosen([], [], 'data/raw')).toEqual(['data/raw/b.bin', 'data/raw'])
    expect(chosen(['*.csv'], [], 'data')).toEqual(['data/a.csv'])
    expect(chosen([], [], 'ü/[1].csv')).toEqual(['ü/[1].csv'])
  })
})
