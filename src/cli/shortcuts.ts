import { meantAsLink } from './context.js'

/** What a command line is made of, as far as finding the command in it needs. */
export interface Grammar {
  commands: ReadonlySet<string>
  /** Options that take a value, such as `--store`. */
  valued: ReadonlySet<string>
  /** Whether a file or folder of that name exists. */
  exists(name: string): boolean
}

const ASKS_FOR_TEXT = new Set(['--version', '-V', '--help', '-h'])

/**
 * Puts the command first: `dat --json share` is `dat share --json`, `dat <link>` is `dat clone <link>`, and `dat <dir>`
 * is `dat share <dir>`, the habits of the original. A name that is none of these is returned alone.
 */
export function expandShortcuts(argv: readonly string[], grammar: Grammar): string[] {
  const leading: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? ''
    if (ASKS_FOR_TEXT.has(arg)) return [arg]
    const dashes = arg === '--'
    if (arg.startsWith('-') && arg !== '-' && !dashes) {
      leading.push(arg)
      if (grammar.valued.has(arg) && i + 1 < argv.length) leading.push(argv[++i] ?? '')
      continue
    }
    const operand = dashes ? argv[i + 1] : arg
    if (operand === undefined) break
    if (!dashes && grammar.commands.has(operand)) return [operand, ...leading, ...argv.slice(i + 1)]
    const exists = grammar.exists(operand)
    if (meantAsLink(operand) && !exists) return ['clone', ...leading, ...argv.slice(i)]
    if (dashes || exists || /^[.~]|[\\/]/.test(operand)) return ['share', ...leading, ...argv.slice(i)]
    return [operand]
  }
  return leading
}
