import { DatError } from '../../base/errors.js'
import type { CommandDescription, ProgramDescription } from './describe.js'

const SEE = 'The documentation is in the folder docs of the project.'

/**
 * A manual page in the language of `man`, made of what `--help` says.
 * @param name of the command; null for the page of dat itself
 * @throws DatError USAGE when there is no such command
 */
export function manualPage(program: ProgramDescription, name: string | null): string {
  if (name === null) return programPage(program)
  const command = program.commands.find((one) => one.name === name)
  if (!command) throw new DatError('USAGE', `there is no command named "${name}"`)
  return commandPage(program, command)
}

/** The file names of all pages, each with its text. */
export function manualPages(program: ProgramDescription): Map<string, string> {
  const pages = new Map([['dat.1', programPage(program)]])
  for (const command of program.commands) pages.set(`dat-${command.name}.1`, commandPage(program, command))
  return pages
}

function programPage(program: ProgramDescription): string {
  return page([
    title('dat', program.version),
    section('NAME', `dat \\- ${line(lowerFirst(program.description.replace(/\.$/, '')))}`),
    section('SYNOPSIS', '.B dat\n.I command\n[options]'),
    section('COMMANDS', program.commands.map(({ term, description }) => item(`dat ${term}`, description)).join('\n')),
    section('DESCRIPTION', line(`Each command has a page of its own, such as dat-clone(1). ${SEE}`))
  ])
}

function commandPage({ version }: ProgramDescription, command: CommandDescription): string {
  const { name, term, description, options, examples } = command
  const groups = new Map<string, string[]>()
  for (const { long, short, value, description: text, group } of options) {
    const flags = [short, long].filter((flag) => flag !== null).join(', ')
    const typed = value === null ? flags : `${flags} ${value}`
    groups.set(group, [...(groups.get(group) ?? []), item(typed, text)])
  }
  const operands = command.arguments.map((one) => item(one.name, one.description))
  return page([
    title(`dat-${name}`, version),
    section('NAME', `dat\\-${name} \\- ${line(description)}`),
    section('SYNOPSIS', `.B ${line(`dat ${term}`)}\n[options]`),
    ...(operands.length > 0 ? [section('ARGUMENTS', operands.join('\n'))] : []),
    ...[...groups].map(([group, items]) => section(group.toUpperCase(), items.join('\n'))),
    ...(examples.length > 0
      ? [section('EXAMPLES', examples.map(([typed, meaning]) => item(typed, meaning)).join('\n'))]
      : []),
    section('SEE ALSO', `.BR dat (1)\n.br\n${line(SEE)}`)
  ])
}

function page(sections: readonly string[]): string {
  return `${sections.join('\n')}\n`
}

function title(name: string, version: string): string {
  return `.TH ${name.toUpperCase().replaceAll('-', '\\-')} 1 "" "dat ${line(version)}" "User Commands"`
}

function section(heading: string, text: string): string {
  return `.SH ${heading}\n${text}`
}

function item(term: string, text: string): string {
  return `.TP\n.B ${line(term)}\n${line(text)}`
}

/** One line of text as roff reads it: no escapes, and no request at its beginning. */
function line(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...').replaceAll('`', "'")
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
