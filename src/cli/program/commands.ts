import { Argument, Command, Help, type Option } from 'commander'
import { completionScript, SHELLS, type Shell } from '../completion/script.js'
import { describeProgram } from './describe.js'
import { addExamples, commandTerm, ENDING, SELDOM } from './help.js'
import type { ParseOptions, Sink } from './invocation.js'
import { manualPage } from './manual.js'
import { addDownloading, addHistory, addLooking } from './receiving.js'
import { addDoctor, addServing, addUninstall } from './serving.js'
import { addInvites, addKeys, addRunning, addSharing } from './sharing.js'

/** All that can be typed. The help, the completion scripts and the manual pages are made of it too. */
export function buildProgram({ version, columns }: ParseOptions, sink: Sink): Command {
  const program = new Command('dat')
    .description('Share a folder of data, of any size, straight from one computer to another.')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: sink.write, writeErr: () => {}, getOutHelpWidth: () => columns })
    .configureHelp({ subcommandTerm: commandTerm, visibleOptions, visibleCommands })
    .addHelpText('after', ENDING)
  addSharing(program, sink)
  addDownloading(program, sink)
  addRunning(program, sink)
  addLooking(program, sink)
  addInvites(program, sink)
  addKeys(program, sink)
  addHistory(program, sink)
  addServing(program, sink)
  addDoctor(program, sink, version)
  addTexts(program, sink)
  addUninstall(program, sink)
  addExamples(program)
  return program
}

/** Those that everybody needs. */
function visibleCommands(this: Help, command: Command): Command[] {
  return Help.prototype.visibleCommands.call(this, command).filter((one) => !SELDOM.includes(one.name()))
}

/** Those of the program itself are in the last line of its help. */
function visibleOptions(this: Help, command: Command): Option[] {
  return command.parent === null ? [] : Help.prototype.visibleOptions.call(this, command)
}

/** Commands that only print a text, made of this same tree. */
function addTexts(program: Command, sink: Sink): void {
  program
    .command('completion')
    .description('print a script that completes commands in the shell')
    .addArgument(new Argument('<shell>', 'your shell').choices(SHELLS))
    .action((shell: Shell) => sink.write(completionScript(shell, describeProgram(program))))
  program
    .command('man', { hidden: true })
    .description('print a manual page, for `man -l -`')
    .argument('[command]', 'the page of this command (default: of dat itself)')
    .action((name: string | undefined) => sink.write(manualPage(describeProgram(program), name ?? null)))
  program
    .command('help', { hidden: true })
    .description('print the help of a command')
    .argument('[command]', 'one of the commands')
    .action((name: string | undefined) => {
      const command = program.commands.find((one) => one.name() === name)
      if (name !== undefined && !command)
        program.error(`unknown command '${name}'`, { code: 'commander.unknownCommand' })
      ;(command ?? program).outputHelp()
    })
}
