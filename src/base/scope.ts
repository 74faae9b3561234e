/** A thing that must be undone: a file to close, a socket to end, a lock to release. */
export type Cleanup = () => unknown

/**
 * Collects what must be undone and undoes it once, the newest first, whatever happens in between.
 * Everything that opens more than one thing keeps a scope, so that a failure half way leaves nothing behind.
 */
export class Scope {
  readonly #cleanups: Cleanup[] = []
  #closing: Promise<void> | null = null

  get closed(): boolean {
    return this.#closing !== null
  }

  /** Adds a thing to undo; if the scope is already closed it is undone at once. */
  defer(cleanup: Cleanup): void {
    if (this.#closing) void Promise.resolve().then(cleanup).catch(ignore)
    else this.#cleanups.push(cleanup)
  }

  /** Undoes everything, the newest first. Throws the first error once all was tried. */
  close(): Promise<void> {
    this.#closing ??= this.#run()
    return this.#closing
  }

  async #run(): Promise<void> {
    let first: unknown
    for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup()
      } catch (error) {
        first ??= error
      }
    }
    if (first !== undefined) throw first
  }
}

function ignore(): void {}
