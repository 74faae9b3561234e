import type { Failure } from '../base/errors.js'
import type { Report } from '../base/events.js'
import type { Link } from '../base/link.js'
import type { NetworkOptions } from '../transport/transport.js'
import type { OpenDrive } from './drive.js'
import type { Gate } from './identity.js'
import type { InviteAsker } from './invite-asker.js'
import type { Join } from './join.js'
import type { SeeOwner } from './ownership.js'
import type { SavedInvite } from './saved-invite.js'

/** What every command hands to core. Core reads no argv and no environment, writes to no stream and never exits. */
export interface CommonOptions {
  /** Where the index lives; null for `<dir>/.dat`. */
  store: string | null
  /** The folder of dat's per-user data, where owners keep what brings a lost share back; null to keep nothing. */
  home?: string | null
  network: NetworkOptions
  report: Report
  signal: AbortSignal
}

export interface ShareOptions extends CommonOptions {
  /** A folder, or a single file. */
  path: string
  /** Look for changes until closed. */
  watch: boolean
  /** Finish once one peer has everything. */
  once: boolean
  /** Read .datignore and leave out the short default list (`--no-ignore` turns both off). */
  useIgnoreFiles: boolean
  /** Further patterns in gitignore syntax (`--ignore`). */
  ignore: string[]
  /** This folder is where the share is now, although something else is known of it (`--moved`). */
  moved?: boolean
  /** Make a new link, even where an earlier one could be had back (`--new-link`). */
  newLink?: boolean
  /** How much of the history to keep, as `--keep` has it; null keeps none; undefined leaves it as it was. */
  history?: string | null
  /** Whom to serve (`--gated`, `--strict`, `--no-gated`); undefined leaves it as it was. */
  gate?: Gate | undefined
  /** What else is done with the share while it is open, from when its link is known. */
  beside?: Beside
}

/** Makes use of a drive while a session has it open. */
export type Beside = (open: OpenDrive) => Promise<{ close(): Promise<void> }>

export interface DownloadOptions extends CommonOptions {
  include: string[]
  exclude: string[]
  dryRun: boolean
  /** Overwrite what was altered locally. */
  force: boolean
  /** Another version than the newest. For a pull: null goes back to the newest, undefined leaves it as it was. */
  version?: number | null
  /** Give up when no peer was found after this many seconds; 0 waits for ever. */
  timeout: number
  /** Give up sooner when there is evidence that nobody can be found now. */
  endEarly?: boolean
  /** To be told of an owner that is met. */
  seeOwner?: SeeOwner
  /** What else is done with the clone while it is open. */
  beside?: Beside
}

export interface CloneOptions extends DownloadOptions {
  link: Link
  /** The id of the invite that brought the key of the link, what brings it again, and the connections over which it came. */
  invited?: { invite: string; saved: SavedInvite; asker: InviteAsker; join: Join }
  /** null: the shared folder's name, below `parent`. */
  dir: string | null
  /** The folder in which a clone without a name is made (the working directory). */
  parent: string
}

export interface PullOptions extends DownloadOptions {
  dir: string
}

/** How a download ended. */
export interface Summary {
  dir: string
  version: number
  files: number
  bytes: number
  downloadedBytes: number
  seconds: number
  failures: Failure[]
}

/** A running share, clone, pull or sync: one object with close(). */
export interface Session {
  readonly link: string
  readonly dir: string
  /**
   * Resolves when the work is done: for a clone or a pull when everything is here (null for a share that is over).
   * Rejects with a DatError. A share or a sync without an end stays pending until close().
   */
  readonly finished: Promise<Summary | null>
  close(): Promise<void>
}
