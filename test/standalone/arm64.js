import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { has } from './workshop.js'

const QEMU = ['qemu-aarch64-static', 'qemu-aarch64']

/** Unpacks the build and runs its program in an emulated processor: a share, cloned by the build for this one. */
export async function arm64(shop) {
  const qemu = QEMU.find(has)
  if (!qemu) return shop.tally.skip('linux-arm64', 'qemu-user is not installed')
  const { env, home } = await shop.home()
  const unpacked = join(home, 'arm64')
  await mkdir(unpacked)
  const file = await shop.file('linux-arm64')
  await shop.run('sh', [
    '-c',
    'tail -c +"$(sed -n "s/^OFFSET=\\([0-9]*\\).*/\\1/p;20q" "$1")" "$1" | gzip -dc | tar -xf - -C "$2"',
    'sh',
    file,
    unpacked
  ])
  const program = [
    join(unpacked, 'lib/ld-linux-aarch64.so.1'),
    '--library-path',
    join(unpacked, 'lib'),
    '--argv0',
    'dat',
    join(unpacked, 'node'),
    join(unpacked, 'app/bin/dat.js')
  ]
  const version = await shop.run(qemu, [...program, '--version'], { env })
  shop.tally.judge('linux-arm64 --version', version.code === 0 ? null : version.stderr, version.stdout.trim())
  await writeFile(join(home, 'data/large.bin'), Buffer.alloc(3_000_000, 'arm64'))
  const share = shop.start(qemu, [...program, 'share', 'data', '--listen', '127.0.0.1:0'], {
    env,
    cwd: home,
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const link = await new Promise((resolve) => {
    share.stdout.setEncoding('utf8').once('data', (text) => resolve(text.split('\n')[0]))
    share.once('close', () => resolve(''))
  })
  const clone = await shop.run(await shop.file('linux-x64'), ['clone', link, 'copy'], {
    env,
    cwd: home,
    limit: 120_000
  })
  share.kill('SIGINT')
  const same = await shop.run('sh', ['-c', 'for f in data/*; do cmp "$f" "copy/$(basename "$f")" || exit 1; done'], {
    cwd: home
  })
  shop.tally.judge(
    'linux-arm64 shares, linux-x64 clones',
    clone.code === 0 && same.code === 0 ? null : `${clone.stderr}${same.stderr}`
  )
  shop.tally.skip(
    'the script of linux-arm64',
    'it is that of linux-x64; on an emulated processor its shell would not be'
  )
}
