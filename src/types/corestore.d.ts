declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'
  import type CorestoreStorage from 'hypercore-storage'

  class Corestore extends EventEmitter {
    constructor(
      storage: string | CorestoreStorage,
      options?: { readOnly?: boolean; active?: boolean; globalCache?: unknown; primaryKey?: Buffer; unsafe?: boolean }
    )
    /** The secret from which the keys of named cores follow. */
    readonly primaryKey: Buffer
    readonly closing: Promise<void> | null
    ready(): Promise<void>
    close(): Promise<void>
    get(options: { name?: string; key?: Buffer }): Hypercore
    replicate(streamOrInitiator: unknown, options?: object): NodeJS.EventEmitter
    /** The keys of the core that has this name. */
    createKeyPair(name: string): Promise<{ publicKey: Buffer; secretKey: Buffer }>
    session(options?: object): Corestore
    findingPeers(): () => void
  }
  export default Corestore
}
