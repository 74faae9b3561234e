import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'

/** Why network namespaces cannot be had here; null when they can. */
export const NO_NAMESPACES = ((): string | null => {
  if (process.platform !== 'linux') return 'network namespaces exist on Linux only'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  try {
    execFileSync('ip', ['netns', 'list'], { stdio: 'ignore' })
    return null
  } catch {
    return 'there is no `ip netns`'
  }
})()

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' })
}

/** Two computers joined by one cable, with no way out of the machine. They have IPv6 addresses of that link only. */
export class Cable {
  readonly ends: readonly [string, string]

  private constructor(ends: readonly [string, string]) {
    this.ends = ends
  }

  static async open(): Promise<Cable> {
    const id = `dat${process.pid}`
    const cable = new Cable([`${id}a`, `${id}b`])
    const [a, b] = cable.ends
    try {
      for (const name of cable.ends) ip('netns', 'add', name)
      ip('link', 'add', a, 'netns', a, 'type', 'veth', 'peer', 'name', b, 'netns', b)
      for (const name of cable.ends) {
        ip('-n', name, 'link', 'set', 'lo', 'up')
        ip('-n', name, 'link', 'set', name, 'up')
      }
      // Until an address is known to be the only one it cannot be used.
      const ready = () => cable.ends.every((name) => /inet6 fe80/.test(ip('-n', name, 'addr', 'show', '-tentative')))
      for (let i = 0; i < 100 && !ready(); i++) await new Promise((resolve) => setTimeout(resolve, 100))
      return cable
    } catch (error) {
      cable.close()
      throw error
    }
  }

  /** The first computer believes in a way out, and in a name server; both swallow everything. */
  promiseInternet(): void {
    const [a, b] = this.ends
    ip('-n', a, 'addr', 'add', '10.77.0.1/24', 'dev', a)
    ip('-n', b, 'addr', 'add', '10.77.0.2/24', 'dev', b)
    ip('-n', a, 'route', 'add', 'default', 'via', '10.77.0.2')
    mkdirSync(`/etc/netns/${a}`, { recursive: true })
    writeFileSync(`/etc/netns/${a}/resolv.conf`, 'nameserver 10.99.99.99\n')
  }

  close(): void {
    for (const name of this.ends) {
      try {
        ip('netns', 'del', name)
      } catch {
        // It was never made.
      }
      rmSync(`/etc/netns/${name}`, { recursive: true, force: true })
    }
  }
}
