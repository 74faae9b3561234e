import type { BeeEntry, EntryValue, Hyperbee } from 'hyperdrive'
import type { BlockRange } from '../storage/layout.js'
import type { OpenDrive } from './drive.js'
import {
  below,
  datKeys,
  FOLDERS,
  fileKeys,
  folderOfKey,
  folderPathOfKey,
  isEntry,
  mtimeOf,
  pathOfKey
} from './entry.js'
import { settledVersion, standingOf } from './versions.js'

/** A file, a link or a folder of a share, as one version of it has it. */
export interface TreeNode {
  /** From the top of the share, with `/` between its parts; '' for the share itself. */
  path: string
  kind: 'file' | 'link' | 'folder'
  bytes: number
  /** Milliseconds since 1970; null if the share does not say. */
  modified: number | null
  executable: boolean
  /** Of a link: its text. */
  target: string
  /** The blocks of a file; null if it is empty. */
  range: BlockRange | null
  /** The blob is in pieces that are listed elsewhere, as some other programs write them. */
  pieces: boolean
  /** The blocks that it names may have other content by now. */
  lost: boolean
}

/** What a folder has in it, or what a search found. */
export interface Listing {
  rows: TreeNode[]
  /** There is more than was read. */
  cut: boolean
}

/** Rows that are kept of one folder; what is beyond is not shown. */
const MAX_ROWS = 250_000
/** After so many entries below one subfolder it is quicker to look for what comes after it. */
const SKIP_AFTER = 48
/** A search ends after so many finds; or, where there is too much to keep it in memory, after so many ms. */
const MAX_FOUND = 2000
const SEARCH_MS = 8000
/** The event loop gets its turn after so many entries. */
const TURN = 512

/** One version of a share, to look at. What it yields has passed the checks for names from peers. */
export class TreeView {
  readonly version: number
  readonly #bee: Hyperbee
  readonly #lost: boolean

  private constructor(bee: Hyperbee, version: number, lost: boolean) {
    this.#bee = bee
    this.#lost = lost
    this.version = version
  }

  /**
   * @param version null for the newest one; of a number within changes that were made together, the version after them
   * @returns null if there is no such version
   */
  static async open(open: OpenDrive, version: number | null): Promise<TreeView | null> {
    const { drive } = open
    if (version !== null && (version < 1 || version > drive.version)) return null
    const at = version === null ? drive.version : await settledVersion(open, version)
    const bee = drive.db.checkout(at)
    try {
      return new TreeView(bee, at, (await standingOf(bee, open)) === 'apart')
    } catch (error) {
      await bee.close()
      throw error
    }
  }

  /** What is at a path; null if there is nothing. */
  async node(path: string): Promise<TreeNode | null> {
    if (path === '') return folderNode('')
    const entry = await this.#bee.get<unknown>(`/${path}`, { ...fileKeys })
    if (entry && isEntry(entry.value)) return nodeOf(path, entry.value, this.#lost)
    for await (const _any of this.#bee.createReadStream({ ...below(path), limit: 1 }, fileKeys)) return folderNode(path)
    const empty = { ...emptyBelow(`${path}/`), limit: 1 }
    for await (const _any of this.#bee.createReadStream(empty, datKeys)) return folderNode(path)
    return null
  }

  /**
   * What is in a folder, in the order of names, folders and files mixed.
   * @param rows filled as they are read
   */
  async list(folder: string, rows: TreeNode[] = []): Promise<Listing> {
    const folders = new Set<string>()
    const prefix = folder === '' ? '/' : `/${folder}/`
    const end = `${prefix.slice(0, -1)}0`
    let range: { gt?: string; gte?: string; lt: string } | null = { gt: prefix, lt: end }
    while (range !== null) {
      const stream: AsyncIterable<BeeEntry<unknown>> = this.#bee.createReadStream(range, fileKeys)
      range = null
      let sub = ''
      let inside = 0
      for await (const { key, value } of turns(stream)) {
        if (rows.length >= MAX_ROWS) return { rows, cut: true }
        const rest = key.slice(prefix.length)
        const slash = rest.indexOf('/')
        if (slash === -1) {
          if (pathOfKey(key).ok && isEntry(value)) rows.push(nodeOf(key.slice(1), value, this.#lost))
          continue
        }
        const name = rest.slice(0, slash)
        if (name !== sub) {
          sub = name
          inside = 0
          if (!folders.has(name) && pathOfKey(key).ok) {
            folders.add(name)
            rows.push(folderNode(prefix.slice(1) + name))
          }
        } else if (++inside >= SKIP_AFTER) {
          range = { gte: `${prefix}${name}0`, lt: end }
          break
        }
      }
    }
    for await (const { key } of turns(this.#bee.createReadStream<unknown>(emptyBelow(prefix.slice(1)), datKeys))) {
      const name =
        folderOfKey(key)
          .slice(prefix.length - 1)
          .split('/')[0] ?? ''
      if (name === '' || folders.has(name) || !folderPathOfKey(key).ok) continue
      if (rows.length >= MAX_ROWS) return { rows, cut: true }
      folders.add(name)
      rows.push(folderNode(prefix.slice(1) + name))
    }
    return { rows, cut: false }
  }

  /** All files and links below a folder, if there are not too many of them. */
  async all(folder: string): Promise<Listing> {
    const rows: TreeNode[] = []
    for await (const node of this.walk(folder)) {
      if (rows.length >= MAX_ROWS) return { rows: [], cut: true }
      rows.push(node)
    }
    return { rows, cut: false }
  }

  /**
   * Files and folders below a folder whose paths from there have all of some words in them, in any case.
   * @param nodes all below the folder, in order, if they were read already
   */
  async search(folder: string, words: readonly string[], nodes: readonly TreeNode[] | null): Promise<Listing> {
    const wanted = words.map((word) => word.toLowerCase())
    const matches = (text: string): boolean => wanted.every((word) => text.includes(word))
    const until = performance.now() + SEARCH_MS
    const from = folder === '' ? 0 : folder.length + 1
    const rows: TreeNode[] = []
    let last: string[] = []
    for await (const node of nodes ? turns(nodes) : this.walk(folder)) {
      if (rows.length >= MAX_FOUND || (!nodes && performance.now() > until)) return { rows, cut: true }
      const parts = node.path.slice(from).split('/')
      // A folder is there by what is in it: it is found where it appears for the first time.
      for (let depth = 1; depth < parts.length; depth++) {
        if (parts.slice(0, depth).every((part, i) => part === last[i])) continue
        const name = parts.slice(0, depth).join('/')
        if (matches(name.toLowerCase())) rows.push(folderNode(folder === '' ? name : `${folder}/${name}`))
      }
      last = parts.slice(0, -1)
      if (matches(parts.join('/').toLowerCase())) rows.push(node)
    }
    return { rows, cut: false }
  }

  /** All files and links below a folder, in the order of their paths; or the one file that the path names. */
  async *walk(folder: string): AsyncGenerator<TreeNode> {
    if (folder !== '') {
      const node = await this.node(folder)
      if (node && node.kind !== 'folder') {
        yield node
        return
      }
    }
    for await (const { key, value } of turns(this.#bee.createReadStream<unknown>(below(folder), fileKeys))) {
      if (pathOfKey(key).ok && isEntry(value)) yield nodeOf(key.slice(1), value, this.#lost)
    }
  }

  /** The folders below a folder, and itself, that have nothing in them. */
  async *emptyFolders(folder: string): AsyncGenerator<TreeNode> {
    const range = emptyBelow(folder === '' ? '' : `${folder}/`)
    for await (const { key } of turns(this.#bee.createReadStream<unknown>(range, datKeys))) {
      const path = folderPathOfKey(key)
      if (path.ok) yield folderNode(path.relative)
    }
  }

  close(): Promise<void> {
    return this.#bee.close()
  }
}

/** @param folder with a slash at its end, or '' */
function emptyBelow(folder: string): { gte: string; lt: string } {
  return folder === ''
    ? { gte: FOLDERS.gt, lt: FOLDERS.lt }
    : { gte: FOLDERS.gt + folder, lt: `${FOLDERS.gt}${folder.slice(0, -1)}0` }
}

function folderNode(path: string): TreeNode {
  return {
    path,
    kind: 'folder',
    bytes: 0,
    modified: null,
    executable: false,
    target: '',
    range: null,
    pieces: false,
    lost: false
  }
}

function nodeOf(path: string, value: EntryValue, lost: boolean): TreeNode {
  const { blob, linkname } = value
  const range = blob && {
    blockOffset: blob.blockOffset,
    blockLength: blob.blockLength,
    byteOffset: blob.byteOffset,
    byteLength: blob.byteLength
  }
  return {
    path,
    kind: linkname === null || linkname === undefined ? 'file' : 'link',
    bytes: blob?.byteLength ?? 0,
    modified: mtimeOf(value),
    executable: value.executable === true,
    target: linkname ?? '',
    range: range && range.byteLength > 0 ? range : null,
    pieces: blob?.blockMap === true,
    lost
  }
}

/** A long read of what is in memory would keep everybody else waiting. */
async function* turns<T>(items: AsyncIterable<T> | Iterable<T>): AsyncGenerator<T> {
  let count = 0
  for await (const item of items) {
    if (++count % TURN === 0) await new Promise((resolve) => setImmediate(resolve))
    yield item
  }
}
