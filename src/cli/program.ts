import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, CommanderError, Option } from 'commander'
import { DatError, EXIT } from '../base/errors.js'
import type { CloneArguments } from './commands/clone.js'
import type { DoctorArguments } from './commands/doctor.js'
import type { LogArguments } from './commands/log.js'
import type { ListArguments } from './commands/ls.js'
import type { PullArguments } from './commands/pull.js'
import type { RelayArguments } from './commands/relay.js'
import type { ShareArguments } from './commands/share.js'
import type { VerifyArguments } from './commands/verify.js'
import type { Context, RawOptions } from './context.js'
import { collect, common, download, network, patience, relayServer, SwitchOption } from './program/options.js'
import { expandShortcuts } from './shortcuts.js'

/** A command line that was understood. */
export interface Invocation {
  command: string
  options: RawOptions
  /** Resolves to the exit code, if it is another one than 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
  run(context: Context): Promise<number | void>
}

/** Or one that only asks for a text. */
export interface HelpText {
  text: string
  exitCode: number
}

export interface ParseOptions {
  version: string
  cwd: string
  /** Columns for help texts. */
  columns: number
}

/**
 * Reads a command line. Nothing is run yet, and nothing is loaded but what parsing needs.
 * @throws DatError USAGE
 */
export function parse(argv: readonly string[], options: ParseOptions): Invocation | HelpText {
  let text = ''
  let invocation: Invocation | null = null
  const program = build(options, {
    write: (more) => {
      text += more
    },
    choose: (chosen) => {
      invocation = chosen
    }
  })
  const args = expandShortcuts(argv, {
    commands: new Set([...program.commands.map((command) => command.name()), 'help']),
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
  if (!invocation) throw new DatError('USAGE', 'no command was given')
  return invocation
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

interface Sink {
  write(text: string): void
  choose(invocation: Invocation): void
}

const EXAMPLES = `
Examples:
  dat share data          share the folder "data" and print its link
  dat clone dat://…       download it on another computer
  dat data                short for: dat share data
  dat dat://…             short for: dat clone dat://…`

function build({ version, columns }: ParseOptions, sink: Sink): Command {
  const program = new Command('dat')
    .description('Share a folder of data, of any size, straight from one computer to another.')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: sink.write, writeErr: () => {}, getOutHelpWidth: () => columns })
    .addHelpText('after', EXAMPLES)
  addSharing(program, sink)
  addDownloading(program, sink)
  addLooking(program, sink)
  addServing(program, sink)
  addDoctor(program, sink, version)
  return program
}

function addSharing(program: Command, sink: Sink): void {
  const share = program
    .command('share')
    .description('share a folder or a single file, until Ctrl-C')
    .argument('[dir]', 'the folder or file', '.')
    .option('--once', 'stop when one other computer has everything')
    .option('--no-watch', 'do not look for changes')
    .option('--ignore <pattern>', 'leave out what matches, in .gitignore syntax (can be repeated)', collect)
    .addOption(new SwitchOption('--no-ignore', 'share everything: no .datignore, no built-in list', 'useIgnoreFiles'))
  share
    .option('--moved', 'this is where the share is now, and nowhere else')
    .option('--new-link', 'make a new link, even if an earlier one of this folder is known')
  network(common(share)).action((dir: string, raw: RawOptions & ShareArguments) => {
    const run = async (context: Context) => (await import('./commands/share.js')).share(context, { ...raw, dir })
    sink.choose({ command: 'share', options: raw, run })
  })
}

function addDownloading(program: Command, sink: Sink): void {
  const clone = program
    .command('clone')
    .description('download a share into a new folder; run again to resume')
    .argument('<link>', 'the link that `dat share` printed')
    .argument('[dir]', 'the new folder (default: the name of the shared folder)')
  network(common(download(clone).addOption(new Option('--version <n>').hideHelp()))).action(
    (link: string, dir: string | undefined, raw: RawOptions & CloneArguments) => {
      const run = async (context: Context) =>
        (await import('./commands/clone.js')).clone(context, { ...raw, link, dir })
      sink.choose({ command: 'clone', options: raw, run })
    }
  )

  const pull = program
    .command('pull')
    .description('bring a clone up to date, then stop')
    .argument('[dir]', 'the clone', '.')
  network(common(download(pull))).action((dir: string, raw: RawOptions & PullArguments) => {
    const run = async (context: Context) => (await import('./commands/pull.js')).pull(context, { ...raw, dir })
    sink.choose({ command: 'pull', options: raw, run })
  })

  const sync = program
    .command('sync')
    .description('keep a clone up to date and share it with others, until Ctrl-C')
    .argument('[dir]', 'the clone', '.')
  network(common(download(sync))).action((dir: string, raw: RawOptions & PullArguments) => {
    const run = async (context: Context) => (await import('./commands/sync.js')).sync(context, { ...raw, dir })
    sink.choose({ command: 'sync', options: raw, run })
  })
}

const TARGET = 'a link, or a folder that was shared or cloned'

function addLooking(program: Command, sink: Sink): void {
  const ls = program
    .command('ls')
    .description('list the files of a share without downloading them')
    .argument('[target]', TARGET, '.')
    .argument('[path]', 'only this file or folder inside')
  network(common(patience(ls))).action((target: string, path: string | undefined, raw: RawOptions & ListArguments) => {
    const run = async (context: Context) => (await import('./commands/ls.js')).ls(context, { ...raw, target, path })
    sink.choose({ command: 'ls', options: raw, run })
  })

  const status = program
    .command('status')
    .description('show the link, the version, what is missing and what changed')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
  common(status).action((dir: string, raw: RawOptions) => {
    const run = async (context: Context) => (await import('./commands/status.js')).status(context, { dir })
    sink.choose({ command: 'status', options: raw, run })
  })

  const log = program
    .command('log')
    .description('show the history: one line for each change, the oldest first')
    .argument('[target]', TARGET, '.')
  network(common(patience(log))).action((target: string, raw: RawOptions & LogArguments) => {
    const run = async (context: Context) => (await import('./commands/log.js')).log(context, { ...raw, target })
    sink.choose({ command: 'log', options: raw, run })
  })

  const verify = program
    .command('verify')
    .description('read every file again and compare it with what was shared')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
    .option('--repair', 'fetch damaged and missing files again (in your own share: index them again)')
  network(common(patience(verify))).action((dir: string, raw: RawOptions & VerifyArguments) => {
    const run = async (context: Context) => (await import('./commands/verify.js')).verify(context, { ...raw, dir })
    sink.choose({ command: 'verify', options: raw, run })
  })
}

function addServing(program: Command, sink: Sink): void {
  const relay = program
    .command('relay')
    .description('run a relay for networks that let out nothing but web traffic, until Ctrl-C')
  relayServer(common(relay)).action((raw: RawOptions & RelayArguments) => {
    const run = async (context: Context) => (await import('./commands/relay.js')).relay(context, raw)
    sink.choose({ command: 'relay', options: raw, run })
  })
}

function addDoctor(program: Command, sink: Sink, version: string): void {
  const doctor = program
    .command('doctor')
    .description('find out what this network allows, and what to do about it')
    .argument('[code]', 'what `dat doctor` printed on the other computer, or a link')
    .option('--it', 'print a text for the IT department')
    .option('--wait', 'wait for the other computer even without a terminal')
    .option('--report <file>', 'write everything that was found to a file, without links and passwords')
    .option('--web <host:port,…>', 'servers to try TCP with, beside the relays (can be repeated)', collect)
  network(common(doctor)).action((code: string | undefined, raw: RawOptions & DoctorArguments) => {
    const run = async (context: Context) =>
      (await import('./commands/doctor.js')).doctor(context, { ...raw, code }, version)
    sink.choose({ command: 'doctor', options: raw, run })
  })
}
