/** What was tested and how it went, said at once and counted for the end. */

const WORDS = { passed: 'PASS', failed: 'FAIL', skipped: 'SKIP' }

export class Tally {
  results = []

  /** @param {string | null} why what is wrong with it; null when nothing is */
  judge(name, why, detail = '') {
    this.#add(
      name,
      why === null ? 'passed' : 'failed',
      why === null ? detail : [why, detail].filter(Boolean).join('; ')
    )
  }

  skip(name, why) {
    this.#add(name, 'skipped', why)
  }

  /** The last line of a run. */
  get summary() {
    const count = (wanted) => this.results.filter(({ status }) => status === wanted).length
    return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`
  }

  get failed() {
    return this.results.some(({ status }) => status === 'failed')
  }

  #add(name, status, detail) {
    this.results.push({ name, status, detail })
    console.log(`  ${WORDS[status]}  ${name}${detail && `: ${detail}`}`)
  }
}
