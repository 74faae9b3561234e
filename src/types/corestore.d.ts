declare module 'corestore' {
  import type { EventEmitter } from 'node:events'
  import type Hypercore from 'hypercore'
  import type CorestoreStorage from 'hypercore-storage'

  class Corestore extends EventEmitter {
    constructor(
      storage: string | CorestoreStorage,
      options?: { readOnly?: boolean; active?: boolean; globalCache?: unknown }
    )
    readonly closing: Promise<void> | null
    ready(): Promise<void>
    close(): Promise<void>
    get(options: { name?: string; key?: Buffer }): Hypercore
    replicate(streamOrInitiator: unknown, options?: object): NodeJS.EventEmitter
    session(options?: object): Corestore
    findingPeers(): () => void
  }
  export default Corestore
}
