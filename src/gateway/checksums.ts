import { createHash } from 'node:crypto'
import { type ContentSources, contentName, readContent } from '../core/file-content.js'
import type { TreeNode } from '../core/tree-view.js'

/** So many checksums are kept, about 200 bytes each. */
const MAX_KEPT = 20_000

/** SHA-256 of files: what `sha256sum` prints. Made when somebody asks, from bytes that were checked as any others. */
export class Checksums {
  readonly #known = new Map<string, Buffer>()

  /** @param name of the content, from `contentName` */
  known(name: string): Buffer | null {
    return this.#known.get(name) ?? null
  }

  /** @throws ContentError; the reason of `signal` */
  async of(sources: ContentSources, node: TreeNode, signal: AbortSignal): Promise<Buffer> {
    const name = contentName(sources, node)
    const known = this.#known.get(name)
    if (known) return known
    const hash = createHash('sha256')
    for await (const chunk of readContent(sources, node, 0, node.bytes)) {
      signal.throwIfAborted()
      hash.update(chunk)
      // Hashing alone would keep all others waiting.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const sum = hash.digest()
    this.#known.set(name, sum)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KEPT) break
      this.#known.delete(oldest)
    }
    return sum
  }
}

/** One line of a list for `sha256sum -c`. A name with a line break or a backslash is escaped as GNU does it. */
export function checksumLine(sum: Buffer, path: string): string {
  const escaped = path.replace(/[\\\n\r]/g, (char) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r' })[char] ?? char)
  return `${escaped === path ? '' : '\\'}${sum.toString('hex')}  ${escaped}\n`
}
