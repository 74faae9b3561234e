import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { STORE_NAME } from '../../base/safe-path.js'
import { parseTarget, type Target } from '../context.js'

/** The share or clone that a path is in, and where in it: '' for the folder itself. */
export interface Inside {
  dir: string
  path: string
}

/**
 * Finds the shared or cloned folder above a file, which need not exist any more.
 * @param file absolute
 */
export function findShare(file: string, exists: (path: string) => boolean): Inside | null {
  for (let dir = file; ; dir = dirname(dir)) {
    if (basename(dir) !== STORE_NAME && exists(join(dir, STORE_NAME))) {
      return { dir, path: relative(dir, file).split(sep).join('/') }
    }
    if (dirname(dir) === dir) return null
  }
}

/**
 * Reads a link, a shared folder, or a file or folder inside of one.
 * @throws DatError NOT_A_LINK
 */
export function targetInside(
  text: string,
  cwd: string,
  exists: (path: string) => boolean
): { target: Target; path: string } {
  const target = parseTarget(text, cwd, exists)
  if ('link' in target) return { target, path: '' }
  const found = findShare(resolve(cwd, text), exists)
  return found ? { target: { dir: found.dir }, path: found.path } : { target, path: '' }
}
