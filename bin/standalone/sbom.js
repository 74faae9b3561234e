import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { locked, PINS } from './pins.js'
import { ROOT } from './root.js'
import { TARGETS } from './targets.js'

const LIBRARIES = ['libc6', 'libstdc++6', 'libgcc-s1', 'libatomic1']

/**
 * What a build is made of, in the format CycloneDX 1.5. No date and no serial number: the same commit gives the same.
 * @param {string[]} packages the folders of the npm packages
 */
export function sbomOf(target, version, packages) {
  const { watcher, node, debian } = TARGETS[target]
  const components = [
    {
      type: 'application',
      name: 'node',
      version: PINS.node.version,
      purl: `pkg:npm/${node}@${PINS.node.version}`,
      hashes: hashesOf(PINS.node.integrity[node]),
      licenses: [{ license: { id: 'MIT' } }]
    },
    ...[...packages, `node_modules/${watcher}`].map(npmComponent),
    ...(debian ? PINS.debian.filter((pin) => isLibrary(pin, debian)).map(debianComponent) : [])
  ]
  const dat = { type: 'application', name: 'dat', version, 'bom-ref': `dat@${version}` }
  const sbom = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: dat, properties: [{ name: 'dat:target', value: target }] },
    components
  }
  return `${JSON.stringify(sbom, null, 2)}\n`
}

function isLibrary({ name, architecture }, debian) {
  return LIBRARIES.includes(name) && architecture === debian.architecture
}

function npmComponent(folder) {
  const { version, integrity, license } = locked(folder)
  const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length)
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const expression = license ?? JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')).license
  return { type: 'library', name, version, purl, hashes: hashesOf(integrity), licenses: [{ expression }] }
}

function debianComponent({ name, version, architecture, sha256 }) {
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}&distro=bookworm`
  return { type: 'library', name, version, purl, hashes: [{ alg: 'SHA-256', content: sha256 }] }
}

/** An integrity of npm as CycloneDX has it. */
function hashesOf(integrity) {
  return [{ alg: 'SHA-512', content: Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex') }]
}
