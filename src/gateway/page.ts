import { createHash } from 'node:crypto'
import { Html, html, type Part } from './html.js'
import { SCRIPT, STYLE } from './style.js'

/** Only what is in the page itself is used, recognised by its hash; nothing is loaded but previews from this server. */
const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashOf(STYLE)}`,
  `script-src ${hashOf(SCRIPT)}`,
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'"
].join('; ')

const STYLE_TAG = new Html(`<style>${STYLE}</style>`)
const SCRIPT_TAG = new Html(`<script>${SCRIPT}</script>`)

/** A whole page. @param head what stands above the main part, such as the path */
export function page({ title, head = null, body }: { title: string; head?: Part; body: Part }): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${title}</title>
${STYLE_TAG}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>${head}</header>
<main id="main">
${body}
</main>
<footer>Served by dat. Links from this page stop working when their time is over.</footer>
${SCRIPT_TAG}
</body>
</html>
`.text
}

/** A short page that says why there is nothing else. */
export function problemPage(title: string, ...texts: readonly Part[]): string {
  return page({ title, body: html`<h1>${title}</h1>${texts.map((text) => html`<p>${text}</p>`)}` })
}

/** A page that asks for the password. @param wrong says that the one that was given is not it */
export function loginPage(action: string, problem: string | null): string {
  const body = html`<div class="login"><h1>A password is needed</h1>
<p>Who gave you this link has the password too.</p>
${problem && html`<p class="note" role="alert">${problem}</p>`}
<form method="post" action="${action}">
<input name="name" autocomplete="username" value="visitor" hidden>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required autofocus>
<button class="main">Continue</button>
</form></div>`
  return page({ title: 'Password', body })
}
