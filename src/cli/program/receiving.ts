import type { Command } from 'commander'
import type { CloneArguments } from '../commands/clone.js'
import type { DiffArguments } from '../commands/diff.js'
import type { LogArguments } from '../commands/log.js'
import type { ListArguments } from '../commands/ls.js'
import type { PruneArguments } from '../commands/prune.js'
import type { PullArguments } from '../commands/pull.js'
import type { RestoreArguments } from '../commands/restore.js'
import type { SyncArguments } from '../commands/sync.js'
import type { VerifyArguments } from '../commands/verify.js'
import { action } from './action.js'
import type { Sink } from './invocation.js'
import { common, download, network, patience, sharing, TARGET } from './options.js'
import { typedOptions } from './typed.js'

export function addDownloading(program: Command, sink: Sink): void {
  const clone = program
    .command('clone')
    .description('download a share; run it again to go on')
    .argument('<link>', 'the link that `dat share` printed')
    .argument('[dir]', 'the new folder (default: the name of the shared folder)')
  download(clone).option('--version <n>', 'this version instead of the newest')
  action<CloneArguments>(network(common(clone)), sink, async (context, args) =>
    (await import('../commands/clone.js')).clone(context, args)
  )

  const pull = program
    .command('pull')
    .description('bring a clone up to date, then stop')
    .argument('[dir]', 'the clone', '.')
  download(pull).option('--version <n>', 'go to this version and stay at it; "newest" ends that')
  action<PullArguments>(network(common(pull)), sink, async (context, args) =>
    (await import('../commands/pull.js')).pull(context, args)
  )

  const sync = program
    .command('sync')
    .description('keep a clone up to date, and share it with others')
    .argument('[dir]', 'the clone', '.')
  action<SyncArguments>(network(common(sharing(download(sync)))), sink, async (context, args) => {
    const typed = typedOptions(sync, context.cwd)
    return (await import('../commands/sync.js')).sync(context, { ...args, typed })
  })
}

export function addLooking(program: Command, sink: Sink): void {
  const ls = program
    .command('ls')
    .description('list the files of a share without downloading')
    .argument('[target]', TARGET, '.')
    .argument('[path]', 'only this file or folder inside')
    .option('--version <n>', 'as it was in this version')
  action<ListArguments>(network(common(patience(ls))), sink, async (context, args) =>
    (await import('../commands/ls.js')).ls(context, args)
  )

  const status = program
    .command('status')
    .description('show the link, what is missing, what changed')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
  action<{ dir: string }>(common(status), sink, async (context, args) =>
    (await import('../commands/status.js')).status(context, args)
  )

  const log = program
    .command('log')
    .description('show the history, one line for each change')
    .argument('[target]', `${TARGET}, or a file in one`, '.')
    .argument('[path]', 'only this file or folder inside')
  action<LogArguments>(network(common(patience(log))), sink, async (context, args) =>
    (await import('../commands/log.js')).log(context, args)
  )

  const verify = program
    .command('verify')
    .description('compare every byte with what was shared')
    .argument('[dir]', 'a folder that was shared or cloned', '.')
    .option('--repair', 'fetch damaged and missing files again (in your own share: index them again)')
  action<VerifyArguments>(network(common(patience(verify))), sink, async (context, args) =>
    (await import('../commands/verify.js')).verify(context, args)
  )
}

export function addHistory(program: Command, sink: Sink): void {
  const diff = program
    .command('diff')
    .description('show what is different between two versions')
    .argument('<from>', 'the number of a version, as `dat log` has it')
    .argument('[to]', 'another one (default: the newest)')
    .argument('[target]', TARGET, '.')
  action<DiffArguments>(network(common(patience(diff))), sink, async (context, args) =>
    (await import('../commands/diff.js')).diff(context, args)
  )

  const restore = program
    .command('restore')
    .description('bring back an older version of a file or a folder')
    .argument('<path>', 'the file or folder, also one that was deleted')
    .argument('[dir]', 'the share or clone that it is in (default: found above it)')
    .requiredOption('--version <n>', 'the number of a version, as `dat log` has it')
    .option('--force', 'overwrite what was altered here, or is kept nowhere')
  action<RestoreArguments>(network(common(patience(restore))), sink, async (context, args) =>
    (await import('../commands/restore.js')).restore(context, args)
  )

  const prune = program
    .command('prune')
    .description('free the space of old versions')
    .argument('[dir]', 'the share', '.')
    .option('--keep <amount>', 'what to keep this time: 30d, 12h, 8w, 1y, a number of versions, or all')
  action<PruneArguments>(common(prune), sink, async (context, args) =>
    (await import('../commands/prune.js')).prune(context, args)
  )
}
