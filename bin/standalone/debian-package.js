import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { dirname, join } from 'node:path'
import { command, download, Unavailable } from './command.js'
import { cacheFolder, PINS, sha256 } from './pins.js'

/** apt of this machine, with its sources and keys, for one architecture, and without touching its state. */
export class Apt {
  #options
  #updated = false

  constructor(architecture) {
    const folder = cacheFolder(`apt-${architecture}`)
    const state = join(folder, 'state')
    mkdirSync(join(state, 'lists/partial'), { recursive: true })
    mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true })
    writeFileSync(join(state, 'status'), '')
    const settings = {
      'Dir::State': state,
      'Dir::State::status': join(state, 'status'),
      'Dir::Cache': join(folder, 'cache'),
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none'
    }
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  }

  /** The versions of a package that the mirror has, the newest first. */
  versions(name) {
    this.#update()
    const lines = command('apt-cache', [...this.#options, 'madison', name])
      .trim()
      .split('\n')
      .filter(Boolean)
    return [...new Set(lines.map((line) => line.split('|')[1].trim()))]
  }

  /** Downloads a package into a folder. apt checks it against the signed lists of its source. */
  download(name, version, folder) {
    this.#update()
    download('apt-get', [...this.#options, '-q', 'download', `${name}=${version}`], { cwd: folder })
    const file = readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith('.deb'))
    return join(folder, file)
  }

  #update() {
    if (this.#updated) return
    download('apt-get', [...this.#options, '-q', 'update'])
    this.#updated = true
  }
}

const apts = new Map()

/** apt for an architecture, always the same. */
export function aptFor(architecture) {
  if (!apts.has(architecture)) apts.set(architecture, new Apt(architecture))
  return apts.get(architecture)
}

/**
 * Fetches a pinned package of Debian, without installing it.
 * @returns {string} the folder with its files
 * @throws unless it has exactly the bytes that were pinned; says what to do when the mirror does not have them any more
 */
export function debianPackage(name, architecture) {
  const pin = PINS.debian.find((pin) => pin.name === name && [architecture, 'all'].includes(pin.architecture))
  if (!pin) throw new Error(`pins.json does not have ${name} for ${architecture}`)
  const folder = join(cacheFolder('debian'), `${name}-${architecture}-${pin.sha256.slice(0, 32)}`)
  if (existsSync(folder)) return folder
  const work = mkdtempSync(join(dirname(folder), '.new-'))
  try {
    const file = fetch(pin, architecture, work)
    const found = sha256(readFileSync(file))
    if (found !== pin.sha256) {
      throw new Error(`${name} ${pin.version} is not what was pinned: it has SHA-256 ${found} instead of ${pin.sha256}`)
    }
    command('dpkg-deb', ['-x', file, work])
    rmSync(file)
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}

function fetch({ name, version }, architecture, folder) {
  const apt = aptFor(architecture)
  const versions = apt.versions(name)
  if (versions.includes(version)) return apt.download(name, version, folder)
  const there = versions.length > 0 ? `has ${versions.join(' and ')}` : 'does not have this package'
  throw new Unavailable(
    `Debian's mirror ${there}, and ${name} ${version} (${architecture}) is pinned in bin/standalone/pins.json.\n` +
      'Move the pin with `node bin/standalone/pin.js`, as docs/packaging.md says under "Pins".'
  )
}
