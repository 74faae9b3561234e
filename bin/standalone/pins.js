import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.js'

/** What is taken from the registries of npm and Debian: exactly these versions with exactly these bytes. */

export const PINS_FILE = join(ROOT, 'bin/standalone/pins.json')

/** @type {{ node: { version: string, integrity: Record<string, string> }, debian: DebianPin[] }} */
export const PINS = existsSync(PINS_FILE) ? JSON.parse(readFileSync(PINS_FILE, 'utf8')) : null

/** @typedef {{ name: string, version: string, architecture: string, sha256: string }} DebianPin */

const LOCK = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))

/** Where downloads are kept, by their hash. */
export const CACHE = join(ROOT, 'node_modules/.cache/standalone')

/** Makes a folder in the cache. */
export function cacheFolder(name) {
  const folder = join(CACHE, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** What package-lock.json says of a package. */
export function locked(folder) {
  const entry = LOCK.packages[folder]
  if (!entry) throw new Error(`package-lock.json does not have ${folder}`)
  return entry
}

export function sha256(data) {
  return createHash('sha256').update(data).digest('hex')
}

/** In the form that npm uses. */
export function integrityOf(data) {
  return `sha512-${createHash('sha512').update(data).digest('base64')}`
}
