import type { Listing, TreeNode, TreeView } from '../core/tree-view.js'
import type { Visit } from './visit.js'

export type SortKey = 'name' | 'size' | 'date'
export interface Order {
  sort: SortKey
  descending: boolean
}

/** Rows that are kept in memory of all folders and searches together, about 250 bytes each. */
const MAX_ROWS = 300_000
const MAX_WORDS = 8
/** Everything below a folder: no words, which have no line breaks. */
const ALL = '\n'
const MAX_QUERY = 200

/** A listing, or what is known of it so far. */
export interface Known extends Listing {
  complete: boolean
}

/** One that is being read, or was. */
interface Reading {
  /** Those that were read so far. */
  rows: TreeNode[]
  done: Promise<Listing>
}

/** Folders that were read, and what searches found: going to the next page, or sorting, reads nothing again. */
export class Listings {
  readonly #kept = new Map<string, Reading>()
  readonly #sizes = new Map<string, number>()
  #rows = 0

  /** What is in the folder; the first names of it, if it is not read in so many ms. */
  async folder(visit: Visit, patience: number): Promise<Known> {
    const reading = this.#folder(visit)
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<null>((resolve) => {
      timer = setTimeout(resolve, patience, null)
    })
    const listing = await Promise.race([reading.done, late])
    clearTimeout(timer)
    if (listing) return { ...listing, complete: true }
    return reading.rows.length > 0 ? { rows: [...reading.rows], cut: true, complete: false } : this.all(visit, [])
  }

  /** All that is in the folder; or all that a search for these words finds there and below. */
  async all(visit: Visit, words: readonly string[]): Promise<Known> {
    const reading =
      words.length === 0
        ? this.#folder(visit)
        : this.#read(visit, words.join(' '), (view) => this.#search(visit, view, words))
    return { ...(await reading.done), complete: true }
  }

  #folder(visit: Visit): Reading {
    return this.#read(visit, '', (view, rows) => view.list(visit.path, rows))
  }

  /** In what was read already, or is read once for all searches in this folder. */
  async #search(visit: Visit, view: TreeView, words: readonly string[]): Promise<Listing> {
    const { path } = visit
    const here = await this.#folder(visit).done
    const flat = !here.cut && here.rows.every(({ kind }) => kind !== 'folder')
    const all = flat ? here : await this.#read(visit, ALL, (own) => own.all(path)).done
    return view.search(path, words, all.cut ? null : all.rows)
  }

  #read(visit: Visit, what: string, read: (view: TreeView, rows: TreeNode[]) => Promise<Listing>): Reading {
    const { view, path, use } = visit
    const { core } = use.open.drive
    const key = JSON.stringify([core.fork, view.version, path, what])
    const known = this.#kept.get(key)
    if (known) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
      return known
    }
    const rows: TreeNode[] = []
    const reading: Reading = { rows, done: aside(visit, (own) => read(own, rows)) }
    this.#kept.set(key, reading)
    reading.done.then(
      (listing) => this.#keep(key, listing.rows.length + 10),
      () => this.#forget(key)
    )
    return reading
  }

  #keep(key: string, rows: number): void {
    if (!this.#kept.has(key)) return
    this.#sizes.set(key, rows)
    this.#rows += rows
    for (const oldest of this.#kept.keys()) {
      if (this.#rows <= MAX_ROWS) break
      if (this.#sizes.has(oldest)) this.#forget(oldest)
    }
  }

  #forget(key: string): void {
    this.#kept.delete(key)
    this.#rows -= this.#sizes.get(key) ?? 0
    this.#sizes.delete(key)
  }
}

/** Does something that goes on when the request is over, whoever asked for it first. */
async function aside(visit: Visit, work: (view: TreeView) => Promise<Listing>): Promise<Listing> {
  const again = await visit.again()
  if (!again) return { rows: [], cut: false }
  try {
    return await work(again.view)
  } finally {
    await again.release()
  }
}

/** The words of a query. */
export function wordsOf(query: string): string[] {
  return query.slice(0, MAX_QUERY).split(/\s+/).filter(Boolean).slice(0, MAX_WORDS)
}

/** Reads how to sort; what it does not understand is by name. */
export function readOrder(query: URLSearchParams): Order {
  const sort = query.get('sort')
  return {
    sort: sort === 'size' || sort === 'date' ? sort : 'name',
    descending: query.get('order') === 'desc'
  }
}

/** Rows in order: folders first, and the same size or date by name. */
export function sorted({ rows }: Listing, { sort, descending }: Order): TreeNode[] {
  const kept = sortedLists.get(rows)
  const key = `${sort} ${descending}`
  const known = kept?.get(key)
  if (known) return known
  const turn = descending ? -1 : 1
  const rank = (node: TreeNode): number => (node.kind === 'folder' ? 0 : 1)
  const byName = (a: TreeNode, b: TreeNode): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)
  const by = {
    name: byName,
    size: (a: TreeNode, b: TreeNode) => a.bytes - b.bytes,
    date: (a: TreeNode, b: TreeNode) => (a.modified ?? 0) - (b.modified ?? 0)
  }[sort]
  const list = [...rows].sort((a, b) => rank(a) - rank(b) || turn * by(a, b) || byName(a, b))
  // Goes when the listing goes. One order is kept of each: that of whoever pages through it.
  sortedLists.set(rows, new Map([[key, list]]))
  return list
}

const sortedLists = new WeakMap<TreeNode[], Map<string, TreeNode[]>>()
