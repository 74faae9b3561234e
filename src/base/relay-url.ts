/** A relay's address, in the one form that is compared, printed and dialled: `wss://host[:port][/path]`. */

const PATH = /^\/[\w.\-/]*$/
const IN_LINK = /^(wss?):(\[[0-9a-f:.]+\]|[^\s:@/,~[\]]+):(\d{1,5})((?:~[\w.-]*)*)$/i

/**
 * Reads what a person wrote: `wss://host[:port][/path]`, `ws://…`, the same as `https:` and `http:`, or `host[:port]`,
 * which means `wss://`. Null if it is none of these: no password, no question mark, and a path of letters, digits and
 * `._-/` only, since it has to fit into a link.
 */
export function parseRelay(text: string): string | null {
  const full = text.trim().replace(/^http(s?):/i, 'ws$1:')
  return canonical(/^wss?:\/\//i.test(full) ? full : /^[a-z]+:\/\//i.test(full) ? '' : `wss://${full}`)
}

/** The relay that stands between the commas of a link as `wss:host:port~path`; null if it is none. */
export function relayOfLink(text: string): string | null {
  const [, scheme, host, port, path = ''] = IN_LINK.exec(text) ?? []
  return scheme ? canonical(`${scheme}://${host}:${port}${path.replaceAll('~', '/')}`) : null
}

/** The relay as a link has it: without a character that a shell would read as its own. */
export function relayInLink(url: string): string {
  const { protocol, hostname, port, pathname } = new URL(url)
  const path = pathname === '/' ? '' : pathname.replaceAll('/', '~')
  return `${protocol}${hostname}:${port || (protocol === 'wss:' ? 443 : 80)}${path}`
}

function canonical(text: string): string | null {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return null
  }
  const { protocol, host, hostname, pathname } = url
  if (url.username || url.password || url.search || url.hash || !PATH.test(pathname) || hostname === '') return null
  if (url.port === '0' || /[^\w.\-:[\]]/.test(host)) return null
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`
}
