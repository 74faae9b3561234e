/** What an index says of itself; written once, when it is made. */
export interface Identity {
  role: 'owner' | 'clone'
  /** The link's key in hex. */
  key: string
  /** For a share of one file: its name. */
  file: string | null
}
