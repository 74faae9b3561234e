import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { defer } from './cleanup.js'

/** Mounts, says so, and waits for whoever started it to go: the other end of its input closes with that process. */
const KEEPER = `
dir=$1; shift
mount "$@" "$dir" || exit
echo mounted
cat >/dev/null
umount "$dir" || umount --lazy "$dir"
`

/**
 * Mounts something in a folder until the test is over, or this process, in whatever way: also by kill -9, after which
 * nothing here could unmount it.
 * @param args of mount(8), without the folder
 */
export async function mountFor(dir: string, args: readonly string[]): Promise<void> {
  // A session of its own: a Ctrl-C for the tests is not meant for it.
  const keeper = spawn('sh', ['-c', KEEPER, 'sh', dir, ...args], { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  const ended = once(keeper, 'close')
  let complaint = ''
  keeper.stderr.setEncoding('utf8').on('data', (text) => {
    complaint += text
  })
  const mounted = once(keeper.stdout, 'data').then(() => true)
  if (!(await Promise.race([mounted, ended.then(() => false)]))) throw new Error(`cannot mount: ${complaint}`)
  defer(async () => {
    keeper.stdin.end()
    await ended
  })
}
