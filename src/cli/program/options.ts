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

/** What an operand may be for commands that look at a share, wherever it is. */
export const TARGET = 'a link, or a folder that was shared or cloned'

/** The options of commands that take files of this computer into a share. */
export function importing(command: Command): Command {
  return command
    .option('--no-watch', 'do not look for changes')
    .option('--ignore <pattern>', 'leave out what matches, in .gitignore syntax (can be repeated)', collect)
    .addOption(new SwitchOption('--no-ignore', 'share everything: no .datignore, no built-in list', 'useIgnoreFiles'))
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

/** The options of commands that share until they are ended. */
export function sharing(command: Command): Command {
  return command
    .option('--background', 'go on without this terminal, also after logout; see `dat ps`, `dat stop`')
    .addOption(new Option('--run-as <mode>').choices(['background', 'service']).hideHelp())
    .addOption(new Option('--log <file>').hideHelp())
}

/** The option of commands that make a link. */
export function qr(): Option {
  return new Option('--qr', 'show the link as a QR code too, for a phone')
}

/** The option of every command that waits for a peer. */
export function patience(command: Command): Command {
  return command.option(
    '--timeout <seconds>',
    'give up when nobody with this share is found; 0: never (default: 60, less when it is sure)'
  )
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
export function network(command: Command, { listen = true } = {}): Command {
  command
    .optionsGroup('Network options:')
    .option('--bootstrap <host:port,…>', 'a private DHT; "none" for no DHT (also: DAT_BOOTSTRAP)')
    .option('--no-dht', 'do not use the DHT')
    .option('--no-lan', 'do not look for computers in the local network')
  if (listen) command.option('--listen <[host:]port>', 'accept direct connections; the link then carries the address')
  return command
    .option('--peer <host:port>', 'connect to this address (can be repeated)', collect)
    .option('--relay <url,…>', 'meet and pass bytes on here where nothing else works (also: DAT_RELAY)', collect)
    .option('--relay-ca <file>', 'trust the certificates in this file too, for relays and proxies (PEM)')
    .option('--limit-up <rate>', 'send at most so many bytes per second, such as 500K or 10M')
    .option('--limit-down <rate>', 'receive at most so many bytes per second')
    .addOption(new Option('--lan-interface <address>', 'the interface for the local network').hideHelp())
}

/** The options of `dat relay`. */
export function relayServer(command: Command): Command {
  return command
    .optionsGroup('Relay options:')
    .option('--listen <[host:]port>', 'where to listen (default: 8080; with a certificate 443)')
    .option('--tls-cert <file>', 'serve wss:// with this certificate (PEM, with its chain)')
    .option('--tls-key <file>', 'and this private key (PEM, without a password)')
    .option('--behind-proxy', 'clients come by a reverse proxy that sets X-Forwarded-For (default: 127.0.0.1:8080)')
    .option('--bootstrap <host:port,…>', 'a private DHT; "none" for no DHT (also: DAT_BOOTSTRAP)')
    .option('--no-dht', 'do not connect clients to computers that are found in the DHT, and relay no UDP')
    .option('--max-clients <n>', 'clients at once (default: 500)')
    .option('--max-per-address <n>', 'clients at once from one address (default: 64)')
    .option('--limit-client <rate>', 'bytes per second of one client; "none" for no limit (default: 50M)')
    .option('--limit-total <rate>', 'bytes per second of all clients (default: 100M)')
    .option('--idle <seconds>', 'close connections through which nothing went for so long (default: 300)')
}

/** The options of `dat serve`. */
export function gateway(command: Command): Command {
  return command
    .optionsGroup('Gateway options:')
    .option('--path <path>', 'make a link to this file or folder of the share only')
    .option('--expires <time>', 'how long the link is good, such as 24h or 30d (default: 7d)')
    .option('--password', 'ask everybody for a password too; it is read from the terminal or standard input')
    .option('--password-file <file>', 'the same, read from the first line of a file')
    .option('--revoke', 'make all links to this share worthless that were made before')
    .addOption(qr())
    .option('--listen <[host:]port>', 'where to listen (default: 127.0.0.1:8080, or another port if it is in use)')
    .option('--tls-cert <file>', 'serve https:// with this certificate (PEM, with its chain)')
    .option('--tls-key <file>', 'and this private key (PEM, without a password)')
    .option('--public-url <url>', 'how others reach it by a reverse proxy, such as https://data.example.org')
    .option('--plain-http', 'let others connect without encryption: behind a reverse proxy, or where you trust all')
}
