import { resolve } from 'node:path'
import { DatError } from '../../base/errors.js'
import type { DownloadOptions } from '../../core/session.js'

/** The options of every command that downloads, as they were typed. */
export interface DownloadArguments {
  include?: string[]
  exclude?: string[]
  dryRun?: boolean
  force?: boolean
  timeout?: string
}

const DEFAULT_TIMEOUT = 60

/**
 * Reads `--timeout`, in seconds.
 * @throws DatError USAGE
 */
export function readTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_TIMEOUT
  const seconds = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN
  // Longer than a Node.js timer can wait is no limit at all.
  if (Number.isNaN(seconds) || seconds > 2_000_000) {
    throw new DatError('USAGE', `--timeout: "${text}" is not a number of seconds`, {
      hint: 'for example --timeout 300, or --timeout 0 to wait for ever'
    })
  }
  return seconds
}

/**
 * How long to look for a peer. What the user asked for is kept to; only the default may end early.
 * @throws DatError USAGE
 */
export function patience(text: string | undefined): { timeout: number; endEarly: boolean } {
  return { timeout: readTimeout(text), endEarly: text === undefined }
}

/** @throws DatError USAGE */
export function downloadOptions(
  args: DownloadArguments
): Pick<DownloadOptions, 'include' | 'exclude' | 'dryRun' | 'force' | 'timeout' | 'endEarly'> {
  return {
    include: args.include ?? [],
    exclude: args.exclude ?? [],
    dryRun: args.dryRun === true,
    force: args.force === true,
    ...patience(args.timeout)
  }
}

/**
 * Reads the number of a version.
 * @throws DatError USAGE
 */
export function readVersion(text: string): number {
  const version = Number(text)
  if (/^\d{1,15}$/.test(text.trim()) && version > 0) return version
  throw new DatError('USAGE', `"${text}" is not the number of a version`, { hint: '`dat log` lists the versions' })
}

/** A folder as core gets it: absolute. */
export function absolute(cwd: string, dir: string): string {
  return resolve(cwd, dir)
}
