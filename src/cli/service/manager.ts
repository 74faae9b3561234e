import { homedir } from 'node:os'
import path from 'node:path'
import { DatError } from '../../base/errors.js'
import { type Answer, ask } from './ask.js'
import { launchdPlist } from './launchd.js'
import type { ServiceSpec } from './spec.js'
import { systemdUnit } from './systemd.js'

/** What starts services of a user: systemd on Linux, launchd on macOS. */
export interface Manager {
  /** Where its files are. */
  folder: string
  /** The name of a service, made of the name of its place. */
  nameOf(place: string): string
  fileOf(name: string): string
  text(spec: ServiceSpec): string
  /** Whether it can be asked at all. */
  exists(): Promise<boolean>
  /** Has the service started with the computer, and now if `now`. */
  enable(name: string, now: boolean): Promise<Answer>
  disable(name: string): Promise<Answer>
  isActive(name: string): Promise<boolean | null>
  /** What to type where `enable` cannot reach it. */
  typed(name: string): string
}

/** The one of this computer. @throws DatError USAGE where there is none */
export function managerHere(env: NodeJS.ProcessEnv): Manager {
  if (process.platform === 'darwin') return launchd(path.join(homedir(), 'Library/LaunchAgents'))
  if (process.platform === 'linux') {
    const config = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : path.join(homedir(), '.config')
    return systemd(path.join(config, 'systemd/user'))
  }
  throw new DatError('USAGE', 'services are for systemd and launchd, and this system has neither', {
    hint: 'add --cron for a line for crontab'
  })
}

function systemd(folder: string): Manager {
  const user = (...args: string[]) => ask('systemctl', ['--user', ...args])
  return {
    folder,
    nameOf: (place) => `dat-${place}.service`,
    fileOf: (name) => path.join(folder, name),
    text: systemdUnit,
    exists: async () => (await ask('systemctl', ['--version'])).code !== null,
    enable: async (name, now) => {
      for (const args of [['daemon-reload'], ['enable', name], ...(now ? [['restart', name]] : [])]) {
        const answer = await user(...args)
        if (answer.code !== 0) return answer
      }
      return { code: 0, stdout: '', stderr: '' }
    },
    disable: (name) => user('disable', '--now', name),
    isActive: async (name) => {
      const { code, stdout } = await user('is-active', name)
      return code === null || stdout.trim() === '' ? null : stdout.trim() === 'active'
    },
    typed: (name) => `systemctl --user daemon-reload && systemctl --user enable --now ${name}`
  }
}

function launchd(folder: string): Manager {
  const domain = `gui/${process.getuid?.() ?? 0}`
  const fileOf = (name: string) => path.join(folder, `${name}.plist`)
  const disable = (name: string) => ask('launchctl', ['bootout', `${domain}/${name}`])
  return {
    folder,
    nameOf: (place) => `dat.${place}`,
    fileOf,
    text: launchdPlist,
    exists: async () => true,
    enable: async (name, now) => {
      // Files in this folder are read at login; until then nobody has to know.
      if (!now) return { code: 0, stdout: '', stderr: '' }
      await disable(name)
      return await ask('launchctl', ['bootstrap', domain, fileOf(name)])
    },
    disable,
    isActive: async (name) => (await ask('launchctl', ['print', `${domain}/${name}`])).code === 0,
    typed: (name) => `launchctl bootstrap ${domain} ${fileOf(name)}`
  }
}
