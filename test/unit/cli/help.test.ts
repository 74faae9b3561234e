import { describe, expect, it } from 'vitest'
import { parse } from '../../../src/cli/program.js'

function text(...argv: string[]): string {
  const parsed = parse(argv, { version: '1.2.3', cwd: '/', columns: 80 })
  if (!('text' in parsed)) throw new Error(`a command: ${parsed.command}`)
  return parsed.text
}

/** The commands that the help lists, in its order. */
const listed = () => {
  const help = text('--help')
  const more = /^More commands: (.*)$/m.exec(help)?.[1]?.split(', ') ?? []
  return [...[...help.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => String(name)), ...more]
}

it('the help fits a screen of 80 × 24, and begins with the two commands that matter', () => {
  const lines = text('--help').trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(24)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
  expect(listed().slice(0, 2)).toEqual(['share', 'clone'])
  expect(text('help')).toBe(text('--help'))
})

describe('each command', () => {
  it.each(listed())('%s has examples that are accepted as they stand, and a manual page', (name) => {
    const help = text(name, '--help')
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(text('help', name)).toBe(help)
    const typed = [...help.matchAll(/^ {2}dat (.*)$/gm)].map(([, line]) => String(line))
    expect(typed.length).toBeGreaterThan(0)
    for (const line of typed) {
      const words = line.replace(/ >+ .*/, '').split(' ')
      const argv = words.map((word) => word.replaceAll("'", '').replaceAll('…', 'y'.repeat(52)))
      const parsed = parse(argv, { version: '1.2.3', cwd: '/', columns: 80 })
      if ('run' in parsed) expect(parsed.command).toBe(name)
      else expect(parsed.text).not.toBe('')
    }
    const page = text('man', name)
    expect(page).toMatch(new RegExp(`^\\.TH DAT\\\\-${name.toUpperCase()} 1 `))
    const options = [...help.matchAll(/^ {2}(?:-\w, )?--([a-z-]+)/gm)].map(([, long]) => String(long))
    for (const option of options.filter((one) => one !== 'help')) {
      expect(page).toContain(`\\-\\-${option.replaceAll('-', '\\-')}`)
    }
  })
})

it('the manual page of dat itself names each command; of an unknown one there is none', () => {
  const page = text('man')
  for (const name of listed()) expect(page).toMatch(new RegExp(`^\\.B dat ${name}`, 'm'))
  expect(() => text('man', 'nothing')).toThrow(/no command named "nothing"/)
  expect(() => text('help', 'stauts')).toThrow(/did you mean|no command/)
})
