import type { HostPort, NetworkOptions } from '../transport/transport.js'

/** What the doctor is to look at. */
export interface DoctorOptions {
  /** The network as the other commands would use it. */
  network: NetworkOptions
  version: string
  /** Folder whose disk is looked at. */
  dir: string
  /** More servers to try TCP with (`--web`). */
  web: HostPort[]
  /** Proxy variables that are set, as they are. */
  proxyVariables: Record<string, string>
}

/** The proxy for a URL; null for none, `unusable` for a setting that dat cannot use: SOCKS, or no URL at all. */
export function proxyFor({ network }: DoctorOptions, url: string): URL | 'unusable' | null {
  const text = network.relayAccess?.proxyFor(url)
  if (!text) return null
  if (!URL.canParse(text)) return 'unusable'
  const proxy = new URL(text)
  try {
    decodeURIComponent(proxy.username + proxy.password)
  } catch {
    return 'unusable'
  }
  return proxy.protocol === 'http:' || proxy.protocol === 'https:' ? proxy : 'unusable'
}
