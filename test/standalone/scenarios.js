import { arm64 } from './arm64.js'
import { chroots } from './chroots.js'
import { endToEnd } from './end-to-end.js'
import { figures } from './figures.js'
import { installing } from './installing.js'
import { reproducible } from './reproducible.js'
import { signing } from './signing.js'
import { windows } from './windows.js'

/** @type {Record<string, { title: string, quick: boolean, targets?: string[], run(shop): Promise<void> }>} */
export const SCENARIOS = {
  figures: { title: 'size, and time to start', quick: true, run: figures },
  install: { title: 'install, upgrade, uninstall', quick: true, run: installing },
  signature: { title: 'who released it', quick: true, run: signing },
  systems: { title: 'systems without anything', quick: true, run: chroots },
  e2e: { title: 'the end-to-end tests with the standalone build', quick: true, run: endToEnd },
  reproducible: { title: 'the same commit, the same bytes', quick: false, run: reproducible },
  arm64: { title: 'linux-arm64 under qemu-user', quick: false, targets: ['linux-arm64'], run: arm64 },
  windows: { title: 'win32-x64 under wine', quick: false, targets: ['win32-x64'], run: windows }
}
