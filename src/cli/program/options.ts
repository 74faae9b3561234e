import { type Command, Option } from 'commander'

/** Commander would fold `--no-ignore` and `--ignore PATTERN` into one value; they mean different things. */
export class SwitchOption extends Option {
  readonly #name: string

  constructor(flags: string, description: string, name: string) {
    super(flags, description)
    this.#name = name
  }

  override attributeName(): string {
    return this.#name
  }
}

/** Gathers the values of an option that can be repeated. */
export function collect(value: string, all: string[] | undefined): string[] {
  return [...(all ?? []), value]
}

/** The options of every command that downloads. */
export function download(command: Command): Command {
  command
    .option('--include <pattern>', 'only what matches (can be repeated)', collect)
    .option('--exclude <pattern>', 'all but what matches (can be repeated)', collect)
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'overwrite files that were altered here')
  return patience(command)
}

/** The option of every command that waits for a peer. */
export function patience(command: Command): Command {
  return command.option('--timeout <seconds>', 'give up when nobody with this share is found; 0: never (default: 60)')
}

/** The options of every command. */
export function common(command: Command): Command {
  return command
    .optionsGroup('Common options:')
    .option('--json', 'one JSON object a line on stdout, for scripts')
    .option('-q, --quiet', 'print results and errors only')
    .option('--no-color', 'no colours (also: NO_COLOR)')
    .option('--debug', 'print notes and stack traces')
    .option('--store <dir>', 'where the index lives (default: <dir>/.dat)')
}

/** The options of every command that uses the network. */
export function network(command: Command): Command {
  return command
    .optionsGroup('Network options:')
    .option('--bootstrap <host:port,…>', 'a private DHT; "none" for no DHT (also: DAT_BOOTSTRAP)')
    .option('--no-dht', 'do not use the DHT')
    .option('--no-lan', 'do not look for computers in the local network')
    .option('--listen <[host:]port>', 'accept direct connections; the link then carries the address')
    .option('--peer <host:port>', 'connect to this address (can be repeated)', collect)
    .addOption(new Option('--lan-interface <address>', 'the interface for the local network').hideHelp())
}
