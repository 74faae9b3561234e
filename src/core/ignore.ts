import fs from 'node:fs'
import path from 'node:path'
import ignore, { type Ignore } from 'ignore'
import { isStoreName } from '../base/safe-path.js'

/** The file in which a folder names what is not to be shared, in gitignore syntax. */
export const IGNORE_FILE = '.datignore'

/** Left behind by file systems and desktops; never data. Kept short: a share should have what the folder has. */
const DEFAULTS = [
  '.DS_Store',
  '._*',
  '.Spotlight-V100/',
  '.Trashes/',
  '.fseventsd/',
  'Thumbs.db',
  'desktop.ini',
  '.Trash-*/',
  '.nfs????????????????????????',
  '.fuse_hidden*',
  'lost+found/'
]

/** A matcher of the library keeps every path that it was asked about: after so many it is made anew. */
const MAX_REMEMBERED = 4096

/** A pattern that is longer than any path matches nothing, and takes time that grows with the square of its length. */
const MAX_PATTERN = 4096

/** The patterns of an ignore file, one a line. */
export function patternsOf(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.length <= MAX_PATTERN)
}

/** Decides what a share leaves out. One level of rules for a folder and all below it; inner rules win. */
export class IgnoreRules {
  readonly #parent: IgnoreRules | null
  /** The folder that these rules are relative to: '' or `a/b/`. */
  readonly #base: string
  #rules: Ignore
  #asked = 0
  readonly #name: string
  readonly #useFiles: boolean

  private constructor(parent: IgnoreRules | null, base: string, rules: Ignore, name: string, useFiles: boolean) {
    this.#parent = parent
    this.#base = base
    this.#rules = rules
    this.#name = name
    this.#useFiles = useFiles
  }

  /** The rules of a whole share: the defaults, then `patterns`. `useFiles: false` reads neither defaults nor files. */
  static root(patterns: readonly string[], useFiles: boolean): IgnoreRules {
    const defaults = new IgnoreRules(null, '', ignore().add(useFiles ? DEFAULTS : []), 'the default list', useFiles)
    return new IgnoreRules(defaults, '', ignore().add(patterns), '--ignore', useFiles)
  }

  /** These rules with those of the ignore file in `folder` (relative, '' or `a/b/`), if it has one. */
  async enter(root: string, folder: string): Promise<IgnoreRules> {
    if (!this.#useFiles) return this
    let text: string
    try {
      text = await fs.promises.readFile(path.join(root, folder, IGNORE_FILE), 'utf8')
    } catch {
      return this
    }
    return new IgnoreRules(this, folder, ignore().add(patternsOf(text)), `${folder}${IGNORE_FILE}`, true)
  }

  /** Why a path is left out, or null. Folders are given with a trailing slash. */
  reason(relative: string): string | null {
    if (isOwnFolder(relative)) return 'it belongs to dat itself'
    for (let level: IgnoreRules | null = this; level; level = level.#parent) {
      const { ignored, unignored } = level.#test(relative.slice(level.#base.length))
      if (ignored) return `ignored by ${level.#name}`
      if (unignored) return null
    }
    return null
  }

  #test(relative: string): { ignored: boolean; unignored: boolean } {
    if (++this.#asked > MAX_REMEMBERED) {
      this.#asked = 0
      // The rules themselves, compiled already, go over to the new one.
      this.#rules = ignore().add(this.#rules)
    }
    return this.#rules.test(relative)
  }
}

/** True for dat's own folders, at any depth: the index of a share inside a share is not data. */
export function isOwnFolder(relative: string): boolean {
  return relative.endsWith('/') && isStoreName(path.posix.basename(relative))
}
