import { Command } from 'commander'
import { expect, it } from 'vitest'
import { buildProgram } from '../../../../src/cli/program/commands.js'
import { typedOptions } from '../../../../src/cli/program/typed.js'

/** What a command understood of a command line. */
function typed(...argv: string[]): string[] {
  const program = buildProgram({ version: '1', cwd: '/', columns: 80 }, { write: () => {}, choose: () => {} })
  program.parse(argv, { from: 'user' })
  const command = program.commands.find((one) => one.name() === argv[0]) ?? new Command()
  return typedOptions(command, '/work')
}

it('keeps what was typed, with absolute paths, and nothing else', () => {
  expect(typed('share')).toEqual([])
  expect(
    typed('share', '--json', '-q', '--no-color', '--background', '--store', 'x', '--relay-ca', '../ca.pem')
  ).toEqual(['--store=/work/x', '--relay-ca=/ca.pem'])
  expect(typed('share', '--ignore', '--json', '--ignore', '*.b am', '--no-ignore', '--no-lan', '--once')).toEqual([
    '--once',
    '--ignore=--json',
    '--ignore=*.b am',
    '--no-ignore',
    '--no-lan'
  ])
  expect(typed('sync', '--include', 'a', '--timeout', '0', '--relay', 'wss://r', '--limit-up=5M')).toEqual([
    '--include=a',
    '--timeout=0',
    '--relay=wss://r',
    '--limit-up=5M'
  ])
})

it('is understood in the same way when it is typed again', () => {
  for (const argv of [
    ['share', '--ignore', '--json', '--ignore', '=x', '--no-ignore', '--no-watch', '--listen', '0', '--debug'],
    ['share', '--moved', '--new-link', '--peer', 'a:1', '--peer', 'b:2', '--bootstrap', 'none', '--lan-interface=::1'],
    ['sync', '--exclude', '', '--force', '--dry-run']
  ]) {
    const words = typed(...argv)
    expect(typed(argv[0] ?? '', ...words, '--', '/dir')).toEqual(words)
    expect(words.length).toBeGreaterThan(0)
  }
})
