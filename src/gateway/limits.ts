/** What one gateway lets its clients take up, all together and each address (of IPv6: each /64) for itself. */

/** Connections. Whole institutes share an address, so one may have many. */
export const MAX_CONNECTIONS = 600
export const MAX_CONNECTIONS_OF_ADDRESS = 300
/** Headers, of which the URL may take 16 KiB. */
export const MAX_HEADER_BYTES = 24 * 1024
/** A client that takes longer to say what it wants is sent away, in ms. */
export const HEADERS_MS = 15_000
export const REQUEST_MS = 30_000
/** A connection on which nothing is asked for, and one on which nothing moves. */
export const KEEP_ALIVE_MS = 10_000
export const STALL_MS = 120_000
/** Archives and lists of checksums, which read a whole folder. */
export const MAX_LONG = 24
export const MAX_LONG_OF_ADDRESS = 8
/** Folders that are read and searched at once, and those that wait for it. */
export const MAX_SCANS = 4
export const MAX_WAITING = 100
/** A password and its field. */
export const MAX_FORM_BYTES = 8192
