import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { has } from './workshop.js'

const SUITES = { bullseye: 'Debian 11', bookworm: 'Debian 12' }
const QUICK = ['bullseye']
/** An ordinary user, who is not in /etc/passwd either. */
const USER = 1000

// Shares, clones and compares, as the user would; the network is a loopback of its own.
const SHARE_AND_CLONE = `set -eu
! command -v node && ! command -v npm
cd "$WORK"
mkdir data
i=0
while [ $i -lt 40 ]; do echo "file $i" >data/$i.txt; i=$((i + 1)); done
head -c 3000000 /dev/urandom >data/large.bin
mkfifo link
$DAT share data --listen 127.0.0.1:0 >link 2>share.log &
read -r url <link
$DAT clone "$url" copy
for file in data/*; do cmp "$file" "copy/$(basename "$file")"; done
kill -INT $!
wait $! || [ $? = 130 ]
echo same
`

/**
 * Systems with nothing on them, and each of what servers do to their users.
 * \`mounts\` are done in a namespace of mounts that ends with the test; ROOT is the system.
 */
const CASES = {
  plain: {},
  'env -i': { before: 'env -i WORK=$WORK DAT=$DAT DAT_BOOTSTRAP=none DAT_LAN_INTERFACE=127.0.0.1' },
  'noexec /tmp, and no home': {
    mounts: 'mount -t tmpfs -o noexec,mode=1777 none ROOT/tmp; mount -t tmpfs -o noexec,mode=1777 none ROOT/dev/shm',
    env: 'HOME=/nonexistent'
  },
  'noexec home': { mounts: 'mount -t tmpfs -o noexec,mode=0777 none ROOT/home/user', env: 'HOME=/home/user' },
  'read-only home': { mounts: 'mount --bind ROOT/home/user ROOT/home/user; mount -o remount,ro,bind ROOT/home/user' },
  'a home of 60 MB': { mounts: 'mount -t tmpfs -o size=60m,mode=0777 none ROOT/home/user', install: true },
  'the libraries of the system in LD_LIBRARY_PATH': {
    env: 'LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu'
  },
  'a library of the system in LD_PRELOAD': { env: 'LD_PRELOAD=/lib/x86_64-linux-gnu/libdl.so.2' },
  'hostile NODE_OPTIONS': { env: 'NODE_OPTIONS=--require=/nonexistent.js NODE_PATH=/nonexistent' }
}

/** Why there can be no chroot here; null when there can. */
function whyNot() {
  if (process.getuid() !== 0) return 'this needs root'
  for (const program of ['debootstrap', 'chroot', 'unshare', 'ip'])
    if (!has(program)) return `${program} is not installed`
  if (spawnSync('unshare', ['--net', '--mount', 'true']).status !== 0) return 'namespaces are not allowed here'
  return null
}

export async function chroots(shop) {
  const why = whyNot()
  for (const suite of shop.options.quick ? QUICK : Object.keys(SUITES)) {
    if (why) shop.tally.skip(SUITES[suite], why)
    else await onSystem(shop, suite)
  }
  if (why) shop.tally.skip('nothing but busybox', why)
  else await onBusybox(shop)
}

async function onSystem(shop, suite) {
  const root = join(await shop.room(suite), 'root')
  const made = await freshSystem(shop, suite, root)
  if (made.code !== 0) return shop.tally.skip(SUITES[suite], `debootstrap: ${made.stdout.trim().split('\n').at(-1)}`)
  await runCases(shop, root, SUITES[suite], CASES)
}

/** A system that has no C library at all: one static program for everything. */
async function onBusybox(shop) {
  if (!has('busybox')) return shop.tally.skip('nothing but busybox', 'busybox is not installed')
  const root = join(await shop.room('busybox'), 'root')
  const script = `mkdir -p "$1/bin" "$1/dev/shm" "$1/proc" "$1/tmp" "$1/var/tmp" "$1/home" "$1/usr" "$1/opt"
    cp "$(command -v busybox)" "$1/bin/busybox" && ln -s ../bin "$1/usr/bin" && chroot "$1" /bin/busybox --install -s /bin
    mknod -m 666 "$1/dev/null" c 1 3 && mknod -m 666 "$1/dev/urandom" c 1 9`
  const made = await shop.run('sh', ['-ec', script, 'sh', root])
  // One that is linked to a C library does not start there.
  if (made.code !== 0) return shop.tally.skip('nothing but busybox', made.stderr.trim())
  await runCases(shop, root, 'nothing but busybox', { plain: CASES.plain, 'env -i': CASES['env -i'] })
}

async function runCases(shop, root, system, cases) {
  await chmod(root, 0o755)
  await mkdir(join(root, 'home/user'))
  await mkdir(join(root, 'opt/dat'))
  await copyFile(await shop.file('linux-x64'), join(root, 'opt/dat/dat'))
  await copyFile(await shop.file('linux-x64'), join(root, 'opt/dat/dat-alone'))
  await writeFile(join(root, 'opt/test.sh'), SHARE_AND_CLONE)
  await shop.run('chown', [`${USER}`, join(root, 'home/user')])
  await shop.run('chmod', ['1777', join(root, 'tmp'), join(root, 'var/tmp')])
  const alone = ['--net', '--mount', '--pid', '--fork', '--kill-child']
  for (const [name, how] of Object.entries(cases)) {
    const { code, stdout, stderr } = await shop.run('unshare', [...alone, 'sh', '-c', script(root, how)])
    const good = code === 0 && stdout.trim().endsWith('same')
    const where = /unpacking into (.*)/.exec(stderr)?.[1]
    const detail = where ? `unpacked into ${where}` : ''
    shop.tally.judge(`${system}, ${name}`, good ? null : `${code}: ${stdout}${stderr}`, detail)
  }
  await rm(root, { recursive: true, force: true })
}

/** A system as it is after its installation; with `--systems` a copy of one that was kept. */
async function freshSystem(shop, suite, root) {
  const kept = shop.options.systems && join(shop.options.systems, suite)
  if (!kept) return shop.run('debootstrap', ['--variant=minbase', suite, root], { limit: 500_000 })
  if (!existsSync(kept)) {
    await mkdir(shop.options.systems, { recursive: true })
    const made = await shop.run('debootstrap', ['--variant=minbase', suite, `${kept}.new`], { limit: 500_000 })
    if (made.code !== 0) return made
    await rename(`${kept}.new`, kept)
  }
  return shop.run('cp', ['-a', kept, root])
}

/** Goes into the system as the user. What was unpacked before is gone. */
function script(root, { mounts = 'true', env = 'true=', before = '', install = false }) {
  const inside = [
    '[ -n "$HOME" ] || HOME=/home/user; export HOME WORK=$(mktemp -d /var/tmp/work.XXXXXX) DAT=/opt/dat/dat',
    'export DAT_BOOTSTRAP=none DAT_LAN_INTERFACE=127.0.0.1 PATH=/usr/bin:/bin',
    install ? 'sh /opt/dat/dat-alone --install --no-path >/dev/null; DAT=$HOME/.local/bin/dat' : 'true',
    'cd /',
    `${before} sh /opt/test.sh`
  ]
  return `set -e
ip link set lo up
mount -t proc none ${root}/proc
mount -t tmpfs -o mode=1777 none ${root}/var/tmp
mount -t tmpfs -o mode=1777 none ${root}/dev/shm
rm -rf ${root}/home/user/.local ${root}/home/user/.cache ${root}/tmp/dat-runtime-*
${mounts.replaceAll('ROOT', root)}
unset HOME
exec chroot --userspec=${USER}:${USER} ${root} /usr/bin/env -u NODE_OPTIONS ${env} /bin/sh -ec '${inside.join('; ')}'
`
}
