/** What was tested and how it went, said at once and counted for the end. */

const WORDS = { passed: 'PASS', failed: 'FAIL', skipped: 'SKIP', missed: 'SLOW' }

export class Tally {
  results = []
  #lenient

  /** @param {boolean} lenient a goal of speed that was missed is told, but fails nothing */
  constructor(lenient = false) {
    this.#lenient = lenient
  }

  /** @param {string | null} why what is wrong with it; null when nothing is */
  judge(name, why, detail = '') {
    this.#add(
      name,
      why === null ? 'passed' : 'failed',
      why === null ? detail : [why, detail].filter(Boolean).join('; ')
    )
  }

  /** Judges a goal of speed: on a machine that does other things beside, a miss proves nothing. */
  goal(name, why, detail = '') {
    if (why !== null && this.#lenient) this.#add(name, 'missed', [why, detail].filter(Boolean).join('; '))
    else this.judge(name, why, detail)
  }

  skip(name, why) {
    this.#add(name, 'skipped', why)
  }

  /** The last line of a run. */
  get summary() {
    const count = (wanted) => this.results.filter(({ status }) => status === wanted).length
    return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped') + count('missed')} skipped`
  }

  get failed() {
    return this.results.some(({ status }) => status === 'failed')
  }

  #add(name, status, detail) {
    this.results.push({ name, status, detail })
    console.log(`  ${WORDS[status]}  ${name}${detail && `: ${detail}`}`)
  }
}
