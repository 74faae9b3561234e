import fs from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { reasonOf, systemCode } from '../base/errors.js'
import type { Fingerprint } from '../storage/file-record.js'
import {
  FOLDER,
  GONE,
  isTaskError,
  LINK,
  type ListResult,
  OTHER,
  PRINT,
  type TaskError,
  toError
} from '../storage/file-tasks.js'
import type { FileWorkers } from '../storage/file-workers.js'
import { type IgnoreRules, isOwnFolder } from './ignore.js'

const lstat = promisify(fs.lstat)
/** Folders listed ahead, to hide the latency of a network file system. */
const LIST_AHEAD = 4
const NOT_DATA = 'it is not a file, a folder or a link'

/** What a walk finds. Folders are told of only if they are empty; their path ends with a slash, as in the index. */
export interface Found extends Fingerprint {
  path: string
  kind: 'file' | 'link' | 'folder'
  executable: boolean
  /** Of a link. */
  target: string
  /** Bytes that take no space on the disk. */
  holes: number
}

export interface WalkOptions extends LookOptions {
  /** Where to begin: '' or `a/b/`. */
  folder: string
  rules: IgnoreRules
  /** Told of each folder ('' or `a/b/`) before it is listed. */
  onfolder?: (folder: string) => void
}

export interface LookOptions {
  root: string
  workers: Pick<FileWorkers, 'list' | 'edit'>
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

/** @returns whether there is anything in the folder */
async function* walkFolder(
  options: WalkOptions,
  folder: string,
  outer: IgnoreRules,
  listing: Promise<ListResult> = list(options, folder)
): AsyncGenerator<Found, boolean> {
  const listed = await listing
  if (isTaskError(listed)) {
    // Gone again since its parent was read: then it is simply not there.
    if (listed.error.code !== 'ENOENT') options.onfail(folder, reasonOf(toError(listed)))
    return true
  }
  const rules = await outer.enter(options.root, folder)
  const entries = sorted(listed, folder, rules, options)
  /** Listings of the next folders, asked for before they are needed. */
  const ahead = new Map<string, Promise<ListResult>>()
  let next = 0
  let any = false
  for (const [i, entry] of entries.entries()) {
    if (typeof entry !== 'string') {
      any = true
      yield entry
      continue
    }
    for (next = Math.max(next, i); next < entries.length && ahead.size < LIST_AHEAD; next++) {
      const name = entries[next]
      if (typeof name === 'string') ahead.set(name, list(options, name))
    }
    const below = ahead.get(entry) ?? list(options, entry)
    ahead.delete(entry)
    any = true
    if (!(yield* walkFolder(options, entry, rules, below))) yield emptyFolder(entry)
  }
  return any
}

function list({ root, workers, onfolder }: WalkOptions, folder: string): Promise<ListResult> {
  onfolder?.(folder)
  return workers.list({ folder: { root, path: folder.replace(/\/$/, '') } })
}

/** What is in a folder and is to be shared, in order: files and links, and the names of folders. */
function sorted(
  listed: Exclude<ListResult, TaskError>,
  folder: string,
  rules: IgnoreRules,
  { onskip, onfail }: WalkOptions
): (Found | string)[] {
  const { names, kinds, prints, executable, targets, failures } = listed
  // A folder sorts as its name with a slash: so the order of a walk is the order of whole paths.
  const paths = names.map((name, i) => folder + name + (kinds[i] === FOLDER ? '/' : ''))
  const order = paths.map((_, i) => i).sort((a, b) => compareBytes(paths[a] as string, paths[b] as string))
  const entries: (Found | string)[] = []
  for (const i of order) {
    const name = paths[i] as string
    const reason = rules.reason(name)
    if (reason) {
      if (!isOwnFolder(name)) onskip(name, reason)
    } else if (kinds[i] === FOLDER) {
      entries.push(name)
    } else if (kinds[i] === GONE) {
      failed(name, failures[i] ?? '', onfail)
    } else if (kinds[i] === OTHER) {
      onskip(name, NOT_DATA)
    } else {
      const [size = 0, mtime = 0, inode = 0, ctime = 0, holes = 0] = prints.subarray(i * PRINT, (i + 1) * PRINT)
      const kind = kinds[i] === LINK ? 'link' : 'file'
      const look = { size, mtime, inode, ctime, holes, executable: executable[i] === 1 }
      entries.push({ path: name, kind, target: targets[i] ?? '', ...look })
    }
  }
  return entries
}

function failed(name: string, code: string, onfail: WalkOptions['onfail']): void {
  if (code !== 'ENOENT') onfail(name, reasonOf(Object.assign(new Error(code), { code })))
  // Node shows bytes that are no UTF-8 as U+FFFD, and then there is no such file.
  else if (name.includes('\ufffd')) onfail(name, 'its name is not valid UTF-8: rename it')
}

function emptyFolder(name: string): Found {
  return { path: name, kind: 'folder', executable: false, target: '', size: 0, mtime: 0, inode: 0, ctime: 0, holes: 0 }
}

/** For a look at something that was told of before. */
export const QUIETLY = { onskip: () => {}, onfail: () => {} }

/** Looks at one path; null if it is nothing that can be shared, or gone. */
export async function look({ root, workers, onskip, onfail }: LookOptions, relative: string): Promise<Found | null> {
  try {
    const { kind, ...seen } = await workers.edit({ edit: 'look', at: { root, path: relative } })
    if (kind === 'file' || kind === 'link') return { path: relative, kind, ...seen }
    onskip(relative, NOT_DATA)
  } catch (error) {
    failed(relative, systemCode(error), onfail)
  }
  return null
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
