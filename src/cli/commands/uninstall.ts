import { DatError } from '../../base/errors.js'

/**
 * `dat uninstall`. Where an installer of ours put dat, what starts it does this before it gets here
 * (bin/standalone/launcher.sh): whoever has no room left to unpack a program must be able to remove it.
 * @throws DatError USAGE always
 */
export function uninstall(platform: NodeJS.Platform): never {
  const hint = 'if npm installed it: npm rm -g dat'
  throw new DatError('USAGE', 'this dat cannot remove itself', {
    hint: platform === 'win32' ? `${hint}; if install.ps1 did: install.ps1 -Uninstall` : hint
  })
}
