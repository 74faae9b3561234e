import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { command, Unavailable } from './command.js'
import { installers } from './installers.js'
import { licencesOf, licenceText } from './licences.js'
import { cacheFolder, PINS, sha256 } from './pins.js'
import { ROOT } from './root.js'
import { assemble, nodePackage } from './runtime.js'
import { sbomOf } from './sbom.js'
import { TARGETS } from './targets.js'

const HELP = `usage: npm run standalone [-- <target>…] [-- <options>]

Builds files that run without Node or anything else installed, with installers, checksums, licences and lists of what
is in them. Targets (default: all): ${Object.keys(TARGETS).join(', ')}.

  --out DIR          where to (default: release); what an earlier build left there is removed
  --base-url URL     where the files will be published, for the installers; without it they have to be told
  --public-key FILE  the key, in minisign's format, that the release will be signed with
                     (default: bin/standalone/release.pub, if there is one)

Needs Linux on x64 or arm64, npm, and apt of Debian 12. docs/packaging.md has the rest.
`

const OWN_KEY = join(ROOT, 'bin/standalone/release.pub')

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: join(ROOT, 'release') },
      'base-url': { type: 'string', default: '' },
      'public-key': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  for (const name of positionals) if (!(name in TARGETS)) throw new Error(`there is no target ${name}`)
  const targets =
    positionals.length > 0 ? Object.keys(TARGETS).filter((name) => positionals.includes(name)) : Object.keys(TARGETS)
  const publicKey = values['public-key'] ?? (existsSync(OWN_KEY) ? OWN_KEY : null)
  return { targets, out: resolve(values.out), baseUrl: values['base-url'], publicKey, help: values.help }
}

/** The time that all files in a build get, in seconds: that of the commit. */
function commitTime() {
  if (process.env.SOURCE_DATE_EPOCH) return Number(process.env.SOURCE_DATE_EPOCH)
  return existsSync(join(ROOT, '.git')) ? Number(command('git', ['log', '-1', '--format=%ct'], { cwd: ROOT })) : 0
}

/** An empty folder. Only what a build left there is removed. */
function prepare(out) {
  const names = existsSync(out) ? readdirSync(out) : []
  if (names.length > 0 && !names.includes('SHA256SUMS')) throw new Error(`${out} has something else in it`)
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out, { recursive: true })
  // Marks the folder as ours, should the build not come to its end.
  writeFileSync(join(out, 'SHA256SUMS'), '')
}

function compress(...args) {
  const node = join(nodePackage(`linux-${process.arch}`), 'bin/node')
  command(node, [join(ROOT, 'bin/standalone/compress.js'), ...args])
}

/** Makes the file that people download, of an assembled folder. */
function pack(target, folder, { out, version, time }) {
  const name = `dat-${version}-${target}`
  if (target.startsWith('win32')) return compress('zip', folder, name, join(out, `${name}.zip`))
  const tar = `${folder}.tar`
  const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=a+rX,u+w,go-w', '--format=ustar']
  command('tar', [...same, `--mtime=@${time}`, '-C', folder, '-cf', tar, '.'])
  compress('gzip', tar, `${tar}.gz`)
  const payload = readFileSync(`${tar}.gz`)
  const file = join(out, name)
  writeFileSync(file, Buffer.concat([header(target, version, folder, payload), payload]))
  chmodSync(file, 0o755)
  rmSync(tar)
  rmSync(`${tar}.gz`)
}

/** The script at the beginning of a file that unpacks itself. */
function header(target, version, folder, payload) {
  const sum = sha256(payload)
  const values = {
    VERSION: version,
    TARGET: target,
    ID: `${version}-${target}-${sum.slice(0, 8)}`,
    SUM: sum,
    NEEDED: neededKib(folder),
    LOADER: TARGETS[target].debian?.loader ?? ''
  }
  const script = fill(readFileSync(join(ROOT, 'bin/standalone/launcher.sh'), 'utf8'), values)
  // The number of its own bytes changes with the digits of that number.
  for (let length = script.length - '@OFFSET@'.length; ; length++) {
    const whole = Buffer.from(fill(script, { OFFSET: length + 1 }))
    if (whole.length === length) return whole
  }
}

/** Room for the files of a folder, in blocks of 4 KiB. */
function neededKib(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  return files.reduce(
    (sum, { parentPath, name }) => sum + Math.ceil(statSync(join(parentPath, name)).size / 4096) * 4,
    0
  )
}

/** Puts values in the places `@NAME@` of a text. */
export function fill(text, values) {
  return text.replace(/@([A-Z_]+)@/g, (place, name) => (name in values ? String(values[name]) : place))
}

async function build(target, work, settings, licences) {
  const { out, version, publicKey } = settings
  const started = performance.now()
  const folder = join(work, target)
  mkdirSync(folder)
  const packages = await assemble(target, folder, publicKey)
  const texts = licencesOf(target, packages)
  for (const [title, text] of texts) licences.set(title, text)
  writeFileSync(join(folder, 'LICENSES.txt'), licenceText(texts))
  const sbom = sbomOf(target, version, packages)
  writeFileSync(join(folder, 'sbom.cdx.json'), sbom)
  writeFileSync(join(out, `dat-${version}-${target}.cdx.json`), sbom)
  pack(target, folder, settings)
  rmSync(folder, { recursive: true })
  console.log(`${target}: ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Writes the checksums, in the format of sha256sum. */
function writeSums(out) {
  const names = readdirSync(out).filter((name) => name !== 'SHA256SUMS')
  const lines = names.sort().map((name) => {
    const sum = createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex')
    return `${sum}  ${name}\n`
  })
  writeFileSync(join(out, 'SHA256SUMS'), lines.join(''))
}

async function main() {
  const chosen = options()
  if (chosen.help) return console.log(HELP)
  if (process.platform !== 'linux') throw new Error('this needs Linux')
  if (!PINS) throw new Error('bin/standalone/pins.json is missing: `node bin/standalone/pin.js` writes it')
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const settings = { ...chosen, version, time: commitTime() }
  prepare(chosen.out)
  const work = mkdtempSync(join(cacheFolder('build'), 'new-'))
  try {
    const licences = new Map()
    for (const target of chosen.targets) await build(target, work, settings, licences)
    writeFileSync(join(chosen.out, 'LICENSES.txt'), licenceText(licences))
    installers(settings)
    writeSums(chosen.out)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  for (const name of readdirSync(chosen.out).sort()) {
    console.log(`${(statSync(join(chosen.out, name)).size / 1e6).toFixed(1).padStart(6)} MB  ${name}`)
  }
  console.log(
    `in ${chosen.out}${chosen.publicKey ? '; sign SHA256SUMS (docs/packaging.md)' : '; without a key to sign with'}`
  )
}

try {
  await main()
} catch (error) {
  console.error(`error: ${error.message}`)
  process.exitCode = error instanceof Unavailable ? 3 : 1
}
