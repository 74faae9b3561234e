import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dat } from '../bench/dat.js'
import { compareTrees } from '../bench/trees.js'
import { makeSample } from './sample.js'

/**
 * dat in half a minute: makes a sample folder, shares it in one process, clones it in another, and compares every
 * byte. Nothing leaves this computer: the two processes find each other over the local network, bound to loopback.
 */

const SHOWN_DIFFERENCES = 10
const LIMIT_SECONDS = 300

const say = (text) => console.log(text)
const amount = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`

async function demo(room) {
  const folder = join(room, 'air-quality')
  const copy = join(room, 'copy')
  say('1. Making a sample folder: tables in nested folders, a large recording, and some odd files.')
  await makeSample(folder)

  say('2. Sharing it:   dat share air-quality')
  const share = dat(['share', folder], room)
  try {
    const { link, key, at } = await share.event('link', 30)
    const took = ((at - share.startedAt) / 1000).toFixed(1)
    say(`   The link was there after ${took} s: ${link.replace(key, `${key.slice(0, 6)}…`)}`)
    say('   (Shortened here. Who has the whole link can read the folder.)')

    say('3. Cloning it:   dat clone <link> copy')
    const clone = dat(['clone', link, copy], room)
    const done = clone.event('done', LIMIT_SECONDS)
    done.catch(() => {})
    await clone.success(LIMIT_SECONDS)
    const { files, downloadedBytes } = await done
    const route = clone.events.find(({ type }) => type === 'peer.connected')?.route ?? 'unknown'
    say(
      `   ${files} files, ${amount(downloadedBytes)} in ${clone.seconds.toFixed(1)} s` +
        ` (${amount(downloadedBytes / clone.seconds)}/s), encrypted, straight from the other process (route: ${route}).`
    )

    say('4. Comparing every byte, link, time and executable bit.')
    const found = await compareTrees(folder, copy, { times: true })
    const { code } = await share.interrupt()
    if (code !== 0 && code !== 130) throw share.failure('did not end cleanly')
    return found
  } finally {
    await share.kill()
  }
}

const room = await mkdtemp(join(tmpdir(), 'dat-demo-'))
try {
  const { files, links, folders, bytes, differences } = await demo(room)
  for (const difference of differences.slice(0, SHOWN_DIFFERENCES)) say(`   ${difference}`)
  if (differences.length > 0) throw new Error(`${differences.length} differences between the folder and its clone`)
  say(`   The same: ${files} files, ${folders} folders, ${links} link, ${amount(bytes)}.`)
  say('Done. Everything the demo made is removed again.')
} catch (error) {
  say(`The demo failed: ${error.message}`)
  process.exitCode = 1
} finally {
  await rm(room, { recursive: true, force: true })
}
