import { once } from 'node:events'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serveFolder } from './server.js'

const MAX_BYTES = 50e6
const MAX_FIRST_START_MS = 2000
const MAX_START_MS = 80
const MAX_TO_SHARE_MS = 10_000
const ROUNDS = 9

/** What the build was meant to reach, measured; and that all that belongs to a release is there. */
export async function figures(shop) {
  const { tally } = shop
  const file = await shop.file('linux-x64')
  const { size } = await stat(file)
  tally.judge('size of linux-x64', size < MAX_BYTES ? null : 'too large', `${(size / 1e6).toFixed(1)} MB`)
  await complete(shop)

  const { env } = await shop.home()
  const first = await shop.run(file, ['--version'], { env })
  tally.judge(
    '--version',
    first.code === 0 && /^\d+\.\d+\.\d+\n$/.test(first.stdout) ? null : first.stderr || first.stdout
  )
  tally.goal('first start', first.ms < MAX_FIRST_START_MS ? null : 'too slow', `${Math.round(first.ms)} ms`)

  const times = { dat: [], node: [] }
  for (let round = 0; round < ROUNDS; round++) {
    times.node.push((await shop.run(process.execPath, ['-e', '0'], { env })).ms)
    times.dat.push((await shop.run(file, ['--version'], { env })).ms)
  }
  const [dat, node] = [median(times.dat), median(times.node)]
  const detail = `${Math.round(dat)} ms, \`node -e 0\` ${Math.round(node)} ms (medians of ${ROUNDS})`
  tally.goal('later starts', dat - node < MAX_START_MS ? null : 'too slow', detail)

  const ms = await fromNothingToShare(shop)
  tally.goal('from curl to a running share', ms < MAX_TO_SHARE_MS ? null : 'too slow', `${(ms / 1000).toFixed(1)} s`)
}

async function complete(shop) {
  const { release, tally } = shop
  const names = await readdir(release)
  const expected = ['install.sh', 'install.ps1', 'LICENSES.txt', 'SHA256SUMS']
  const missing = expected.filter((name) => !names.includes(name))
  const sums = await shop.run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: release })
  const listed = await readFile(join(release, 'SHA256SUMS'), 'utf8')
  const unlisted = names.filter((name) => !name.startsWith('SHA256SUMS') && !listed.includes(`  ${name}\n`))
  const wrong = [...missing.map((name) => `no ${name}`), ...unlisted.map((name) => `no checksum of ${name}`)]
  if (sums.code !== 0) wrong.push(sums.stdout)
  tally.judge('a complete release', wrong.length === 0 ? null : wrong.join(', '))
  const sbom = JSON.parse(
    await readFile(
      join(
        release,
        names.find((name) => name.endsWith('linux-x64.cdx.json'))
      ),
      'utf8'
    )
  )
  const unsure = sbom.components.filter(({ hashes, version }) => !version || !hashes?.[0]?.content)
  tally.judge(
    'every part is named with its hash',
    unsure.length === 0 ? null : JSON.stringify(unsure),
    `${sbom.components.length} parts`
  )
}

/** The one command that a person types, until the link is printed. */
async function fromNothingToShare(shop) {
  const server = await serveFolder(shop.release)
  const { env, home } = await shop.home()
  const line = `curl -fsSL ${server.url}/install.sh | sh && exec .local/bin/dat share data`
  const started = performance.now()
  const child = shop.start('sh', ['-c', line], {
    cwd: home,
    env: { ...env, DAT_BASE_URL: server.url },
    stdio: ['ignore', 'pipe', 'ignore']
  })
  try {
    for await (const text of createInterface({ input: child.stdout }))
      if (text.startsWith('dat://')) return performance.now() - started
    throw new Error('it ended without a link')
  } finally {
    child.kill('SIGINT')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    await server.close()
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
