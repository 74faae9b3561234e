import type { DownloadProgress, Report } from '../base/events.js'
import type { ShareState } from './entry.js'
import { Rate } from './rate.js'

const REPORT_MS = 250
/** The first moments say nothing of the rate: until then the time left is unknown. */
const SETTLE_MS = 1500

/** The counters of a download. Bytes count once they are verified and written. */
export class Progress {
  readonly #report: Report
  readonly #rate: Rate
  #filesDone = 0
  #filesPlanned = 0
  #bytesDone = 0
  #bytesPlanned = 0
  #expected: ShareState | null = null
  #lastReport = 0
  #firstByte = 0
  downloadedBytes = 0
  resumedBytes = 0

  constructor(report: Report) {
    this.#report = report
    this.#rate = new Rate()
  }

  /** What the share says of its own size: better than what was planned so far, unless only a part is wanted. */
  expect(state: ShareState, everything: boolean): void {
    this.#expected = everything ? state : null
  }

  plan(files: number, bytes: number): void {
    this.#filesPlanned += files
    this.#bytesPlanned += bytes
  }

  fileDone(): void {
    this.#filesDone++
    this.report()
  }

  downloaded(bytes: number): void {
    if (this.#firstByte === 0) this.#firstByte = Date.now()
    this.#bytesDone += bytes
    this.downloadedBytes += bytes
    this.report()
  }

  resumed(bytes: number): void {
    this.#bytesDone += bytes
    this.resumedBytes += bytes
  }

  /** Content that came from elsewhere than the network. */
  local(bytes: number): void {
    this.#bytesDone += bytes
  }

  get current(): DownloadProgress {
    const bytesPerSecond = this.#rate.update(this.downloadedBytes)
    const filesTotal = Math.max(this.#filesPlanned, this.#expected?.files ?? 0)
    const bytesTotal = Math.max(this.#bytesPlanned, this.#expected?.bytes ?? 0)
    const left = Math.max(0, bytesTotal - this.#bytesDone)
    return {
      filesDone: this.#filesDone,
      filesTotal,
      bytesDone: this.#bytesDone,
      bytesTotal,
      bytesPerSecond,
      etaSeconds: this.#timeLeft(left, bytesPerSecond),
      resumedBytes: this.resumedBytes
    }
  }

  #timeLeft(bytes: number, bytesPerSecond: number): number | null {
    if (bytes === 0) return 0
    const settled = this.#firstByte > 0 && Date.now() - this.#firstByte >= SETTLE_MS
    return settled && bytesPerSecond > 0 ? Math.ceil(bytes / bytesPerSecond) : null
  }

  report(force = false): void {
    const now = Date.now()
    if (!force && now - this.#lastReport < REPORT_MS) return
    this.#lastReport = now
    this.#report({ type: 'download.progress', ...this.current })
  }
}
