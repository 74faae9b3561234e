import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { command, download } from './command.js'
import { cacheFolder, integrityOf } from './pins.js'
import { ROOT } from './root.js'

/**
 * Fetches a package from wherever npm is set up to look, without running anything of it.
 * @param {string} integrity as in package-lock.json
 * @returns {string} the folder with its content
 * @throws unless it has exactly the bytes that were pinned
 */
export function npmPackage(name, version, integrity) {
  const folder = join(cacheFolder('npm'), `${name.replace('/', '+')}-${integrityName(integrity)}`)
  if (existsSync(folder)) return join(folder, 'package')
  const work = mkdtempSync(join(dirname(folder), '.new-'))
  try {
    const file = downloadNpm(name, version, work)
    const found = integrityOf(readFileSync(file))
    if (found !== integrity) {
      throw new Error(`${name}@${version} is not what was pinned: it has ${found} instead of ${integrity}`)
    }
    command('tar', ['-xzf', file, '-C', work, '--no-same-owner'])
    rmSync(file)
    renameSync(work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return join(folder, 'package')
}

/** Fetches the file of a package, unchecked, into a folder. */
export function downloadNpm(name, version, folder) {
  const args = ['pack', `${name}@${version}`, '--pack-destination', folder, '--json', '--ignore-scripts']
  const [{ filename }] = JSON.parse(download('npm', args, { cwd: ROOT }))
  return join(folder, filename)
}

function integrityName(integrity) {
  return Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex').slice(0, 32)
}
