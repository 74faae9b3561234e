import { type Html, html } from './html.js'

/** A time for people, in UTC, since it is not known where they are: `2026-03-01 14:05`. */
export function momentText(ms: number | null): string {
  const date = dateOf(ms)
  return date ? `${date.slice(0, 10)} ${date.slice(11, 16)}` : ''
}

/** The same for a page; the hours are left out where there is little room. */
export function moment(ms: number | null): Html {
  const date = dateOf(ms)
  if (!date) return html``
  return html`<time datetime="${date}">${date.slice(0, 10)}<span class="time"> ${date.slice(11, 16)}</span></time>`
}

function dateOf(ms: number | null): string | null {
  // Years of more than four digits are nobody's.
  return ms === null || !(ms > -62_135_596_800_000 && ms < 253_402_300_800_000) ? null : new Date(ms).toISOString()
}
