import { isIP } from 'node:net'

/**
 * By which names a gateway may be called. A page of somebody else can have its own name point to this computer, and then
 * read what is here with the rights of the browser; but it cannot do without a name. So addresses are always right, and
 * names only those that are known.
 */
export class Hosts {
  readonly #names: ReadonlySet<string>

  constructor(names: readonly string[]) {
    this.#names = new Set(['localhost', ...names].map((name) => name.toLowerCase()))
  }

  /** Reads a Host header. @returns it, if it may be used in links; null if it is another's */
  accept(header: string | undefined): string | null {
    const [, bracketed, plain, port] =
      /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9_.-]{1,253}))(?::(\d{1,5}))?$/i.exec(header ?? '') ?? []
    if (port !== undefined && Number(port) > 65535) return null
    if (bracketed !== undefined) return isIP(bracketed) === 6 ? (header ?? null) : null
    if (plain === undefined) return null
    const name = plain.toLowerCase().replace(/\.$/, '')
    return isIP(name) === 4 || this.#names.has(name) ? (header ?? null) : null
  }
}
