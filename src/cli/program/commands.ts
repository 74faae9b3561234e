import { Argument, Command, Help, Option } from 'commander'
import type { CloneArguments } from '../commands/clone.js'
import type { DiffArguments } from '../commands/diff.js'
import type { DoctorArguments } from '../commands/doctor.js'
import type { InviteArguments } from '../commands/invite.js'
import type { KeysArguments } from '../commands/keys.js'
import type { LogArguments } from '../commands/log.js'
import type { ListArguments } from '../commands/ls.js'
import type { PruneArguments } from '../commands/prune.js'
import type { PullArguments } from '../commands/pull.js'
import type { RelayArguments } from '../commands/relay.js'
import type { RestoreArguments } from '../commands/restore.js'
import type { ServeArguments } from '../commands/serve.js'
import type { ServiceArguments } from '../commands/service.js'
import type { ShareArguments } from '../commands/share.js'
import type { StopArguments } from '../commands/stop.js'
import type { SyncArguments } from '../commands/sync.js'
import type { VerifyArguments } from '../commands/verify.js'
import { completionScript, SHELLS, type Shell } from '../completion/script.js'
import type { Context, RawOptions } from '../context.js'
import { SERVICE_ACTIONS, type ServiceAction } from '../service/actions.js'
import { describeProgram } from './describe.js'
import { addExamples, commandTerm, ENDING, SELDOM } from './help.js'
import type { ParseOptions, Sink } from './invocation.js'
import { manualPage } from './manual.js'
import {
  collect,
  common,
  download,
  gateway,
  network,
  patience,
  qr,
  relayServer,
  SwitchOption,
  sharing
} from './options.js'
import { typedOptions } from './typed.js'

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

function addSharing(program: Command, sink: Sink): void {
  const share = program
    .command('share')
    .description('share a folder or a file, until Ctrl-C')
    .argument('[dir]', 'the folder or file', '.')
    .option('--once', 'stop when one other computer has everything')
    .option('--no-watch', 'do not look for changes')
    .option('--ignore <pattern>', 'leave out what matches, in .gitignore syntax (can be repeated)', collect)
    .addOption(new SwitchOption('--no-ignore', 'share everything: no .datignore, no built-in list', 'useIgnoreFiles'))
  share
    .option(
      '--http [port]',
      'show it to browsers on this computer too (default: 8080, or another port if it is in use)'
    )
    .addOption(qr())
    .option('--moved', 'this is where the share is now, and nowhere else')
    .option('--history', 'keep what files were before they changed, for `dat restore` and `--version`')
    .option('--no-history', 'keep no older versions from now on')
    .option('--keep <amount>', 'how much history: 30d, 12h, 8w, 1y, a number of versions, or all')
    .option('--new-link', 'make a new link, even if an earlier one of this folder is known')
    .addOption(new Option('--existing').hideHelp())
  network(common(sharing(share))).action((dir: string, raw: RawOptions & ShareArguments, command: Command) => {
    const run = async (context: Context) =>
      (await import('../commands/share.js')).share(context, { ...raw, dir, typed: typedOptions(command, context.cwd) })
    sink.choose({ command: 'share', options: raw, run })
  })
}

function addDownloading(program: Command, sink: Sink): void {
  const clone = program
    .command('clone')
    .description('download a share; run it again to go on')
    .argument('<link>', 'the link that `dat share` printed')
    .argument('[dir]', 'the new folder (default: the name of the shared folder)')
  network(common(download(clone).option('--version <n>', 'this version instead of the newest'))).action(
    (link: string, dir: string | undefined, raw: RawOptions & CloneArguments) => {
      const run = async (context: Context) =>
        (await import('../commands/clone.js')).clone(context, { ...raw, link, dir })
      sink.choose({ command: 'clone', options: raw, run })
    }
  )

  const pull = program
    .command('pull')
    .description('bring a clone up to date, then stop')
    .argument('[dir]', 'the clone', '.')
  network(
    common(download(pull).option('--version <n>', 'go to this version and stay at it; "newest" ends that'))
  ).action((dir: string, raw: RawOptions & PullArguments) => {
    const run = async (context: Context) => (await import('../commands/pull.js')).pull(context, { ...raw, dir })
    sink.choose({ command: 'pull', options: raw, run })
  })

  const sync = program
    .command('sync')
    .description('keep a clone up to date, and share it with others')
    .argument('[dir]', 'the clone', '.')
  network(common(sharing(download(sync)))).action((dir: string, raw: RawOptions & SyncArguments, command: Command) => {
    const run = async (context: Context) =>
      (await import('../commands/sync.js')).sync(context, { ...raw, dir, typed: typedOptions(command, context.cwd) })
    sink.choose({ command: 'sync', options: raw, run })
  })
}

/** What goes on without a terminal: to see it, to end it, to have it started with the computer. */
function addRunning(program: Command, sink: Sink): void {
  const ps = program.command('ps').description('list what is shared now')
  common(ps).action((raw: RawOptions) => {
    const run = async (context: Context) => (await import('../commands/ps.js')).ps(context)
    sink.choose({ command: 'ps', options: raw, run })
  })

  const stop = program
    .command('stop')
    .description('stop sharing a folder')
    .argument('[dir]', 'the folder or file that is shared', '.')
    .option('--all', 'everything that is shared on this computer')
    .option('--force', 'end it at once if it does not end by itself')
  common(stop).action((dir: string, raw: RawOptions & StopArguments) => {
    const run = async (context: Context) => (await import('../commands/stop.js')).stop(context, { ...raw, dir })
    sink.choose({ command: 'stop', options: raw, run })
  })

  const service = program
    .command('service')
    .description('share a folder whenever the computer runs')
    .addArgument(new Argument('<action>', 'what to do').choices(SERVICE_ACTIONS))
    .argument('[dir]', 'the folder or file, which is shared or cloned', '.')
    .option('--all', 'remove: all services of dat')
    .option('--cron', 'install: print a line for crontab instead, for where there is no systemd')
    .option('--no-watch', 'do not look for changes')
    .option('--ignore <pattern>', 'leave out what matches, in .gitignore syntax (can be repeated)', collect)
    .addOption(new SwitchOption('--no-ignore', 'share everything: no .datignore, no built-in list', 'useIgnoreFiles'))
  network(common(service)).action(
    (action: ServiceAction, dir: string, raw: RawOptions & ServiceArguments, command: Command) => {
      const run = async (context: Context) => {
        const typed = typedOptions(command, context.cwd)
        return await (await import('../commands/service.js')).service(context, action, { ...raw, dir, typed })
      }
      sink.choose({ command: 'service', options: raw, run })
    }
  )
}

const TARGET = 'a link, or a folder that was shared or cloned'

function addLooking(program: Command, sink: Sink): void {
  const ls = program
    .command('ls')
    .description('list the files of a share without downloading')
    .argument('[target]', TARGET, '.')
    .argument('[path]', 'only this file or folder inside')
  network(common(patience(ls.option('--version <n>', 'as it was in this version')))).action(
    (target: string, path: string | undefined, raw: RawOptions & ListArguments) => {
      const run = async (context: Context) => (await import('../commands/ls.js')).ls(context, { ...raw, target, path })
      sink.choose({ command: 'ls', options: raw, run })
    }
  )

  const status = program
    .command('status')
    .description('show the link, what is missing, what changed')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
  common(status).action((dir: string, raw: RawOptions) => {
    const run = async (context: Context) => (await import('../commands/status.js')).status(context, { dir })
    sink.choose({ command: 'status', options: raw, run })
  })

  const log = program
    .command('log')
    .description('show the history, one line for each change')
    .argument('[target]', `${TARGET}, or a file in one`, '.')
    .argument('[path]', 'only this file or folder inside')
  network(common(patience(log))).action((target: string, path: string | undefined, raw: RawOptions & LogArguments) => {
    const run = async (context: Context) => (await import('../commands/log.js')).log(context, { ...raw, target, path })
    sink.choose({ command: 'log', options: raw, run })
  })

  const verify = program
    .command('verify')
    .description('compare every byte with what was shared')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
    .option('--repair', 'fetch damaged and missing files again (in your own share: index them again)')
  network(common(patience(verify))).action((dir: string, raw: RawOptions & VerifyArguments) => {
    const run = async (context: Context) => (await import('../commands/verify.js')).verify(context, { ...raw, dir })
    sink.choose({ command: 'verify', options: raw, run })
  })
}

function addInvites(program: Command, sink: Sink): void {
  const invite = program
    .command('invite')
    .description('make a link that expires, or can be used a few times')
    .argument('[dir]', 'the folder or file that is shared', '.')
    .option('--expires <time>', 'after 30m, 24h, 7d, 2w; or "never" (default: 7d)')
    .option('--uses <n>', 'for how many; or "any" (default)')
    .option('--note <text>', 'for whom it is: only `--list` shows it')
    .addOption(qr())
    .option('--list', 'what invites there are, and who used which')
    .option('--revoke <id>', 'let nobody in by this one any more')
    .option('--renew <id>', 'with --expires, --uses: let this one go on, the link stays as it is')
  network(common(invite)).action((dir: string, raw: RawOptions & InviteArguments) => {
    const run = async (context: Context) => (await import('../commands/invite.js')).invite(context, { ...raw, dir })
    sink.choose({ command: 'invite', options: raw, run })
  })
}

function addKeys(program: Command, sink: Sink): void {
  const keys = program
    .command('keys')
    .description('show the link; move a share to another computer')
    .argument('[action]', '`export` or `import`; without it, show the link and who owns the share')
    .argument('[file]', 'import: the file that was exported. Export: the shared folder (default: .)')
    .argument('[dir]', 'import: a clone, or a new folder to clone into (default: .)')
    .option('--out <file>', 'export: write the keys to this new file; "-" for standard output')
    .option('--passphrase-file <file>', 'read the passphrase from the first line of this file')
    .option('--cancel', 'export: take back what was exported and never imported')
    .option('--yes', 'export --cancel: do not ask')
    .option('--copied', 'import: the files of the share were copied into the folder by other means')
  network(common(patience(keys))).action((...operands: unknown[]) => {
    const [action, file, dir, raw] = operands as [string?, string?, string?, (RawOptions & KeysArguments)?]
    const run = async (context: Context) =>
      (await import('../commands/keys.js')).keys(context, { ...raw, operands: [action, file, dir] })
    sink.choose({ command: 'keys', options: raw ?? {}, run })
  })
}

function addHistory(program: Command, sink: Sink): void {
  const diff = program
    .command('diff')
    .description('show what is different between two versions')
    .argument('<from>', 'the number of a version, as `dat log` has it')
    .argument('[to]', 'another one (default: the newest)')
    .argument('[target]', TARGET, '.')
  network(common(patience(diff))).action(
    (from: string, to: string | undefined, target: string, raw: RawOptions & DiffArguments) => {
      const run = async (context: Context) =>
        (await import('../commands/diff.js')).diff(context, { ...raw, from, to, target })
      sink.choose({ command: 'diff', options: raw, run })
    }
  )

  const restore = program
    .command('restore')
    .description('bring back an older version of a file or a folder')
    .argument('<path>', 'the file or folder, also one that was deleted')
    .argument('[dir]', 'the share or clone that it is in (default: found above it)')
    .requiredOption('--version <n>', 'the number of a version, as `dat log` has it')
    .option('--force', 'overwrite what was altered here, or is kept nowhere')
  network(common(patience(restore))).action(
    (path: string, dir: string | undefined, raw: RawOptions & RestoreArguments) => {
      const run = async (context: Context) =>
        (await import('../commands/restore.js')).restore(context, { ...raw, path, dir })
      sink.choose({ command: 'restore', options: raw, run })
    }
  )

  const prune = program
    .command('prune')
    .description('free the space of old versions')
    .argument('[dir]', 'the share', '.')
    .option('--keep <amount>', 'what to keep this time: 30d, 12h, 8w, 1y, a number of versions, or all')
  common(prune).action((dir: string, raw: RawOptions & PruneArguments) => {
    const run = async (context: Context) => (await import('../commands/prune.js')).prune(context, { ...raw, dir })
    sink.choose({ command: 'prune', options: raw, run })
  })
}

function addServing(program: Command, sink: Sink): void {
  const serve = program
    .command('serve')
    .description('show a share to people without dat, in their browsers')
    .argument('[target]', TARGET, '.')
  network(common(patience(gateway(serve))), { listen: false }).action(
    (target: string, raw: RawOptions & ServeArguments) => {
      const run = async (context: Context) => (await import('../commands/serve.js')).serve(context, { ...raw, target })
      sink.choose({ command: 'serve', options: raw, run })
    }
  )

  const relay = program.command('relay').description('run a relay for networks that let out only the web')
  relayServer(common(relay)).action((raw: RawOptions & RelayArguments) => {
    const run = async (context: Context) => (await import('../commands/relay.js')).relay(context, raw)
    sink.choose({ command: 'relay', options: raw, run })
  })
}

function addDoctor(program: Command, sink: Sink, version: string): void {
  const doctor = program
    .command('doctor')
    .description('find out what this network allows, and what to do')
    .argument('[code]', 'what `dat doctor` printed on the other computer, or a link')
    .option('--it', 'print a text for the IT department')
    .option('--wait', 'wait for the other computer even without a terminal')
    .option('--report <file>', 'write everything that was found to a file, without links and passwords')
    .option('--web <host:port,…>', 'servers to try TCP with, beside the relays (can be repeated)', collect)
  network(common(doctor)).action((code: string | undefined, raw: RawOptions & DoctorArguments) => {
    const run = async (context: Context) =>
      (await import('../commands/doctor.js')).doctor(context, { ...raw, code }, version)
    sink.choose({ command: 'doctor', options: raw, run })
  })
}

function addUninstall(program: Command, sink: Sink): void {
  const command = program.command('uninstall').description('remove this program; data and keys stay')
  common(command).action((raw: RawOptions) => {
    const run = async () => (await import('../commands/uninstall.js')).uninstall(process.platform)
    sink.choose({ command: 'uninstall', options: raw, run })
  })
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
