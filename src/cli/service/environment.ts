import { environmentFor } from '../background/own-command.js'

const PLAIN = ['DAT_BOOTSTRAP', 'DAT_RELAY', 'DAT_LAN_INTERFACE', 'DAT_RUNTIME_DIR', 'NODE_EXTRA_CA_CERTS', 'NO_PROXY']
const PROXIES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']

/** What a service needs of the environment in which it was made: it gets none by itself. */
export interface ServiceEnvironment {
  kept: Record<string, string>
  /** Names of variables that hold a password, which is not written into a service. */
  withheld: string[]
}

export function serviceEnvironment(env: NodeJS.ProcessEnv, home: string | null, cwd: string): ServiceEnvironment {
  const absolute = environmentFor(home, cwd, env)
  const names = [...PLAIN, ...PROXIES, ...[...PROXIES, 'NO_PROXY'].map((name) => name.toLowerCase())]
  const kept: Record<string, string> = {}
  const withheld: string[] = []
  // Where the user's folder is somewhere else than usual, the service must not look in the usual place.
  if (home !== null && (env.DAT_HOME || env.XDG_DATA_HOME)) kept.DAT_HOME = home
  for (const name of names) {
    const value = absolute[name]
    if (!value) continue
    if (/proxy$/i.test(name) && !/^no_/i.test(name) && value.includes('@')) withheld.push(name)
    else kept[name] = value
  }
  return { kept, withheld }
}
