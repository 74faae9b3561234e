import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from '../../../src/cli/program.js'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'dat-completion-'))
  mkdirSync(join(cwd, 'statistics'))
  writeFileSync(join(cwd, 'stand.txt'), '')
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(join(cwd, shell), text('completion', shell))
})
afterAll(() => rmSync(cwd, { recursive: true }))

function text(...argv: string[]): string {
  const parsed = parse(argv, { version: '1.2.3', cwd, columns: 80 })
  if (!('text' in parsed)) throw new Error(`a command: ${parsed.command}`)
  expect(parsed.exitCode).toBe(0)
  return parsed.text
}

const has = (program: string) => ['/bin', '/usr/bin', '/usr/local/bin'].some((dir) => existsSync(join(dir, program)))
const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd, encoding: 'utf8' })

/** What is offered for the last word, in this folder. */
const CASES: [string[], string[]][] = [
  [['sha'], ['share']],
  [['st'], ['statistics', 'status', 'stop']],
  [['status', 'st'], ['statistics']],
  [
    ['share', 'st'],
    ['stand.txt', 'statistics']
  ],
  [['clone', 'dat://x', '--store', 'st'], ['statistics']],
  [['clone', '--incl'], ['--include']],
  [['--json', 'ver'], ['verify']],
  [
    ['completion', ''],
    ['bash', 'fish', 'zsh']
  ],
  [['help', 'verif'], ['verify']],
  [['service', 'rem'], ['remove']],
  [['service', 'install', 'sta'], ['statistics']]
]

describe.skipIf(!has('bash'))('in bash', () => {
  it.each(CASES)('dat %j offers %j', (words, offered) => {
    const script = `source "$1"; shift; COMP_WORDS=(dat "$@"); COMP_CWORD=$#; _dat; printf '%s\\n' "\${COMPREPLY[@]}"`
    const lines = run('bash', '--norc', '-c', script, 'bash', join(cwd, 'bash'), ...words)
    expect(lines.split('\n').filter(Boolean).sort()).toEqual(offered)
  })
})

describe.skipIf(!has('fish'))('in fish', () => {
  it.each(CASES)('dat %j offers %j', (words, offered) => {
    const line = ['dat', ...words].join(' ')
    const lines = run('fish', '--no-config', '-c', `source ${join(cwd, 'fish')}; complete -C '${line}'`)
    const names = lines.split('\n').map((one) => one.split('\t')[0]?.replace(/\/$/, '') ?? '')
    expect(names.filter(Boolean).sort()).toEqual(offered)
  })
})

describe.skipIf(!has('zsh'))('in zsh', () => {
  it('can be loaded', () => {
    run('zsh', '-n', join(cwd, 'zsh'))
    const script = `autoload -Uz compinit; compinit -D; source ${join(cwd, 'zsh')}; print $_comps[dat]`
    expect(run('zsh', '-f', '-c', script)).toBe('_dat\n')
  })
})

it('a shell that is not known is refused', () => {
  expect(() => parse(['completion', 'cmd'], { version: '1.2.3', cwd, columns: 80 })).toThrow(/bash, zsh, fish/)
  expect(() => parse(['completion'], { version: '1.2.3', cwd, columns: 80 })).toThrow(/missing required argument/)
})
