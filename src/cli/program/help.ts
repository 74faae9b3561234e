import type { Command } from 'commander'

/** What each command is good for, as it is typed. The help and the manual pages show them. */
const EXAMPLES: Record<string, readonly [string, string][]> = {
  share: [
    ['dat share', 'share the folder you are in'],
    ['dat share recordings', 'share the folder "recordings"; `dat recordings` does the same'],
    ['dat share genome.fa --once', 'one file, and stop when somebody has it'],
    ["dat share data --ignore '*.bam'", 'leave files out'],
    ['dat share data --history --keep 90d', 'keep what files were in the last 90 days'],
    ['dat share data --listen 4000', 'let others connect to this port directly'],
    ['dat share data --gated', 'serve only who comes by an invite: `dat invite data`'],
    ['dat share data --background', 'go on after logout; `dat ps` and `dat stop data`']
  ],
  clone: [
    ['dat clone dat://…', 'download into a new folder; run it again to go on'],
    ['dat clone dat://… frogs', 'into the folder "frogs"'],
    ['dat clone dat://…/2018', 'only the folder "2018" of the share'],
    ["dat clone dat://… --include '*.csv'", 'only some files'],
    ['dat clone dat://…+12', 'as it was in version 12'],
    ['dat clone dat://… --dry-run', 'only say what would be downloaded']
  ],
  pull: [
    ['dat pull', 'bring the clone you are in up to date'],
    ['dat pull frogs --force', 'and overwrite what was altered here']
  ],
  sync: [['dat sync frogs', 'keep the clone "frogs" up to date, and share it with others']],
  ps: [
    ['dat ps', 'what is shared now, by whom it was fetched, since when'],
    ['dat ps --json', 'for a script']
  ],
  stop: [
    ['dat stop', 'stop sharing the folder you are in'],
    ['dat stop --all', 'and everything else on this computer']
  ],
  service: [
    ['dat service install recordings', 'share it again whenever the computer starts'],
    ['dat service list', 'what is installed'],
    ['dat service remove recordings', 'stop it, and do not start it again'],
    ['dat service install recordings --cron', 'a line for `crontab -e`, where there is no systemd']
  ],
  ls: [
    ['dat ls dat://…', 'what is in a share'],
    ['dat ls frogs 2018', 'what is in the folder "2018" of a clone']
  ],
  status: [
    ['dat status', 'of the folder you are in'],
    ['dat status --json', 'for a script']
  ],
  log: [
    ['dat log frogs', 'what changed, the oldest first'],
    ['dat log frogs/notes.txt', 'the versions of one file']
  ],
  diff: [
    ['dat diff 12', 'what changed since version 12'],
    ['dat diff 12 frogs', 'the same, of the folder "frogs"'],
    ['dat diff 12 20 frogs', 'between two versions of the folder "frogs"']
  ],
  restore: [
    ['dat restore notes.txt --version 12', 'of the share you are in'],
    ['dat restore 2018 frogs --version 12', 'a whole folder of the share "frogs"']
  ],
  prune: [
    ['dat prune', 'free what the share was told not to keep'],
    ['dat prune frogs --keep 30d', 'keep only what was there in the last 30 days']
  ],
  verify: [
    ['dat verify frogs', 'compare every byte with what was shared'],
    ['dat verify frogs --repair', 'and fetch again what is damaged']
  ],
  invite: [
    ['dat invite --expires 24h --uses 1', 'a link for one person, good until tomorrow'],
    ['dat invite frogs --note Meghan', 'of the share "frogs"; good for a week'],
    ['dat invite --list', 'who used which, and when'],
    ['dat invite --revoke abcd', 'let nobody in by it any more'],
    ['dat invite --renew abcd --expires 7d', 'let it go on']
  ],
  keys: [
    ['dat keys', 'the link of the folder you are in, and who owns it'],
    ['dat keys export --out ~/frogs.keys', 'hand the share over: from now on this is a clone'],
    ['dat keys import frogs.keys frogs', 'on the other computer, whose clone becomes the share'],
    ['dat keys export --cancel', 'take it back, if nobody imported the file']
  ],
  serve: [
    ['dat serve', 'print a link to a page with the files of the share or clone you are in'],
    ['dat serve frogs --path 2018 --expires 24h', 'only the folder "2018", for a day'],
    ['dat serve dat://…', 'a share that is somewhere else'],
    ['dat serve frogs --password', 'only for who has a password too'],
    ['dat serve --listen 0.0.0.0:8443 --tls-cert c.pem --tls-key k.pem', 'for others in the network']
  ],
  relay: [
    ['dat relay --listen 443 --tls-cert cert.pem --tls-key key.pem', 'with a certificate'],
    ['dat relay --behind-proxy', 'behind nginx or Caddy on the same computer']
  ],
  doctor: [
    ['dat doctor', 'test this network; prints a code'],
    ['dat doctor abcde-fghjk-mnpqr', 'with that code, on the other computer: test the two'],
    ['dat doctor dat://…', 'does anybody serve this link?'],
    ['dat doctor --it', 'a text for the IT department']
  ],
  uninstall: [['dat uninstall', 'what was shared or downloaded stays, and so do the keys']],
  completion: [
    ['dat completion bash >> ~/.bash_completion', 'for bash'],
    ['dat completion zsh > ~/.zfunc/_dat', 'for zsh, with that folder in $fpath'],
    ['dat completion fish > ~/.config/fish/completions/dat.fish', 'for fish']
  ]
}

/** Commands that are needed now and then: the help names them, so that it fits a screen with all the others. */
export const SELDOM = ['service', 'keys', 'diff', 'prune', 'relay', 'completion', 'uninstall']

export const ENDING = `
More commands: ${SELDOM.join(', ')}
Options and examples: dat help <command>    Version: dat --version`

/** What is typed for a command, with its arguments: `clone <link> [dir]`. */
export function commandTerm(command: Command): string {
  const names = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`
  )
  return [command.name(), ...names].join(' ')
}

/** The examples of a command: what to type, and what it does. */
export function examplesOf(name: string): readonly [string, string][] {
  return EXAMPLES[name] ?? []
}

/** Puts the examples below the help of each command. */
export function addExamples(program: Command): void {
  for (const command of program.commands) {
    const examples = examplesOf(command.name())
    if (examples.length === 0) continue
    const lines = examples.flatMap(([typed, meaning]) => [`  ${typed}`, `      ${meaning}`])
    command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
  }
}
