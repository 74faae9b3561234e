import type { DatEvent } from '../../src/base/events.js'

/** Events as core sends them, for tests of what is made of them. */
const KEY = 'ybndrfg8ejkmcpqxot1uwiszayybndrfg8ejkmcpqxot1uwiszay'

export const LINK = `dat://${KEY}`

export const EVENTS = {
  link: { type: 'link', link: LINK, key: KEY, dir: '/home/anna/data' },
  importing: { type: 'import.progress', filesDone: 3, filesTotal: 12, bytesDone: 1.2e9, bytesTotal: 3.4e9 },
  imported: {
    type: 'import.done',
    filesDone: 12,
    filesTotal: 12,
    bytesDone: 3.4e9,
    bytesTotal: 3.4e9,
    added: 12,
    changed: 0,
    removed: 0,
    skipped: 0,
    version: 12
  },
  connected: { type: 'peer.connected', peer: 'abcdefgh', route: 'lan', address: '127.0.0.1:4000' },
  better: { type: 'peer.connected', peer: 'abcdefgh', route: 'direct', address: '127.0.0.1:4001' },
  disconnected: { type: 'peer.disconnected', peer: 'abcdefgh', route: 'lan', address: '127.0.0.1:4000' },
  complete: { type: 'peer.complete', peer: 'abcdefgh', version: 12 },
  downloading: {
    type: 'download.progress',
    filesDone: 3,
    filesTotal: 12,
    bytesDone: 1.2e9,
    bytesTotal: 3.4e9,
    bytesPerSecond: 45e6,
    etaSeconds: 49,
    resumedBytes: 2e8
  },
  uploading: { type: 'upload.progress', bytes: 1.5e9, bytesPerSecond: 45e6, peers: 1 },
  stalled: { type: 'stalled', seconds: 12, reason: 'the other computer is gone' },
  done: { type: 'done', dir: 'data', version: 12, files: 12, bytes: 3.4e9, downloadedBytes: 3.2e9, seconds: 71 }
} as const satisfies Record<string, DatEvent>
