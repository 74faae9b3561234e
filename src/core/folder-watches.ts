import fs, { type FSWatcher } from 'node:fs'
import path from 'node:path'
import { systemCode } from '../base/errors.js'
import { isStoreName } from '../base/safe-path.js'

/** Each takes about 1.2 kB here and 1 kB in the kernel. */
const MAX_FOLDERS = 64 * 1024

/**
 * Watches folders one by one, for systems that cannot watch all that is below a folder: a watch for each folder, and
 * nothing kept of the files in it. Folders are told of by the walk, before it lists them: what changes after that is
 * seen, and what the walk leaves out is not watched.
 */
export class FolderWatches {
  readonly #root: string
  readonly #onchange: (folder: string) => void
  readonly #onfail: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  #closed = false

  /**
   * @param onchange told of a folder ('' or `a/b/`) in which something happened
   * @param onfail told once that the system watches no more folders: then it watches none
   */
  constructor(root: string, onchange: (folder: string) => void, onfail: () => void) {
    this.#root = root
    this.#onchange = onchange
    this.#onfail = onfail
  }

  /** How many folders are watched. */
  get size(): number {
    return this.#watchers.size
  }

  /** Watches a folder ('' or `a/b/`); nothing happens if it is watched already, or gone. */
  add(folder: string): void {
    if (this.#closed || this.#watchers.has(folder)) return
    if (this.#watchers.size >= MAX_FOLDERS) {
      this.#fail()
      return
    }
    try {
      const watcher = fs.watch(path.join(this.#root, folder))
      watcher.on('change', (type, name) => this.#changed(folder, type, name?.toString() ?? null))
      watcher.on('error', () => this.#forget(folder))
      this.#watchers.set(folder, watcher)
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM'].includes(systemCode(error))) this.#fail()
    }
  }

  close(): void {
    this.#closed = true
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #changed(folder: string, type: string, name: string | null): void {
    if (name !== null && isStoreName(name)) return
    // A folder that went, or came back under its name, is another one: the next walk tells of it and all below it.
    if (type === 'rename' && name !== null) this.#forget(`${folder}${name}/`)
    this.#onchange(folder)
  }

  #forget(gone: string): void {
    if (!this.#watchers.has(gone)) return
    for (const [folder, watcher] of this.#watchers) {
      if (!folder.startsWith(gone)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
  }

  #fail(): void {
    this.close()
    this.#onfail()
  }
}
