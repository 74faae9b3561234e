import { formatBytes, formatCount } from '../base/sizes.js'
import { ContentError, type ContentTrouble, contentName, presenceOf, readContent } from '../core/file-content.js'
import type { Version } from '../core/recent-versions.js'
import type { TreeNode } from '../core/tree-view.js'
import type { Checksums } from './checksums.js'
import { readDelimited } from './delimited.js'
import { fileNameOf, shellQuoted } from './folder-reply.js'
import { crumbs, versionNote, versionPicker } from './frame.js'
import { type Html, html, lines } from './html.js'
import { isText, lookOf, separatorOf } from './media-type.js'
import { momentText } from './moments.js'
import { page } from './page.js'
import { sendPage } from './reply.js'
import { type Visit, YES } from './visit.js'

/** Of a text so much is shown. */
const TEXT_BYTES = 64 * 1024
const TABLE_BYTES = 256 * 1024
/** Larger pictures are not shown by themselves: whoever opens a page has not asked for so much. */
const IMAGE_BYTES = 16 * 1024 * 1024
/** Of smaller files the checksum is made at once. */
const CHECKSUM_BYTES = 16 * 1024 * 1024

/** Sends the page of one file: what is known of it, its checksum, and a look at what is in it. */
export async function sendDetails(
  visit: Visit,
  node: TreeNode,
  checksums: Checksums,
  versions: readonly Version[]
): Promise<void> {
  const { links, use, target, signal } = visit
  const name = node.path.slice(node.path.lastIndexOf('/') + 1)
  const presence = presenceOf(use.sources, node)
  let trouble: ContentTrouble | null = presence === 'missing' ? 'missing' : null
  let sum = checksums.known(contentName(use.sources, node))
  let preview: Html | null = null
  if (trouble === null) {
    try {
      preview = await previewOf(visit, node, name)
      const wanted = target.query.has('checksum') || (presence === 'here' && node.bytes <= CHECKSUM_BYTES)
      if (wanted) sum = await checksums.of(use.sources, node, signal)
    } catch (error) {
      if (!(error instanceof ContentError)) throw error
      trouble = error.trouble
    }
  }
  const download = links.file(node.path, { download: YES })
  const command = `curl -C - -o ${shellQuoted(fileNameOf(name))} ${shellQuoted(links.absolute(links.file(node.path)))}`
  const body = html`${versionNote(visit, links.file(node.path, { version: null, details: YES }))}
${trouble && html`<p class="note" role="note">${TROUBLE[trouble]}</p>`}
<div class="bar"><a class="button main" href="${download}" download>Download</a>
${versionPicker(visit, versions, links.file(node.path, { version: null, details: YES }))}</div>
<dl>
<dt>Size</dt><dd>${formatBytes(node.bytes)}${node.bytes >= 1000 && html` <span class="dim">(${formatCount(node.bytes)} bytes)</span>`}</dd>
${node.modified !== null && html`<dt>Date</dt><dd>${momentText(node.modified)} UTC</dd>`}
<dt>SHA-256</dt><dd>${sum ? html`<code>${sum.toString('hex')}</code>` : trouble ? 'not known' : html`<a href="${links.file(node.path, { details: YES, checksum: YES })}">compute it</a>`}</dd>
</dl>
${preview}
<h2>From a terminal</h2>
<p>If it breaks off, the same command goes on where it stopped.</p>
<pre class="command">${command}</pre>`
  sendPage(visit.response, 200, page({ title: name, head: crumbs(visit, node.path, false), body }))
}

const TROUBLE: Record<ContentTrouble, string> = {
  changed: 'This file was changed after it was shared. It can be had once it is shared again.',
  missing: 'The content of this file is not here, and no computer that has it can be reached now.',
  indexing: 'This file is still being read by the computer that shares it.'
}

async function previewOf(visit: Visit, node: TreeNode, name: string): Promise<Html | null> {
  const look = lookOf(name)
  if (look === 'none' || node.bytes === 0) return null
  if (look === 'image') {
    if (node.bytes > IMAGE_BYTES) return null
    return html`<h2>Preview</h2><img class="picture" src="${visit.links.file(node.path)}" alt="${name}">`
  }
  const bytes = await beginning(visit, node, look === 'table' ? TABLE_BYTES : TEXT_BYTES)
  if (!isText(bytes)) return null
  const whole = bytes.length === node.bytes
  // The last character may be cut in two.
  const text = new TextDecoder().decode(bytes, { stream: !whole })
  return look === 'table' ? table(text, separatorOf(name), whole) : plain(text, whole)
}

async function beginning({ use }: Visit, node: TreeNode, limit: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const chunk of readContent(use.sources, node, 0, Math.min(limit, node.bytes))) parts.push(chunk)
  return Buffer.concat(parts)
}

function plain(text: string, whole: boolean): Html {
  return html`<h2>Preview${!whole && ' of the beginning'}</h2><pre tabindex="0" role="region" aria-label="Content">${lines(text.replaceAll('\r\n', '\n'))}</pre>`
}

function table(text: string, separator: string, whole: boolean): Html {
  const { rows, cut } = readDelimited(text, separator, whole)
  const [head = [], ...rest] = rows
  return html`<h2>Preview${cut && ' of the beginning'}</h2><div class="scroll" tabindex="0" role="region" aria-label="Table">
<table><thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead><tbody>
${rest.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table></div>`
}
