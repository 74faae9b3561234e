/** Files that the owner cannot read are given up when nobody has sent anything for this long, in milliseconds. */
const UNREADABLE_MS = 4000
/** In a second, that they are still not available is said again and again. */
const REFUSALS_BYTES = 8192

/** How long nothing has come from those who are connected. */
export class Patience {
  #since = performance.now()
  #look = 0
  #heard = 0
  #bytes = 0

  isOver(connected: boolean, heard: number, bytes: number): boolean {
    const now = performance.now()
    if (now - this.#look < 1000) return false
    const quiet = connected && bytes === this.#bytes && heard - this.#heard <= REFUSALS_BYTES
    if (!quiet) this.#since = now
    this.#look = now
    this.#heard = heard
    this.#bytes = bytes
    return now - this.#since > UNREADABLE_MS
  }
}
