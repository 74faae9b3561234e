import { DatError } from '../../base/errors.js'
import { type InstalledService, listInstalled } from '../service/installed.js'
import { managerHere } from '../service/manager.js'

/**
 * `dat uninstall`. Where an installer of ours put dat, what starts it does this before it gets here
 * (bin/standalone/launcher.sh): whoever has no room left to unpack a program must be able to remove it.
 * @throws DatError USAGE always
 */
export async function uninstall(platform: NodeJS.Platform): Promise<never> {
  const services = await installed()
  const first =
    services.length === 0 ? '' : `first \`dat service remove --all\` (${services.map(({ name }) => name)}), then `
  const hint = `${first}if npm installed it: npm rm -g dat`
  throw new DatError('USAGE', 'this dat cannot remove itself', {
    hint: platform === 'win32' ? `${hint}; if install.ps1 did: install.ps1 -Uninstall` : hint
  })
}

async function installed(): Promise<InstalledService[]> {
  try {
    return await listInstalled(managerHere(process.env))
  } catch {
    return []
  }
}
