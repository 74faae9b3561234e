import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Import, importsOf, readImports, SRC, violations, withoutComments } from '../helpers/layers.js'

const edges = (...pairs: [string, string][]): Import[] => pairs.map(([from, to]) => ({ from, to }))

describe('the layers', () => {
  const imports = readImports(SRC)

  it('are kept', () => {
    expect(violations(imports)).toEqual([])
  })

  it('are looked at: the reading finds what is there', () => {
    expect(imports).toContainEqual({ from: 'base/link.ts', to: 'base/errors.ts' })
    expect(imports).toContainEqual({ from: 'core/session.ts', to: 'transport/transport.ts' })
    expect(imports).toContainEqual({ from: 'cli/program.ts', to: 'commander' })
    expect(imports).toContainEqual({ from: 'cli/ui/paint.ts', to: 'chalk' })
    expect(imports).toContainEqual({ from: 'cli/main.ts', to: 'cli/program.ts' })
  })

  it('resolve: every import of a file names a file', () => {
    const files = new Set(
      readdirSync(SRC, { recursive: true, encoding: 'utf8' }).map((name) => name.replaceAll('\\', '/'))
    )
    expect(imports.filter(({ to }) => to.endsWith('.ts') && !files.has(to))).toEqual([])
  })

  it('keep core, storage and transport silent: no streams, no exit, no argv, no environment', () => {
    const loud = /\bconsole\.|\bprocess\.(?:stdout|stderr|stdin|exit|exitCode|argv|env)\b/
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && !/^cli\b/.test(name)
    )
    expect(files.length).toBeGreaterThan(10)
    expect(files.filter((name) => loud.test(withoutComments(readFileSync(join(SRC, name), 'utf8'))))).toEqual([])
  })
})

describe('the check itself', () => {
  it.each([
    ['storage/a.ts', 'transport/b.ts'],
    ['transport/a.ts', 'storage/b.ts'],
    ['base/a.ts', 'core/b.ts'],
    ['core/a.ts', 'cli/ui/b.ts'],
    ['storage/a.ts', 'core/b.ts'],
    ['elsewhere/a.ts', 'base/b.ts'],
    ['core/a.ts', 'chalk'],
    ['cli/main.ts', 'chalk'],
    ['cli/commands/a.ts', 'cli-progress'],
    ['cli/main.ts', 'commander'],
    ['cli/ui/a.ts', 'commander']
  ])('refuses that %s imports %s', (from, to) => {
    expect(violations(edges([from, to]))).toHaveLength(1)
  })

  it.each([
    ['cli/a.ts', 'core/b.ts'],
    ['core/a.ts', 'storage/b.ts'],
    ['core/a.ts', 'transport/b.ts'],
    ['transport/a.ts', 'base/b.ts'],
    ['cli/ui/a.ts', 'chalk'],
    ['cli/program.ts', 'commander'],
    ['storage/a.ts', 'hypercore'],
    ['core/a.ts', 'node:fs']
  ])('allows that %s imports %s', (from, to) => {
    expect(violations(edges([from, to]))).toEqual([])
  })

  it('finds circles, direct and long', () => {
    expect(violations(edges(['base/a.ts', 'base/a.ts']))).toEqual(['circle: base/a.ts → base/a.ts'])
    const long = edges(['base/a.ts', 'base/b.ts'], ['base/b.ts', 'base/c.ts'], ['base/c.ts', 'base/a.ts'])
    expect(violations(long)).toEqual(['circle: base/a.ts → base/b.ts → base/c.ts → base/a.ts'])
    expect(
      violations(edges(['base/a.ts', 'base/b.ts'], ['base/a.ts', 'base/c.ts'], ['base/b.ts', 'base/c.ts']))
    ).toEqual([])
  })

  it('reads every form of import, and no comment', () => {
    const source = `
      import a from 'one'
      import type { B } from './two.js'
      import './three.js'
      export { c } from '../four.js'
      export * from '@scope/five/deep'
      const d = await import('./six.js')
      import {
        e,
        type F
      } from '../../base/seven.js'
      // import x from 'commented'
      /* import y from 'hidden' */
    `
    expect(importsOf('core/sub/file.ts', source).map(({ to }) => to)).toEqual([
      'one',
      'core/sub/two.ts',
      'core/sub/three.ts',
      'core/four.ts',
      '@scope/five/deep',
      'core/sub/six.ts',
      'base/seven.ts'
    ])
  })
})
