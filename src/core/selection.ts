import picomatch from 'picomatch'
import { DatError } from '../base/errors.js'

/** Which paths of a share are wanted: `--include` and `--exclude`, and the path at the end of a link. */
export class Selection {
  readonly #include: ((path: string) => boolean) | null
  readonly #exclude: ((path: string) => boolean) | null
  readonly #under: string

  /**
   * @param include shell patterns; a pattern that names a folder takes all below it; none takes everything
   * @param under a file or folder inside the share, '' for all
   */
  constructor(include: readonly string[], exclude: readonly string[], under = '') {
    this.#include = matcher(include)
    this.#exclude = matcher(exclude)
    this.#under = under
  }

  /** True if nothing is left out. */
  get everything(): boolean {
    return !this.#include && !this.#exclude && this.#under === ''
  }

  wants(relative: string): boolean {
    if (this.#under !== '' && relative !== this.#under && !relative.startsWith(`${this.#under}/`)) return false
    if (this.#exclude?.(relative)) return false
    return this.#include?.(relative) ?? true
  }
}

function matcher(patterns: readonly string[]): ((path: string) => boolean) | null {
  if (patterns.length === 0) return null
  // As in gitignore: a pattern without a slash matches a name at any depth, and a folder stands for what is in it.
  const expanded = patterns.flatMap((pattern) => {
    const clean = pattern.replace(/^\.?\//, '').replace(/\/+$/, '')
    const anchored = clean.includes('/') || pattern.startsWith('/')
    const forms = anchored ? [clean] : [clean, `**/${clean}`]
    return forms.flatMap((form) => [form, `${form}/**`])
  })
  try {
    return picomatch(expanded, { dot: true })
  } catch (cause) {
    // An empty one, or one of 64 KiB.
    throw new DatError('USAGE', 'a pattern of --include or --exclude cannot be read', {
      hint: "for example --include 'data/*.csv'",
      cause
    })
  }
}
