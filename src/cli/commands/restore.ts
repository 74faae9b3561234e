import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { formatBytes } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import type { Context } from '../context.js'
import { amount } from '../ui/format.js'
import { absolute, patience, readVersion } from './arguments.js'
import { findShare } from './inside.js'

export interface RestoreArguments {
  path: string
  dir?: string
  version: string
  force?: boolean
  timeout?: string
}

/** `dat restore <path> --version N [dir]`: brings back what a file or folder was. */
export async function restore(context: Context, args: RestoreArguments): Promise<void> {
  const version = readVersion(args.version)
  const { timeout, endEarly } = patience(args.timeout)
  const { ui, cwd, common } = context
  const inside = args.dir === undefined ? findShare(resolve(cwd, args.path), existsSync) : null
  const dir = inside?.dir ?? absolute(cwd, args.dir ?? '.')
  const path = inside?.path ?? args.path.replace(/^\.?\/+|\/+$/g, '')
  ui.begin('restore', { timeout: null })
  const core = await import('../../core/restore.js')
  const rows: Promise<unknown>[] = []
  const onrestored = (file: string, bytes: number): void => {
    rows.push(
      ui.row({ type: 'restored', path: file, bytes, version }, `${formatBytes(bytes).padStart(8)}  ${printable(file)}`)
    )
  }
  const force = args.force === true
  const { files, bytes } = await core.restore({ ...common, dir, path, version, force, timeout, endEarly, onrestored })
  await Promise.all(rows)
  common.report({ type: 'note', message: `${amount(files, bytes)} as in version ${version}`, important: true })
}
