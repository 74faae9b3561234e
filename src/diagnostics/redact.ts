/** A URL without user, password, path and query: what may be shown of a proxy or a relay. */
export function withoutLogin(text: string): string {
  // Without a scheme it is a host, even if `user:` looks like one.
  const full = text.includes('://') ? text : `http://${text}`
  try {
    const { protocol, host, pathname, search, hash } = new URL(full)
    // A password with `/`, `?` or `#` that is not written as it should be: then the "host" is a part of the login.
    return `${pathname}${search}${hash}`.includes('@') ? '(not a URL)' : `${protocol}//${host}`
  } catch {
    // URL.canParse would do, but in Node.js 20.20 it says yes to some that are none once it was called often.
    return '(not a URL)'
  }
}

// A key in z-base-32 or hex, with whatever follows it in a link.
const KEY = /\b([a-z0-9]{4})(?:[a-z0-9]{44,})\b(?:[+@/][^\s"']*)?/gi
const LOGIN = /(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi

/** A text without links, keys and logins: fit for a report that goes by mail. */
export function shortened(text: string): string {
  return text.replace(KEY, '$1…').replace(LOGIN, '$1')
}
