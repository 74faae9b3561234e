/** What the long tests have in common: they pick scenarios by name, play them one after the other, and count. */

/**
 * @param {string | undefined} only names with commas between them
 * @param {Record<string, unknown>} scenarios
 * @param {string[]} usual those that are played when none is named
 * @throws {Error} of a name that no scenario has
 */
export function pickScenarios(only, scenarios, usual = Object.keys(scenarios)) {
  const names = only?.split(',') ?? usual
  for (const name of names) if (!(name in scenarios)) throw new Error(`there is no scenario ${name}`)
  return names
}

/**
 * Plays scenarios. One that breaks is a failure, and the others are played all the same.
 * @param {{ names: string[], scenarios: Record<string, { title: string, run: Function }>, tally: Tally }} what
 * @param {object} context what each scenario is given
 * @param {() => Promise<void>} after what is done after each
 */
export async function playScenarios({ names, scenarios, tally }, context, after = async () => {}) {
  for (const name of names) {
    console.log(`\n${name}: ${scenarios[name].title}`)
    try {
      await scenarios[name].run(context)
    } catch (error) {
      tally.judge(name, `broke: ${error.stack}`)
    }
    await after()
  }
}

/** Says how long it took and how it went, and leaves the exit code with it. */
export function conclude(tally, started, more = '') {
  console.log(`\nafter ${((performance.now() - started) / 60_000).toFixed(1)} min${more}`)
  console.log(tally.summary)
  process.exitCode = tally.failed ? 1 : 0
}

/**
 * Runs a whole program of tests. What it can't go on from ends it with 2, and a last line that counts as a failure.
 * @param {string} name
 * @param {() => Promise<void>} main
 */
export async function runProgram(name, main) {
  try {
    await main()
  } catch (error) {
    console.error(`${name}: ${error.stack}`)
    console.log('0 passed, 1 failed, 0 skipped')
    process.exitCode = 2
  }
}
