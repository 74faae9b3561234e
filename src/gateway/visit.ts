import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Use } from '../core/served.js'
import type { TreeView } from '../core/tree-view.js'
import type { Signer } from './signature.js'
import { type Credential, formatToken } from './signature.js'
import { encodePath, type Target } from './target.js'

/** A request that may be answered: its URL is signed, and the password was given where one is asked for. */
export interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: Target
  /** From the top of the share; '' for the share itself. */
  readonly path: string
  /** What was signed: nothing above it is shown. */
  readonly top: string
  readonly links: Links
  readonly use: Use
  readonly view: TreeView
  /** The version that was asked for; null for the newest one. */
  readonly version: number | null
  /** What the share is called. */
  readonly name: string
  /** The same version once more, for work that outlives the request; it has to be released. */
  again(): Promise<{ view: TreeView; release(): Promise<void> } | null>
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal
}

/** Of a parameter that has no value, such as `?download`. */
export const YES = true
export type Query = Record<string, string | number | true | null>

/** URLs from one page to others: they carry the signature of the page itself. */
export class Links {
  readonly #base: string
  readonly #version: number | null
  readonly #origin: string
  readonly #signer: Signer
  readonly #expires: number

  constructor(credential: Credential, version: number | null, origin: string, signer: Signer) {
    this.#base = `/${formatToken(credential)}/`
    this.#version = version
    this.#origin = origin
    this.#signer = signer
    this.#expires = credential.expires
  }

  /** Milliseconds since 1970 at which they stop working. */
  get expires(): number {
    return this.#expires * 1000
  }

  file(path: string, query: Query = {}): string {
    return this.#base + encodePath(path) + this.#query(query)
  }

  folder(path: string, query: Query = {}): string {
    return this.#base + (path === '' ? '' : `${encodePath(path)}/`) + this.#query(query)
  }

  /** With the name of the server, for a command. */
  absolute(link: string): string {
    return this.#origin + link
  }

  /** A URL that is good for one folder or file alone, as long as this one. */
  narrow(path: string, folder: boolean): string {
    return `${this.#origin}${signedPath(this.#signer, path, folder, this.#expires)}`
  }

  #query(query: Query): string {
    const given: Query = { version: this.#version, ...query }
    const parts = Object.entries(given).flatMap(([key, value]) => {
      if (value === null) return []
      return value === YES ? [key] : [`${key}=${encodeURIComponent(value)}`]
    })
    return parts.length === 0 ? '' : `?${parts.join('&')}`
  }
}

/** The path and the query of a URL that is good for one path and what is below it. */
export function signedPath(signer: Signer, path: string, folder: boolean, expires: number): string {
  const { signature } = signer.sign(path, expires)
  const way = path === '' ? '' : encodePath(path) + (folder ? '/' : '')
  return `/${way}?expires=${expires}&signature=${signature}`
}
