import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aptFor } from './debian-package.js'
import { downloadNpm } from './npm-package.js'
import { cacheFolder, integrityOf, PINS, PINS_FILE, sha256 } from './pins.js'
import { PRIVATE_LIBRARIES, TARGETS, TOOLCHAIN } from './targets.js'

/** Writes pins.json anew: the newest versions that Debian's mirror has, and the node that is named or was pinned. */

function pinNode(version, work) {
  const names = Object.values(TARGETS).map(({ node }) => node)
  const integrity = names.map((name) => [name, integrityOf(readFileSync(downloadNpm(name, version, work)))])
  return { version, integrity: Object.fromEntries(integrity) }
}

function pinDebian(name, architecture, work) {
  const apt = aptFor(architecture)
  const [version] = apt.versions(name)
  if (!version) throw new Error(`Debian's mirror does not have ${name} for ${architecture}`)
  const file = apt.download(name, version, work)
  const pin = { name, version, architecture, sha256: sha256(readFileSync(file)) }
  rmSync(file)
  return pin
}

const work = mkdtempSync(join(cacheFolder('pin'), 'new-'))
try {
  const version = process.argv[2] ?? PINS?.node.version
  if (!version) throw new Error('usage: node bin/standalone/pin.js <version of node>')
  const architectures = Object.values(TARGETS).flatMap(({ debian }) => debian?.architecture ?? [])
  const libraries = architectures.flatMap((each) => PRIVATE_LIBRARIES.map((name) => pinDebian(name, each, work)))
  const tools = TOOLCHAIN.map((name) => pinDebian(name, 'amd64', work))
  const pins = { node: pinNode(version, work), debian: [...libraries, ...tools] }
  writeFileSync(PINS_FILE, `${JSON.stringify(pins, null, 2)}\n`)
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exitCode = 1
} finally {
  rmSync(work, { recursive: true, force: true })
}
