import type { Version } from '../core/recent-versions.js'
import { type Html, html } from './html.js'
import { momentText } from './moments.js'
import type { Visit } from './visit.js'

/** What stands above the main part of a page: where it is in the share. */
export function crumbs(visit: Visit, path: string, folder: boolean): Html {
  const { top, links, name } = visit
  const from = top === '' ? 0 : top.split('/').length
  const parts = path === '' ? [] : path.split('/')
  const items: { text: string; href: string | null }[] = []
  for (let depth = from; depth <= parts.length; depth++) {
    const text = depth === 0 ? name : (parts[depth - 1] ?? '')
    const last = depth === parts.length
    items.push({ text, href: last ? null : links.folder(parts.slice(0, depth).join('/')) })
  }
  const title = items.pop()?.text ?? name
  return html`${items.length > 0 && html`<nav class="path" aria-label="Path"><ol>${items.map(({ text, href }) => html`<li><a href="${href}">${text}</a></li>`)}</ol></nav>`}
<h1>${title}${folder ? '/' : ''}</h1>`
}

/** Lets one choose another version. */
export function versionPicker(visit: Visit, versions: readonly Version[], action: string): Html | null {
  const { version } = visit
  if (versions.length < 2 && version === null) return null
  const listed = version === null || versions.slice(1).some((one) => one.version === version)
  return html`<form method="get" action="${action}"><label class="hidden" for="version">Version</label>
<select id="version" name="version" data-go>
<option value="">Newest version</option>
${!listed && html`<option value="${version}" selected>Version ${version}</option>`}
${versions.slice(1).map((one) => html`<option value="${one.version}"${one.version === version ? SELECTED : null}>${momentText(one.time)} (${one.version})</option>`)}
</select> <button>Show</button></form>`
}

const SELECTED = html` selected`

/** Says that this is not the newest version. */
export function versionNote({ version }: Visit, newest: string): Html | null {
  if (version === null) return null
  return html`<p class="note" role="note">This is version ${version} of the share. Files that were changed or deleted since
may be listed here though nobody has their old content any more. <a href="${newest}">Show the newest version</a></p>`
}
