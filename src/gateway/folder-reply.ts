import { formatBytes, formatCount } from '../base/sizes.js'
import { presenceOf } from '../core/file-content.js'
import type { Version } from '../core/recent-versions.js'
import type { TreeNode } from '../core/tree-view.js'
import { crumbs, versionNote, versionPicker } from './frame.js'
import { type Html, html } from './html.js'
import { type Listings, type Order, readOrder, type SortKey, sorted, wordsOf } from './listings.js'
import { moment, momentText } from './moments.js'
import { page } from './page.js'
import { sendPage, sendText, wantsPages } from './reply.js'
import { type Query, type Visit, YES } from './visit.js'

/** Rows of one page. */
const PAGE_ROWS = 200
const MAX_QUERY = 200
/** The beginning of a huge folder is shown after so many ms, while the rest is read. */
const PATIENCE_MS = 1500

/** Sends the page of a folder, or what a search in it found; with `?format=json` for a program. */
export async function sendFolder(visit: Visit, listings: Listings, versions: readonly Version[]): Promise<void> {
  const { response, target } = visit
  const query = (target.query.get('q') ?? '').slice(0, MAX_QUERY)
  const order = readOrder(target.query)
  const words = wordsOf(query)
  const simple = words.length === 0 && order.sort === 'name' && !order.descending && !target.query.has('page')
  const listing =
    simple && wantsPages(visit.request) ? await listings.folder(visit, PATIENCE_MS) : await listings.all(visit, words)
  const rows = sorted(listing, order)
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS))
  const number = Math.min(pages, Math.max(1, Number.parseInt(target.query.get('page') ?? '1', 10) || 1))
  const shown = rows.slice((number - 1) * PAGE_ROWS, number * PAGE_ROWS)
  const view: FolderView = {
    visit,
    query,
    order,
    rows: shown,
    total: rows.length,
    cut: listing.cut,
    complete: listing.complete,
    number,
    pages
  }
  if (target.query.get('format') === 'json') {
    sendText(response, 'application/json; charset=utf-8', `${JSON.stringify(folderObject(view))}\n`)
    return
  }
  sendPage(response, 200, folderPage(view, versions))
}

interface FolderView {
  visit: Visit
  query: string
  order: Order
  /** Of this page. */
  rows: readonly TreeNode[]
  total: number
  cut: boolean
  /** Otherwise the folder is still being read. */
  complete: boolean
  number: number
  pages: number
}

function folderObject({ visit, rows, total, cut, number, pages }: FolderView): object {
  const { links, use, view, path } = visit
  return {
    path,
    version: view.version,
    total,
    cut,
    page: number,
    pages,
    entries: rows.map((node) => ({
      name: node.path.slice(path === '' ? 0 : path.length + 1),
      kind: node.kind,
      bytes: node.kind === 'file' ? node.bytes : null,
      modified: node.modified === null ? null : new Date(node.modified).toISOString(),
      available: node.kind === 'file' ? presenceOf(use.sources, node) !== 'missing' : null,
      url:
        node.kind === 'link'
          ? null
          : links.absolute(node.kind === 'folder' ? links.folder(node.path) : links.file(node.path))
    }))
  }
}

function folderPage(view: FolderView, versions: readonly Version[]): string {
  const { visit, query, order } = view
  const { links, path, name } = visit
  const title = path === '' ? name : path.slice(path.lastIndexOf('/') + 1)
  const body = html`${versionNote(visit, links.folder(path, { version: null }))}
<div class="bar">
<form class="search" method="get" action="${links.folder(path)}" role="search">
<label class="hidden" for="q">Search in this folder and below</label>
<input id="q" name="q" type="search" value="${query}" placeholder="Search here and below" autocomplete="off" maxlength="${MAX_QUERY}">
${hidden({ version: visit.version, sort: order.sort === 'name' ? null : order.sort, order: order.descending ? 'desc' : null })}
<button>Search</button>
</form>
${versionPicker(visit, versions, links.folder(path, { version: null }))}
</div>
<div class="bar all"><a class="button" href="${links.folder(path, { archive: 'zip' })}" rel="nofollow">Download all as zip</a>
<a class="button" href="${links.folder(path, { archive: 'tar' })}" rel="nofollow">as tar</a>
<a class="button" href="${links.folder(path, { checksums: YES })}" rel="nofollow">Checksums</a></div>
<div id="results">${results(view)}</div>
<p id="status" class="hidden" role="status" aria-live="polite"></p>
<details><summary>Use it from a terminal, or pass on a link</summary>
<p>Everything here as one archive; if it breaks off, the same command goes on where it stopped:</p>
<pre class="command">${`curl -C - -o ${shellQuoted(`${fileNameOf(title)}.tar`)} ${shellQuoted(links.absolute(links.folder(path, { archive: 'tar' })))}`}</pre>
<p>A link to this folder alone, good until ${momentText(links.expires)} UTC:</p>
<pre class="command">${links.narrow(path, true)}</pre>
</details>`
  return page({ title: `${title}/`, head: crumbs(visit, path, true), body })
}

function results(view: FolderView): Html {
  const { visit, query, rows, total, cut, complete } = view
  const words = wordsOf(query)
  if (total === 0) {
    return words.length > 0
      ? html`<p>Nothing here or below has “${words.join(' ')}” in its name.</p>`
      : html`<p>This folder is empty.</p>`
  }
  if (!complete) {
    const all = visit.links.folder(visit.path, { page: 1 })
    return html`<p class="note" role="note">This folder is large, and still being read: these are its first names. <a href="${all}">Show all</a></p>
${table(view, `The first ${formatCount(rows.length)} entries in this folder`)}`
  }
  const what = words.length > 0 ? `found for “${words.join(' ')}”` : 'in this folder'
  const more = cut
    ? words.length > 0
      ? ', and there may be more: search for more of the name'
      : ', and there are more'
    : ''
  const caption = `${formatCount(total)} ${total === 1 ? 'entry' : 'entries'} ${what}${more}`
  return html`${table(view, caption)}
${paging(view)}`
}

function table(view: FolderView, caption: string): Html {
  return html`<table class="files" role="table">
<caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${heading(view, 'name', 'Name', '')}${heading(view, 'size', 'Size', 'num')}${heading(view, 'date', 'Date (UTC)', 'date')}
<th class="do" scope="col" role="columnheader"><span class="hidden">Actions</span></th></tr></thead>
<tbody role="rowgroup">
${view.rows.map((node) => row(view.visit, node))}
</tbody></table>`
}

function heading(view: FolderView, key: SortKey, text: string, kind: string): Html {
  const { order } = view
  const active = order.sort === key
  // Sizes and dates are looked for at the large end.
  const descending = active ? !order.descending : key !== 'name'
  const href = view.visit.links.folder(view.visit.path, parameters(view, { sort: key, descending }, 1))
  const sort = active && html` aria-sort="${order.descending ? 'descending' : 'ascending'}"`
  return html`<th scope="col" role="columnheader" class="${kind}"${sort}><a href="${href}">${text}</a></th>`
}

function parameters({ query }: FolderView, { sort, descending }: Order, number: number): Query {
  return {
    q: query || null,
    sort: sort === 'name' ? null : sort,
    order: descending ? 'desc' : null,
    page: number === 1 ? null : number
  }
}

function row(visit: Visit, node: TreeNode): Html {
  const { links, path, use } = visit
  const name = node.path.slice(path === '' ? 0 : path.length + 1)
  if (node.kind === 'folder') {
    return html`<tr role="row"><td class="name" role="cell"><a class="folder" href="${links.folder(node.path)}">${name}/</a></td><td class="num none" role="cell"></td><td class="date none" role="cell"></td><td class="do none" role="cell"></td></tr>
`
  }
  if (node.kind === 'link') {
    return html`<tr role="row"><td class="name" role="cell">${name} <span class="tag">link</span> <span class="dim">to ${node.target}</span></td><td class="num none" role="cell"></td><td class="date" role="cell">${moment(node.modified)}</td><td class="do none" role="cell"></td></tr>
`
  }
  const presence = presenceOf(use.sources, node)
  const tag =
    presence === 'missing'
      ? html` <span class="tag gone">not available now</span>`
      : presence === 'remote' && use.sources.local !== null && html` <span class="tag">fetched when asked for</span>`
  const details = links.file(node.path, { details: YES })
  return html`<tr role="row"><td class="name" role="cell"><a href="${links.file(node.path)}" data-details="${details}">${name}</a>${tag}</td><td class="num" role="cell"><data value="${node.bytes}">${formatBytes(node.bytes)}</data></td><td class="date" role="cell">${moment(node.modified)}</td><td class="do" role="cell"><a class="more" href="${details}" aria-label="Details of ${name}">Details</a><a href="${links.file(node.path, { download: YES })}" download aria-label="Download ${name}">Download</a></td></tr>
`
}

function paging(view: FolderView): Html | null {
  const { visit, order, number, pages } = view
  if (pages === 1) return null
  const to = (page: number): string => visit.links.folder(visit.path, parameters(view, order, page))
  const step = (page: number, text: string, rel: string | null): Html | null =>
    page < 1 || page > pages || page === number
      ? null
      : html`<a class="button" href="${to(page)}"${rel && html` rel="${rel}"`}>${text}</a>`
  return html`<nav class="pages" aria-label="Pages"><span class="dim">Page ${formatCount(number)} of ${formatCount(pages)}</span>
${number > 2 && step(1, 'First', null)}${step(number - 1, 'Previous', 'prev')}${step(number + 1, 'Next', 'next')}${number < pages - 1 && step(pages, 'Last', null)}
</nav>`
}

function hidden(values: Record<string, string | number | null>): Html[] {
  const given = Object.entries(values).filter(([, value]) => value !== null)
  return given.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)
}

/** A word as a POSIX shell takes it, whatever is in it. */
export function shellQuoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** A name that can be given to a file on this side, and is no option of a program. */
export function fileNameOf(name: string): string {
  const clean = name.replace(/[/\\\0-\x1f\x7f]/g, '_').replace(/^[-.]+/, '')
  return clean === '' ? 'share' : clean
}
