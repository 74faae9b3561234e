import { createHash } from 'node:crypto'
import path from 'node:path'

const SHOWN = 32

/**
 * The name of what belongs to one shared folder: its log, its service. A part for people and a part that no other folder
 * has; letters, digits, `.`, `_` and `-` only.
 */
export function placeName(dir: string): string {
  const shown = path
    .basename(dir)
    .replace(/[^\w.-]+/g, '_')
    .replace(/^[.-]+/, '')
    .slice(0, SHOWN)
  const unique = createHash('sha256').update(dir).digest('hex').slice(0, 8)
  return `${shown || 'folder'}-${unique}`
}

/** Where a share in the background writes what it has to say. */
export function logFile(home: string, dir: string): string {
  return path.join(home, 'logs', `${placeName(dir)}.log`)
}
