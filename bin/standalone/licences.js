import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { debianPackage } from './debian-package.js'
import { PINS } from './pins.js'
import { ROOT } from './root.js'
import { nodePackage } from './runtime.js'
import { PRIVATE_LIBRARIES, TARGETS } from './targets.js'

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i

/**
 * The licences of everything that a build for a target has in it.
 * @param {string[]} packages the folders of the npm packages
 * @returns {Map<string, string>} what → text
 */
export function licencesOf(target, packages) {
  const texts = new Map([['dat', readFileSync(join(ROOT, 'LICENSE'), 'utf8')]])
  // The package of node for Windows does not have it; it is the same for all.
  texts.set(`Node.js ${PINS.node.version}`, readFileSync(join(nodePackage('linux-x64'), 'LICENSE'), 'utf8'))
  for (const folder of packages) texts.set(...licenceOfPackage(folder))
  const { debian } = TARGETS[target]
  if (debian) for (const [name, text] of licencesOfDebian(debian.architecture)) texts.set(name, text)
  return texts
}

function licenceOfPackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))
  const files = readdirSync(join(ROOT, folder)).filter((file) => LICENCE_FILE.test(file))
  const texts = files.sort().map((file) => readFileSync(join(ROOT, folder, file), 'utf8'))
  if (texts.length > 0) return [`${name} ${version}`, texts.join('\n')]
  if (!license) throw new Error(`${folder} says nothing of its licence`)
  return [`${name} ${version}`, `Licence: ${license}. The package has no text of it.\n`]
}

function* licencesOfDebian(architecture) {
  const mentioned = new Set()
  for (const name of PRIVATE_LIBRARIES) {
    const path = join(debianPackage(name, architecture), 'usr/share/doc', name, 'copyright')
    const pin = PINS.debian.find((pin) => pin.name === name && pin.architecture === architecture)
    // libgcc-s1, libstdc++6 and libatomic1 link to that of gcc-12-base; base-files gives nothing but licences.
    if (!existsSync(path) || name === 'base-files') continue
    const text = readFileSync(path, 'utf8')
    const title = name === 'gcc-12-base' ? 'libgcc-s1, libstdc++6, libatomic1' : name
    yield [`${title} ${pin.version} of Debian 12, unmodified (its source: apt-get source)`, text]
    for (const [, file] of text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9.-]*[A-Za-z0-9])/g))
      mentioned.add(file)
  }
  const common = join(debianPackage('base-files', architecture), 'usr/share/common-licenses')
  for (const file of [...mentioned].sort()) yield [file, readFileSync(join(common, file), 'utf8')]
}

/** One text of them all. */
export function licenceText(texts) {
  const line = '='.repeat(100)
  return [...texts].map(([title, text]) => `${line}\n${title}\n${line}\n\n${text.trim()}\n`).join('\n')
}
