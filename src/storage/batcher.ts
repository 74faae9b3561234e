interface Entry<J, R> {
  job: J
  resolve: (result: R) => void
  reject: (error: unknown) => void
}

/** Collects calls that come together and answers them with one call for all. */
export class Batcher<J, R> {
  readonly #mostJobs: number
  readonly #mostBytes: number
  readonly #run: (jobs: J[]) => Promise<R[]>
  #entries: Entry<J, R>[] = []
  #bytes = 0
  #scheduled = false

  constructor(mostJobs: number, mostBytes: number, run: (jobs: J[]) => Promise<R[]>) {
    this.#mostJobs = mostJobs
    this.#mostBytes = mostBytes
    this.#run = run
  }

  /** @param bytes that the job weighs against the limit of a batch */
  add(job: J, bytes: number): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ job, resolve, reject })
      this.#bytes += bytes
      if (this.#entries.length >= this.#mostJobs || this.#bytes >= this.#mostBytes) this.#flush()
      else if (!this.#scheduled) {
        this.#scheduled = true
        setImmediate(() => {
          this.#scheduled = false
          this.#flush()
        })
      }
    })
  }

  #flush(): void {
    const entries = this.#entries
    if (entries.length === 0) return
    this.#entries = []
    this.#bytes = 0
    this.#run(entries.map(({ job }) => job)).then(
      (results) => {
        entries.forEach((entry, i) => {
          entry.resolve(results[i] as R)
        })
      },
      (error) => {
        for (const { reject } of entries) reject(error)
      }
    )
  }
}
