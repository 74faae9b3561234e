import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { launch } from './child.js'
import { compareTrees } from './trees.js'

/** The job with `rsync -a` over ssh on loopback, against an sshd of our own with keys that live as long as the run. */

const HOST = '127.0.0.1'
const SSHD_PATHS = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/lib/ssh/sshd']

/** Why rsync can't be measured here; null when it can. */
export function whyNoRsync() {
  const missing = ['rsync', 'ssh', 'ssh-keygen'].filter((name) => spawnSync(name, ['-V']).error)
  if (!SSHD_PATHS.some((path) => existsSync(path))) missing.push('sshd')
  return missing.length > 0 ? `${missing.join(', ')} not installed` : null
}

/**
 * Starts the sshd, on a free port of 127.0.0.1, for the current user alone.
 * @param {string} dir where keys and configuration go; made now, removed by close()
 * @returns {Promise<{ remoteShell: string, target: string, close(): Promise<void> }>}
 */
export async function openSshd(dir) {
  // Keys that an interrupted run left would make ssh-keygen ask before it overwrites them.
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  await chmod(dir, 0o700)
  const at = (name) => join(dir, name)
  for (const key of ['host_key', 'user_key']) {
    const made = spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(key)], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(`ssh-keygen failed: ${made.stderr}`)
  }
  // sshd refuses to start as root without its privilege separation folder, which distributions make at boot.
  if (process.getuid() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })

  const port = await freePort()
  await writeFile(
    at('sshd_config'),
    [
      `Port ${port}`,
      `ListenAddress ${HOST}`,
      `HostKey ${at('host_key')}`,
      `AuthorizedKeysFile ${at('user_key.pub')}`,
      'PidFile none',
      'UsePAM no',
      'StrictModes no',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      `AllowUsers ${userInfo().username}`
    ].join('\n')
  )
  const sshd = launch(
    SSHD_PATHS.find((path) => existsSync(path)),
    ['-D', '-e', '-f', at('sshd_config')]
  )
  const close = async () => {
    await sshd.kill()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await accepts(port, sshd)
  } catch (error) {
    await close()
    throw error
  }
  const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'IdentitiesOnly=yes', 'BatchMode=yes']
  const flags = options.map((option) => `-o ${option}`).join(' ')
  return {
    remoteShell: `ssh -F /dev/null -q ${flags} -i ${at('user_key')} -p ${port}`,
    target: `${userInfo().username}@${HOST}`,
    close
  }
}

/**
 * @param {{ dir: string }} data
 * @param {string} room a fresh folder
 * @param {{ remoteShell: string, target: string }} sshd
 */
export async function runRsync(data, room, sshd) {
  const copy = join(room, 'copy')
  const rsync = launch('rsync', ['-a', '-e', sshd.remoteShell, `${data.dir}/`, `${sshd.target}:${copy}/`])
  await rsync.success()
  const { differences } = await compareTrees(data.dir, copy)
  if (differences.length > 0) throw new Error(`rsync: the copy differs: ${differences.slice(0, 3).join('; ')}`)
  return { seconds: rsync.seconds, wall: rsync.seconds }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, HOST, () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Resolves once the port takes connections; sshd has no other sign of being ready. */
async function accepts(port, sshd) {
  const deadline = performance.now() + 10_000
  for (;;) {
    if (await connects(port)) return
    if (sshd.endedAt !== null) throw sshd.failure('ended at once')
    if (performance.now() > deadline) throw sshd.failure('takes no connections')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function connects(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: HOST })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
