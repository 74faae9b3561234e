import fs, { type Dirent, type Stats } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { reasonOf, systemCode } from '../base/errors.js'
import type { Fingerprint } from '../storage/file-record.js'
import { fingerprintOf } from '../storage/file-record.js'
import { type IgnoreRules, isOwnFolder } from './ignore.js'

const lstat = promisify(fs.lstat)
/** Files looked at side by side: enough to hide the latency of a network file system. */
const LSTAT_CONCURRENCY = 64

/** What a walk finds. Folders are told of only if they are empty; their path ends with a slash, as in the index. */
export interface Found extends Fingerprint {
  path: string
  kind: 'file' | 'link' | 'folder'
  executable: boolean
  /** Of a link. */
  target: string
}

export interface WalkOptions {
  root: string
  /** Where to begin: '' or `a/b/`. */
  folder: string
  rules: IgnoreRules
  /** Something is left out on purpose. */
  onskip: (path: string, reason: string) => void
  /** Something could not be read; what the index knows of it (and of all below, for a folder) is to be kept. */
  onfail: (path: string, reason: string) => void
}

/** Lists a folder and all below it in the byte order of the paths, without following a link. */
export async function* walk(options: WalkOptions): AsyncGenerator<Found> {
  const { folder } = options
  const rules = await rulesAbove(options)
  if (rules && !(yield* walkFolder(options, folder, rules)) && folder !== '') yield emptyFolder(folder)
}

/** The rules that hold in a folder; null if it is none, is ignored or lies behind a link: then it has nothing to share. */
async function rulesAbove({ root, folder, rules, onfail }: WalkOptions): Promise<IgnoreRules | null> {
  for (let end = folder.indexOf('/') + 1; end > 0; end = folder.indexOf('/', end) + 1) {
    const name = folder.slice(0, end - 1)
    rules = await rules.enter(root, folder.slice(0, name.lastIndexOf('/') + 1))
    if (rules.reason(`${name}/`)) return null
    try {
      if (!(await lstat(path.join(root, name))).isDirectory()) return null
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(systemCode(error))) onfail(folder, reasonOf(error))
      return null
    }
  }
  return rules
}

async function* walkFolder(options: WalkOptions, folder: string, outer: IgnoreRules): AsyncGenerator<Found, boolean> {
  const { root, onskip, onfail } = options
  let entries: Dirent[]
  try {
    entries = await fs.promises.readdir(path.join(root, folder), { withFileTypes: true })
  } catch (error) {
    // Gone again since its parent was read: then it is simply not there.
    if (systemCode(error) !== 'ENOENT') onfail(folder, reasonOf(error))
    return true
  }
  const rules = await outer.enter(root, folder)
  // A folder sorts as its name with a slash: so the order of a walk is the order of whole paths.
  const names = entries.map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : '')).sort(compareBytes)
  let any = false
  for (let i = 0; i < names.length; i += LSTAT_CONCURRENCY) {
    const chunk = names.slice(i, i + LSTAT_CONCURRENCY).filter((name) => {
      const reason = rules.reason(name)
      if (reason && !isOwnFolder(name)) onskip(name, reason)
      return reason === null
    })
    const found = await Promise.all(chunk.map((name) => (name.endsWith('/') ? name : look(options, name))))
    for (const item of found) {
      if (item === null) continue
      any = true
      if (typeof item === 'string') {
        if (!(yield* walkFolder(options, item, rules))) {
          yield emptyFolder(item)
        }
      } else {
        yield item
      }
    }
  }
  return any
}

function emptyFolder(name: string): Found {
  return { path: name, kind: 'folder', executable: false, target: '', size: 0, mtime: 0, inode: 0 }
}

/** Looks at one path; null if it is nothing that can be shared, or gone. */
export async function look({ root, onskip, onfail }: WalkOptions, relative: string): Promise<Found | null> {
  const file = path.join(root, relative)
  try {
    const stats = await lstat(file)
    if (stats.isFile()) return found(relative, 'file', stats, '')
    if (stats.isSymbolicLink()) return found(relative, 'link', stats, await fs.promises.readlink(file))
    onskip(relative, 'it is not a file, a folder or a link')
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') onfail(relative, reasonOf(error))
    // Node shows bytes that are no UTF-8 as U+FFFD, and then there is no such file.
    else if (relative.includes('\ufffd')) onfail(relative, 'its name is not valid UTF-8: rename it')
  }
  return null
}

function found(relative: string, kind: 'file' | 'link', stats: Stats, target: string): Found {
  const executable = kind === 'file' && (stats.mode & 0o100) !== 0
  return { path: relative, kind, executable, target, ...fingerprintOf(stats) }
}

/** Orders paths as their UTF-8 bytes, as RocksDB and Hyperbee do. */
export function compareBytes(a: string, b: string): number {
  // UTF-16 order differs from it only where surrogates meet characters from U+E000 on.
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x >= 0xd800 && y >= 0xd800) return Buffer.compare(Buffer.from(a), Buffer.from(b))
    return x - y
  }
  return a.length - b.length
}
