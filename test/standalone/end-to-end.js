import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from './workshop.js'

/** Runs the suite with DAT_BIN; each of its tests counts. */
export async function endToEnd(shop) {
  const { env: mine } = await shop.home()
  const report = join(await shop.room(), 'vitest.json')
  const args = [
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    'e2e',
    '--reporter=json',
    `--outputFile.json=${report}`
  ]
  // Its runtime is unpacked before, and not in the home of who runs the tests.
  const env = { ...process.env, DAT_BIN: await shop.file('linux-x64'), DAT_RUNTIME_DIR: join(mine.HOME, 'runtime') }
  await shop.run(env.DAT_BIN, ['--version'], { env })
  const { stderr, ms } = await shop.run(process.execPath, args, { cwd: ROOT, env, limit: 900_000 })
  const { testResults } = JSON.parse(await readFile(report, 'utf8'))
  for (const { name, assertionResults, message } of testResults) {
    if (assertionResults.length === 0) shop.tally.judge(name, message || stderr || 'it has no tests')
    for (const { fullName, status, failureMessages } of assertionResults) {
      if (status === 'passed') shop.tally.judge(fullName, null)
      else if (status === 'failed') shop.tally.judge(fullName, failureMessages.join('\n'))
      else shop.tally.skip(fullName, status)
    }
  }
  console.log(`  in ${(ms / 60_000).toFixed(1)} min`)
}
