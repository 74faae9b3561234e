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

/** The proxy for a URL; null for none. */
export function proxyFor({ network }: DoctorOptions, url: string): string | null {
  return network.relayAccess?.proxyFor(url) || null
}
