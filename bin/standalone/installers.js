import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readPublicKey } from './minisign.js'
import { sha256 } from './pins.js'
import { ROOT } from './root.js'

/**
 * Writes install.sh and install.ps1. They carry the checksums of the files that they install, so that it does not matter
 * where these come from.
 */
export function installers({ out, version, targets, baseUrl, publicKey }) {
  if (!/^(https?:\/\/[A-Za-z0-9._~:/[\]%-]+)?$/.test(baseUrl)) throw new Error(`${baseUrl} is no URL for an installer`)
  const files = targets.map((target) => `dat-${version}-${target}${target.startsWith('win32') ? '.zip' : ''}`)
  const sums = files.map((file) => `${sha256(readFileSync(join(out, file)))}  ${file}`).join('\n')
  const values = { VERSION: version, BASE_URL: baseUrl.replace(/\/$/, ''), SUMS: sums, PUBLIC_KEY: keyLine(publicKey) }
  for (const name of ['install.sh', 'install.ps1']) {
    const text = readFileSync(join(ROOT, 'bin/standalone', name), 'utf8')
    writeFileSync(
      join(out, name),
      text.replace(/@([A-Z_]+)@/g, (_place, key) => values[key])
    )
  }
  chmodSync(join(out, 'install.sh'), 0o755)
}

/** The line of a public key that counts; empty without one. */
function keyLine(file) {
  if (!file || !existsSync(file)) return ''
  const text = readFileSync(file, 'utf8')
  readPublicKey(text)
  return text.trim().split(/\r?\n/).at(-1)
}
