import { type Command, Help } from 'commander'
import { commandTerm, examplesOf } from './help.js'

/** What an operand or a value is, as far as a shell can complete it. */
export type Kind = 'folder' | 'file' | 'text'

export interface OptionDescription {
  long: string
  short: string | null
  /** The placeholder of its value, such as `<dir>`; null for a switch. */
  value: string | null
  kind: Kind
  description: string
  group: string
}

export interface CommandDescription {
  name: string
  /** Name and arguments, as in `clone <link> [dir]`. */
  term: string
  description: string
  arguments: { name: string; description: string; choices: readonly string[]; kind: Kind }[]
  options: OptionDescription[]
  examples: readonly [string, string][]
}

export interface ProgramDescription {
  version: string
  description: string
  commands: CommandDescription[]
}

const FOLDERS = new Set(['dir', 'target'])
const FILES = new Set(['file'])

/** The commands with all that can be typed behind them, hidden ones left out. */
export function describeProgram(program: Command): ProgramDescription {
  return {
    version: program.version() ?? '',
    description: program.description(),
    commands: Help.prototype.visibleCommands.call(program.createHelp(), program).map(describe)
  }
}

function describe(command: Command): CommandDescription {
  return {
    name: command.name(),
    term: commandTerm(command),
    description: command.description(),
    arguments: command.registeredArguments.map((argument) => ({
      name: argument.name(),
      description: argument.description,
      choices: argument.argChoices ?? [],
      // `share` takes a single file too.
      kind: command.name() === 'share' ? 'file' : kindOf(argument.name())
    })),
    options: command.options
      .filter((option) => !option.hidden && option.long)
      .map((option) => {
        const value = /<.*>|\[[^\]]*\]$/.exec(option.flags)?.[0] ?? null
        return {
          long: option.long ?? '',
          short: option.short ?? null,
          value,
          kind: kindOf(value?.replace(/^[<[]|[>\]]$/g, '') ?? ''),
          description: option.description,
          group: option.helpGroupHeading?.replace(/:$/, '') ?? 'Options'
        }
      }),
    examples: examplesOf(command.name())
  }
}

function kindOf(name: string): Kind {
  if (FOLDERS.has(name)) return 'folder'
  return FILES.has(name) ? 'file' : 'text'
}
