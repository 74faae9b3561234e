import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.js'
import { debianPackage } from './debian-package.js'
import { npmPackage } from './npm-package.js'
import { locked, PINS } from './pins.js'
import { ROOT } from './root.js'
import { stripElf } from './strip-elf.js'
import { TARGETS } from './targets.js'
import { compileLauncher } from './windows-launcher.js'

// Of libc6 what node and its addons name, and what it loads by itself to look up names. The others are in one folder
// of each package.
const LIBRARIES = {
  libc6: [
    'libc.so.6',
    'libm.so.6',
    'libdl.so.2',
    'libpthread.so.0',
    'librt.so.1',
    'libresolv.so.2',
    'libnss_files.so.2',
    'libnss_dns.so.2'
  ],
  'libgcc-s1': ['libgcc_s.so.1'],
  'libstdc++6': ['libstdc++.so.6'],
  libatomic1: ['libatomic.so.1']
}

/** The folder of the pinned node's package for a target. */
export function nodePackage(target) {
  const name = TARGETS[target].node
  return npmPackage(name, PINS.node.version, PINS.node.integrity[name])
}

/**
 * Puts together everything that runs on one target: node, the program, on Linux the libraries, and the key that
 * releases are signed with.
 * @param {string} folder a new folder
 * @param {string | null} publicKey a file
 * @returns {Promise<string[]>} the folders of the npm packages that are in it
 */
export async function assemble(target, folder, publicKey) {
  const { watcher, debian } = TARGETS[target]
  const { version, integrity } = locked(`node_modules/${watcher}`)
  const packages = await bundle(target, join(folder, 'app'), npmPackage(watcher, version, integrity))
  const node = target.startsWith('win32') ? 'node.exe' : 'node'
  copyFileSync(join(nodePackage(target), 'bin', node), join(folder, node))
  chmodSync(join(folder, node), 0o755)
  copyFileSync(join(ROOT, 'bin/standalone/check-signature.js'), join(folder, 'check-signature.js'))
  copyFileSync(join(ROOT, 'bin/standalone/minisign.js'), join(folder, 'minisign.js'))
  copyFileSync(join(ROOT, 'bin/standalone/package.json'), join(folder, 'package.json'))
  if (publicKey) copyFileSync(publicKey, join(folder, 'release.pub'))
  if (debian) addLibraries(folder, debian)
  if (target.startsWith('win32')) compileLauncher(join(folder, 'dat.exe'))
  return packages
}

function addLibraries(folder, { architecture, triplet, loader }) {
  const lib = join(folder, 'lib')
  mkdirSync(lib)
  for (const [name, files] of Object.entries(LIBRARIES)) {
    const from = debianPackage(name, architecture)
    for (const file of name === 'libc6' ? [loader, ...files] : files) {
      const path = [`lib/${triplet}`, `usr/lib/${triplet}`].map((part) => join(from, part, file)).find(existsSync)
      if (!path) throw new Error(`${name} does not have ${file}`)
      cpSync(path, join(lib, file), { dereference: true })
      chmodSync(join(lib, file), 0o755)
    }
  }
  stripElf(join(folder, 'node'))
  const addons = join(folder, 'app/dist/cli/addons')
  for (const addon of readdirSync(addons)) stripElf(join(addons, addon))
}
