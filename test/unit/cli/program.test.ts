import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DatError } from '../../../src/base/errors.js'
import type { HelpText, Invocation } from '../../../src/cli/program/invocation.js'
import { parse } from '../../../src/cli/program.js'
import { LINK } from '../../helpers/events.js'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dat-program-'))
  writeFileSync(join(cwd, 'data'), '')
  writeFileSync(join(cwd, '-odd'), '')
})
afterAll(() => rmSync(cwd, { recursive: true }))

const read = (...argv: string[]) => parse(argv, { version: '1.2.3', cwd, columns: 80 })

function invocation(...argv: string[]): Invocation {
  const parsed = read(...argv)
  if ('text' in parsed) throw new Error(`only help: ${parsed.text}`)
  return parsed
}

function help(...argv: string[]): HelpText {
  const parsed = read(...argv)
  if ('run' in parsed) throw new Error(`a command: ${parsed.command}`)
  return parsed
}

function refusal(...argv: string[]): DatError {
  try {
    read(...argv)
  } catch (error) {
    if (error instanceof DatError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('commands and shortcuts', () => {
  it.each([
    [['share'], 'share'],
    [['clone', LINK], 'clone'],
    [['clone', LINK, 'dir'], 'clone'],
    [['pull'], 'pull'],
    [['sync', 'dir'], 'sync'],
    [['ls', LINK, 'a/b'], 'ls'],
    [['status'], 'status'],
    [['log', '.'], 'log'],
    [['verify', '--repair'], 'verify'],
    [[LINK], 'clone'],
    [[LINK, 'dir', '--json'], 'clone'],
    [['--json', LINK], 'clone'],
    [[LINK.slice(6, 57)], 'clone'],
    [['dat:/typo'], 'clone'],
    [['data'], 'share'],
    [['.'], 'share'],
    [['./nowhere'], 'share'],
    [['/nowhere'], 'share'],
    [['--store', 'status', 'data'], 'share'],
    [['--quiet', 'status'], 'status'],
    [['--', 'data'], 'share'],
    [['--', '-odd'], 'share'],
    [['share', '--', '-odd'], 'share']
  ])('%j is %s', (argv, command) => expect(invocation(...argv).command).toBe(command))

  it('takes common options before and after the command', () => {
    for (const argv of [
      ['--json', '--store', 'x', '--no-color', 'share', '--debug'],
      ['share', '--json', '--store=x', '--no-color', '--debug'],
      ['--store=x', '--json', '--debug', '--no-color', 'data']
    ]) {
      expect(invocation(...argv).options).toMatchObject({ json: true, store: 'x', color: false, debug: true })
    }
  })

  it('keeps --no-ignore and --ignore apart, in any order', () => {
    for (const argv of [
      ['share', '--no-ignore', '--ignore', 'a', '--ignore', 'b'],
      ['share', '--ignore', 'a', '--ignore', 'b', '--no-ignore']
    ]) {
      expect(invocation(...argv).options).toMatchObject({ useIgnoreFiles: false, ignore: ['a', 'b'] })
    }
    const plain = invocation('share').options as Record<string, unknown>
    expect(plain.ignore).toBeUndefined()
    expect(plain.useIgnoreFiles).not.toBe(false)
    expect((invocation('share', '--ignore', 'a').options as Record<string, unknown>).useIgnoreFiles).not.toBe(false)
  })
})

describe('help', () => {
  it('is what dat alone prints, with the exit code of a usage error', () => {
    expect(help()).toMatchObject({
      exitCode: 2,
      text: expect.stringMatching(/^Usage: dat <command>.*Commands:.*dat help <command>/s)
    })
  })

  it('is a success when asked for', () => {
    for (const argv of [['--help'], ['-h'], ['help'], ['--json', '--help']]) {
      expect(help(...argv)).toMatchObject({ exitCode: 0, text: expect.stringMatching(/share .*clone .*verify /s) })
    }
    for (const argv of [
      ['clone', '--help'],
      ['help', 'clone']
    ]) {
      const { text, exitCode } = help(...argv)
      expect(exitCode).toBe(0)
      expect(text).toMatch(/Usage: dat clone \[options\] <link> \[dir\]/)
      expect(text).toMatch(/--bootstrap/)
      expect(text).not.toMatch(/--lan-interface/)
    }
    expect(help('--version').text).toBe('1.2.3\n')
  })
})

describe('usage errors', () => {
  it.each([
    [['stauts'], /no command, folder or file named "stauts"/, /did you mean `status`/],
    [['--json', 'stauts'], /no command, folder/, /status/],
    [['nonsense'], /named "nonsense"/, /dat --help/],
    [['--json'], /no command was given/, /dat --help/],
    [['--bogus'], /unknown option "--bogus"/, /dat --help/],
    [['share', '--onse'], /unknown option "--onse"/, /did you mean `--once`/],
    [['share', 'a', 'b'], /too many arguments/, /dat share --help/],
    [['clone'], /missing required argument "link"/, /dat clone --help/],
    [['share', '--store'], /--store <dir>" argument missing/, /dat share --help/],
    [['status', '--peer', 'a:1'], /unknown option "--peer"/, /dat status --help/],
    [['share', '--relays', 'wss://x'], /unknown option "--relays"/, /--relay/],
    [['share', '--histroy'], /unknown option "--histroy"/, /./],
    [['verify', '--version', '3'], /unknown option "--version"/, /dat verify --help/]
  ])('%j', (argv, message, hint) => {
    const error = refusal(...argv)
    expect(error).toMatchObject({ code: 'USAGE', exitCode: 2 })
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
  })

  it('never repeats a link that was typed wrong', () => {
    const key = LINK.slice(6)
    for (const text of [`dat:/${key}`, `${key}x`, key.slice(1), `DAT:${key}`])
      expect(invocation(text).command).toBe('clone')
  })
})
