import { Argument, type Command, Option } from 'commander'
import type { InviteArguments } from '../commands/invite.js'
import type { KeysArguments } from '../commands/keys.js'
import type { ServiceArguments } from '../commands/service.js'
import type { ShareArguments } from '../commands/share.js'
import type { StopArguments } from '../commands/stop.js'
import { SERVICE_ACTIONS, type ServiceAction } from '../service/actions.js'
import { action } from './action.js'
import type { Sink } from './invocation.js'
import { common, importing, network, patience, qr, sharing } from './options.js'
import { typedOptions } from './typed.js'

export function addSharing(program: Command, sink: Sink): void {
  const share = program
    .command('share')
    .description('share a folder or a file, until Ctrl-C')
    .argument('[dir]', 'the folder or file', '.')
    .option('--once', 'stop when one other computer has everything')
  importing(share)
    .option(
      '--http [port]',
      'show it to browsers on this computer too (default: 8080, or another port if it is in use)'
    )
    .addOption(qr())
    .option('--moved', 'this is where the share is now, and nowhere else')
    .option('--history', 'keep what files were before they changed, for `dat restore` and `--version`')
    .option('--no-history', 'keep no older versions from now on')
    .option('--keep <amount>', 'how much history: 30d, 12h, 8w, 1y, a number of versions, or all')
    .option('--gated', 'serve only who comes by an invite (see `dat invite`); the link is not shown')
    .option('--no-gated', 'serve everybody with the link again')
    .option('--strict', '--gated, and only as long as the invite is neither revoked nor expired')
    .option('--new-link', 'make a new link, even if an earlier one of this folder is known')
    .addOption(new Option('--existing').hideHelp())
  action<ShareArguments>(network(common(sharing(share))), sink, async (context, args) => {
    const typed = typedOptions(share, context.cwd)
    return (await import('../commands/share.js')).share(context, { ...args, typed })
  })
}

/** What goes on without a terminal: to see it, to end it, to have it started with the computer. */
export function addRunning(program: Command, sink: Sink): void {
  const ps = program.command('ps').description('list what is shared now')
  action(common(ps), sink, async (context) => (await import('../commands/ps.js')).ps(context))

  const stop = program
    .command('stop')
    .description('stop sharing a folder')
    .argument('[dir]', 'the folder or file that is shared', '.')
    .option('--all', 'everything that is shared on this computer')
    .option('--force', 'end it at once if it does not end by itself')
  action<StopArguments>(common(stop), sink, async (context, args) =>
    (await import('../commands/stop.js')).stop(context, args)
  )

  const service = program
    .command('service')
    .description('share a folder whenever the computer runs')
    .addArgument(new Argument('<action>', 'what to do').choices(SERVICE_ACTIONS))
    .argument('[dir]', 'the folder or file, which is shared or cloned', '.')
    .option('--all', 'remove: all services of dat')
    .option('--cron', 'install: print a line for crontab instead, for where there is no systemd')
  importing(service)
  action<ServiceArguments & { action: ServiceAction }>(network(common(service)), sink, async (context, args) => {
    const typed = typedOptions(service, context.cwd)
    return (await import('../commands/service.js')).service(context, args.action, { ...args, typed })
  })
}

export function addInvites(program: Command, sink: Sink): void {
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
  action<InviteArguments>(network(common(invite)), sink, async (context, args) =>
    (await import('../commands/invite.js')).invite(context, args)
  )
}

export function addKeys(program: Command, sink: Sink): void {
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
  type Operands = { action?: string; file?: string; dir?: string }
  action<KeysArguments & Operands>(network(common(patience(keys))), sink, async (context, args) => {
    const operands = [args.action, args.file, args.dir]
    return (await import('../commands/keys.js')).keys(context, { ...args, operands })
  })
}
