/** What an index says of itself. The role changes when the ownership moves to another computer, or here. */
/** Index meta. */
export const IDENTITY = 'identity'
export interface Identity {
  role: 'owner' | 'clone'
  /** The link's key in hex. */
  key: string
  /** For a share of one file: its name. */
  file: string | null
}

/**
 * Whom a share serves. `open`: everybody with its link. `gated`: who came in by an invite, now or before. `strict`: who
 * came in by one, as long as that is neither revoked nor expired.
 */
export type Gate = 'open' | 'gated' | 'strict'

/** Index meta, and in what is kept of a share: the ownership was exported from here. */
export const CEDED = 'ceded'
export interface Ceded {
  /** Of the export. */
  id: string
  /** When, in milliseconds since 1970. */
  time: number
  /** The name of the file, without its folder. */
  file: string
}

/** Index meta of an owner that has just become one: its history has yet to go on in a fork of its own, after this one. */
export const TAKEN = 'taken'
export interface Taken {
  fork: number
}

/** Index meta of an owner: others have a later history than this one, which somebody else signed with the same key. */
export const OUTRUN = 'outrun'
export interface Outrun {
  fork: number
  /** When it was met, in milliseconds since 1970. */
  time: number
}
