import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, CommanderError } from 'commander'
import { DatError, EXIT } from '../base/errors.js'
import { buildProgram } from './program/commands.js'
import type { HelpText, Invocation, ParseOptions } from './program/invocation.js'
import { expandShortcuts } from './shortcuts.js'

/**
 * Reads a command line. Nothing is run yet, and nothing is loaded but what parsing needs.
 * @throws DatError USAGE
 */
export function parse(argv: readonly string[], options: ParseOptions): Invocation | HelpText {
  let text = ''
  let invocation: Invocation | null = null
  const program = buildProgram(options, {
    write: (more) => {
      text += more
    },
    choose: (chosen) => {
      invocation = chosen
    }
  })
  const args = expandShortcuts(argv, {
    commands: new Set(program.commands.map((command) => command.name())),
    valued: valuedOptions(program),
    exists: (name) => existsSync(resolve(options.cwd, name))
  })
  if (args.length === 0) {
    // As git does: the help is what was wanted, but a script that left everything out must notice.
    program.outputHelp()
    return { text, exitCode: EXIT.usage }
  }
  try {
    program.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { text, exitCode: EXIT.done }
    throw usageError(error, program, args)
  }
  if (invocation) return invocation
  // Some commands are but texts.
  if (text !== '') return { text, exitCode: EXIT.done }
  throw new DatError('USAGE', 'no command was given')
}

function valuedOptions(program: Command): Set<string> {
  const options = program.commands.flatMap((command) => command.options).filter((option) => option.required)
  return new Set(options.flatMap(({ long, short }) => [long, short]).filter((flag) => typeof flag === 'string'))
}

function usageError(error: CommanderError, program: Command, args: readonly string[]): DatError {
  // An option that some command knows was given without any command.
  if (error.code === 'commander.unknownOption' && knows(program, args[0] ?? '')) {
    return new DatError('USAGE', 'no command was given')
  }
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const suggestion = /^\(Did you mean (?:one of )?(.*)\?\)$/.exec(rest.join(' ').trim())?.[1]
  const command = program.commands.find((one) => one.name() === args[0])?.name()
  const hint = suggestion ? `did you mean \`${suggestion}\`?` : `run \`${command ? `dat ${command}` : 'dat'} --help\``
  switch (error.code) {
    case 'commander.unknownCommand':
      return new DatError('USAGE', `there is no command, folder or file named "${args[0]}"`, { hint })
    default:
      return new DatError('USAGE', first.replaceAll("'", '"').replace(/\.$/, ''), { hint })
  }
}

function knows(program: Command, flag: string): boolean {
  const name = flag.split('=')[0] ?? ''
  return program.commands.some((command) =>
    command.options.some((option) => option.long === name || option.short === name)
  )
}
