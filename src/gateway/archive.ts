import type { TreeNode, TreeView } from '../core/tree-view.js'

/** One thing in an archive. */
export interface ArchiveEntry {
  /** With `/` between its parts; a folder's ends with one. */
  name: string
  bytes: number
  /** Milliseconds since 1970; null if the share does not say. */
  modified: number | null
  executable: boolean
  node: TreeNode
}

/** How the content of an entry is read, from a place on. */
export type ReadEntry = (entry: ArchiveEntry, start: number) => AsyncIterable<Buffer>

/**
 * What goes into an archive of a folder, in the same order each time that it is asked for: an archive is made in several
 * passes, so that nothing of it has to be kept in memory. Symbolic links are left out: a program that unpacks might
 * follow one that somebody planted.
 */
export class ArchivePlan {
  readonly #view: TreeView
  readonly #folder: string
  readonly #top: string
  /** One byte for each file: whether it is in. */
  #chosen = new Uint8Array(1024)
  /** All files and links, while they are few: then the tree is read but once. */
  #nodes: TreeNode[] | null = []
  files = 0
  bytes = 0
  links = 0
  leftOut = 0

  /** @param top the folder that is made where the archive is unpacked */
  constructor(view: TreeView, folder: string, top: string) {
    this.#view = view
    this.#folder = folder
    this.#top = unpackable(top)
  }

  /** Goes through all files once. @param choose for each, in order, whether it is to be in */
  async choose(choose: (nodes: readonly TreeNode[]) => Promise<readonly boolean[]>): Promise<void> {
    let count = 0
    let batch: TreeNode[] = []
    const take = async (): Promise<void> => {
      const chosen = await choose(batch)
      batch.forEach((node, i) => {
        if (count >= this.#chosen.length) {
          const larger = new Uint8Array(this.#chosen.length * 2)
          larger.set(this.#chosen)
          this.#chosen = larger
        }
        this.#chosen[count++] = chosen[i] ? 1 : 0
        if (chosen[i]) {
          this.files++
          this.bytes += node.bytes
        } else this.leftOut++
      })
      batch = []
    }
    for await (const node of this.#view.walk(this.#folder)) {
      if (this.#nodes && this.#nodes.push(node) > MAX_KEPT) this.#nodes = null
      if (node.kind === 'link') {
        this.links++
        continue
      }
      batch.push(node)
      if (batch.length === BATCH) await take()
    }
    if (batch.length > 0) await take()
  }

  /** Which files are in, as a text that is the same for the same choice. */
  get choice(): Uint8Array {
    return this.#chosen.subarray(0, this.files + this.leftOut)
  }

  async *entries(): AsyncGenerator<ArchiveEntry> {
    let count = 0
    for await (const node of this.#nodes ?? this.#view.walk(this.#folder)) {
      if (node.kind === 'link' || this.#chosen[count++] === 0) continue
      const { bytes, modified, executable } = node
      yield { name: this.#nameOf(node.path), bytes, modified, executable, node }
    }
    for await (const node of this.#view.emptyFolders(this.#folder)) {
      yield { name: `${this.#nameOf(node.path)}/`, bytes: 0, modified: null, executable: false, node }
    }
  }

  #nameOf(path: string): string {
    const inside = this.#folder === '' ? path : path.slice(this.#folder.length + 1)
    return inside === '' ? this.#top : `${this.#top}/${unpackable(inside)}`
  }
}

const BATCH = 64
/** About 300 bytes each. */
const MAX_KEPT = 20_000

/** On Windows a backslash is a slash, and `..\..` would lead out of the folder. */
function unpackable(name: string): string {
  return name.replaceAll('\\', '_')
}

/** Small files are read before it is their turn: so many of them, up to so many bytes each. */
const AHEAD = 16
const SMALL_BYTES = 256 * 1024

/** Entries with their contents, of which small ones are read ahead. */
export async function* withContent(
  entries: AsyncIterable<ArchiveEntry>,
  read: ReadEntry
): AsyncGenerator<{ entry: ArchiveEntry; small: Buffer | null }> {
  const queue: { entry: ArchiveEntry; small: Promise<Buffer> | null }[] = []
  const next = async () => {
    const first = queue.shift()
    return first && { entry: first.entry, small: first.small && (await first.small) }
  }
  for await (const entry of entries) {
    const small = entry.bytes <= SMALL_BYTES ? whole(read(entry, 0)) : null
    // It is awaited when its turn comes; should an earlier one fail, never.
    small?.catch(() => {})
    queue.push({ entry, small })
    if (queue.length < AHEAD) continue
    const ready = await next()
    if (ready) yield ready
  }
  for (let ready = await next(); ready; ready = await next()) yield ready
}

async function whole(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const chunk of chunks) all.push(chunk)
  return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all)
}
