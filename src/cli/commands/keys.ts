import { resolve } from 'node:path'
import { DatError } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import type { Imported } from '../../core/take-over.js'
import type { Context } from '../context.js'
import { countOf } from '../ui/format.js'
import { keysText } from '../ui/table.js'
import { absolute, readTimeout } from './arguments.js'
import { ask, readPassphrase } from './passphrase.js'

export interface KeysArguments {
  /** As they were typed: what to do, and with what. */
  operands?: (string | undefined)[]
  out?: string
  passphraseFile?: string
  cancel?: boolean
  yes?: boolean
  copied?: boolean
  timeout?: string
  json?: boolean
}

/** `dat keys [dir]`, `dat keys export [dir] --out FILE`, `dat keys import FILE [dir]`. */
export async function keys(context: Context, args: KeysArguments): Promise<void> {
  const [action, ...rest] = args.operands ?? []
  refuseStray(args, action)
  if (action === 'import') return importFile(context, args, rest[0], rest[1])
  if (rest[action === 'export' ? 1 : 0] !== undefined) {
    throw new DatError('USAGE', 'too many arguments', { hint: 'run `dat keys --help`' })
  }
  if (action !== 'export') return show(context, action ?? '.')
  return args.cancel === true ? cancel(context, args, rest[0] ?? '.') : exportFile(context, args, rest[0] ?? '.')
}

/** Options that belong to something else are no wish that could be met. @throws DatError USAGE */
function refuseStray(args: KeysArguments, action: string | undefined): void {
  const stray =
    (args.out !== undefined && (action !== 'export' || args.cancel) && '--out') ||
    (args.cancel && action !== 'export' && '--cancel') ||
    (args.yes && !args.cancel && '--yes') ||
    (args.copied && action !== 'import' && '--copied')
  if (stray) throw new DatError('USAGE', `${stray} has no meaning here`, { hint: 'run `dat keys --help`' })
}

async function show(context: Context, dir: string): Promise<void> {
  const { readKeys } = await import('../../core/keys.js')
  const { store, home } = context.common
  const report = await readKeys({ dir: absolute(context.cwd, dir), store, home })
  await context.ui.row({ type: 'keys', ...report }, keysText(report))
}

async function exportFile(context: Context, args: KeysArguments, dir: string): Promise<void> {
  const { cwd, ui, signal } = context
  if (args.out === undefined) {
    throw new DatError('USAGE', 'where to export to was not given', {
      hint: 'for example: dat keys export --out ~/share.keys'
    })
  }
  if (args.out === '-' && args.json) throw new DatError('USAGE', '--json has standard output for itself')
  const out = args.out === '-' ? standardOutput() : { file: resolve(cwd, args.out) }
  const passphrase = () => readPassphrase({ file: args.passphraseFile, cwd, twice: true, signal })
  const { exportKeys } = await import('../../core/hand-over.js')
  const { store, home } = context.common
  const { exported, ...done } = await exportKeys({ dir: absolute(cwd, dir), store, home, out, passphrase, signal })
  const { id, time, file } = exported
  const name = printable(file)
  ui.info(`${printable(done.dir)} is a clone now; \`dat share\` serves it, and shares no changes`)
  ui.info(`on the other computer: dat keys import ${'file' in out ? name : 'FILE'} <clone or new folder>`)
  ui.info('who has the file and the passphrase can own the share: remove it after that')
  if ('write' in out) return
  await ui.row(
    { type: 'keys.exported', ...done, id, file: out.file, exportedAt: time },
    `exported to ${printable(out.file)}`
  )
}

/** The keys on stdout, for a pipe; what else is said goes to stderr. */
function standardOutput(): { write(piece: Buffer): Promise<void> } {
  const { stdout } = process
  if (stdout.isTTY) {
    throw new DatError('USAGE', 'keys are not for a screen', { hint: 'name a file: --out FILE; or end with `| …`' })
  }
  return {
    write: (piece) =>
      new Promise((done, fail) => {
        stdout.write(piece, (error) =>
          error ? fail(new DatError('SOURCE', 'nobody takes the keys that are written')) : done()
        )
      })
  }
}

async function cancel(context: Context, args: KeysArguments, dir: string): Promise<void> {
  const { cwd, ui, signal } = context
  ui.info('if the exported file was imported elsewhere, or will be, there are two owners:')
  ui.info('one stops when they meet, and what it has added until then reaches nobody')
  if (args.yes !== true) {
    const answer = await ask('Was the file never imported, and is it destroyed? Type yes: ', { hidden: false, signal })
    if (answer.trim() !== 'yes')
      throw new DatError('USAGE', 'nothing was taken back', { hint: 'type yes, or add --yes' })
  }
  const { cancelExport } = await import('../../core/take-over.js')
  const timeout = args.timeout === undefined ? null : readTimeout(args.timeout)
  ui.begin('pull', { timeout })
  await tellImported(context, await cancelExport({ ...context.common, dir: absolute(cwd, dir), timeout }))
}

async function importFile(context: Context, args: KeysArguments, file?: string, dir = '.'): Promise<void> {
  const { cwd, signal, ui } = context
  if (file === undefined) {
    throw new DatError('USAGE', 'the file of keys was not given', { hint: 'for example: dat keys import share.keys' })
  }
  const timeout = args.timeout === undefined ? null : readTimeout(args.timeout)
  const passphrase = async () => {
    const typed = await readPassphrase({ file: args.passphraseFile, cwd, twice: false, signal })
    ui.begin('pull', { timeout })
    return typed
  }
  const { importKeys } = await import('../../core/take-over.js')
  const imported = await importKeys({
    ...context.common,
    file: resolve(cwd, file),
    dir: absolute(cwd, dir),
    copied: args.copied === true,
    passphrase,
    timeout
  })
  await tellImported(context, imported)
}

async function tellImported({ ui }: Context, imported: Imported): Promise<void> {
  const { dir, checked, changed } = imported
  const place = printable(dir)
  const lines = [`this computer owns the share now, in ${place}; run \`dat share\` there`]
  if (changed > 0) lines.push(`${countOf(changed, 'file')} differ here; \`dat share\` shares them as they are`)
  if (!checked) lines.push('nobody with this share answered: whether another owns it by now is not known')
  await ui.row({ type: 'keys.imported', ...imported }, lines.join('\n'))
}
