import { DatError, EXIT, type Failure, fileError, memoryError, systemCode } from '../../base/errors.js'
import { printable } from '../../base/terminal-text.js'
import { listFailures } from './format.js'
import type { Paint } from './paint.js'

/** An error as the user and the script get it. */
export interface Explained {
  code: string
  message: string
  hint: string
  exitCode: number
  failures: readonly Failure[]
  /** For a bug, and with `--debug` for everything. */
  stack: string | null
}

const FULL_OR_FORBIDDEN = new Set(['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'])

/** Turns whatever was thrown into what to tell. Anything that is no DatError and no trouble of the disk is a bug. */
export function explain(error: unknown, options: { debug: boolean }): Explained {
  const known = knownError(error)
  if (!known) {
    const message = error instanceof Error ? error.message : String(error)
    return {
      code: 'BUG',
      message: `this is a bug in dat: ${message}`,
      hint: 'please report it, with the lines above and what you typed',
      exitCode: EXIT.bug,
      failures: [],
      stack: stackOf(error)
    }
  }
  const { code, message, hint, exitCode, failures } = known
  return { code, message, hint, exitCode, failures, stack: options.debug ? stackOf(error) : null }
}

function knownError(error: unknown): DatError | null {
  if (error instanceof DatError) return error
  if (!FULL_OR_FORBIDDEN.has(systemCode(error))) return memoryError(error)
  const path = (error as NodeJS.ErrnoException).path
  return fileError(error, path ? `use ${path}` : 'go on')
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`
  return `${error.stack ?? error.message}${cause}`
}

/** The lines for stderr. */
export function errorLines(explained: Explained, paint: Paint): string[] {
  const { code, message, hint, failures, stack } = explained
  const lines = stack ? stack.split('\n').map((line) => paint.dim(printable(line))) : []
  if (code === 'INTERRUPTED') return [...lines, `${capital(printable(message))}.${hint ? ` ${sentence(hint)}` : ''}`]
  lines.push(`${paint.red('error:')} ${printable(message)}`, ...listFailures(failures))
  if (hint) lines.push(`  ${printable(hint)}`)
  return lines
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function sentence(hint: string): string {
  return `${capital(printable(hint))}.`
}
