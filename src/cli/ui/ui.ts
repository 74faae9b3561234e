import type { DatEvent } from '../../base/events.js'
import type { CheckItem } from './checklist.js'
import type { Explained } from './error.js'

/** What the command is about, so that the texts can say who waits for what. */
export type Work =
  | 'share'
  | 'clone'
  | 'pull'
  | 'sync'
  | 'ls'
  | 'log'
  | 'status'
  | 'verify'
  | 'serve'
  | 'restore'
  | 'prune'
  | 'diff'

/** A result as a script gets it: the contract's fields, without `v` and `time`. */
export type Row = { type: string } & Record<string, unknown>

/** How the command line talks: one implementation for a terminal, one for plain text, one for JSON. */
export interface Ui {
  /** Says that the work begins. `timeout` is how long it looks for a peer, in seconds; 0 for ever, null for not at all. */
  begin(work: Work, options: { timeout: number | null }): void
  event(event: DatEvent): void
  /** Shows what will be tested; each `probe` event ticks one off. */
  checklist(items: readonly CheckItem[]): void
  /** Prints a result on stdout: the object for scripts, the text for people. False when nobody reads any more. */
  row(object: Row, text: string | null): Promise<boolean>
  /** One line for people, on stderr. */
  info(text: string): void
  /** Draws a link as a QR code if there is a terminal, and only there. */
  qr(link: string): void
  fail(error: Explained): void
  /** Restores the terminal. Nothing may be printed but errors afterwards. */
  close(): void
}

export interface UiOptions {
  json: boolean
  quiet: boolean
  color: boolean
  debug: boolean
  /** Started by another dat in the background, or as a service: what is said goes into a log. */
  runAs?: 'background' | 'service'
  log?: string
}
