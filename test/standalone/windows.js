import { existsSync, openSync } from 'node:fs'
import { readFile, watch, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { has } from './workshop.js'

const SHARE = ['share', 'data', '--listen', '127.0.0.1:0', '--json']
const WINE = ['wine64', '/usr/lib/wine/wine64', 'wine']

/** dat.exe as far as wine goes. */
export async function windows(shop) {
  const wine = WINE.find((program) => (program.startsWith('/') ? existsSync(program) : has(program)))
  if (!wine) return shop.tally.skip('win32-x64', 'wine is not installed')
  if (!has('unzip')) return shop.tally.skip('win32-x64', 'unzip is not installed')
  const { env: mine, home } = await shop.home()
  const env = { ...mine, WINEPREFIX: join(home, 'wine'), WINEDEBUG: '-all', DISPLAY: '' }
  const file = `${await shop.file('win32-x64')}.zip`
  const unzipped = await shop.run('unzip', ['-q', file, '-d', home])
  shop.tally.judge('the ZIP file', unzipped.code === 0 ? null : unzipped.stderr)
  const exe = join(home, file.slice(file.lastIndexOf('/') + 1, -'.zip'.length), 'dat.exe')
  // As which version wine shows itself: node refuses Windows 7, Debian's default.
  await shop.run(wine, ['reg', 'add', 'HKCU\\Software\\Wine', '/v', 'Version', '/d', 'win10', '/f'], {
    env,
    limit: 120_000
  })
  const hostile = { ...env, NODE_OPTIONS: '--require=nonexistent.js' }
  const version = await run(shop, [wine, exe, '--version'], home, hostile)
  shop.tally.judge(
    'dat.exe --version',
    version.code === 0 ? null : `${version.code}: ${version.text}`,
    version.text.trim()
  )
  const name = 'no "command" & nothing'
  const odd = await run(shop, [wine, exe, name, '--json'], home, env)
  const error = odd.text.split('\n').find((line) => line.startsWith('{'))
  const arrived = error !== undefined && JSON.parse(error).message.includes(name)
  shop.tally.judge('arguments and exit code', odd.code === 2 && arrived ? null : `${odd.code}: ${odd.text}`)

  await writeFile(join(home, 'data/large.bin'), Buffer.alloc(3_000_000, 'windows'))
  const said = join(home, 'share.txt')
  const out = openSync(said, 'w')
  const share = shop.start(wine, [exe, ...SHARE], { env, cwd: home, stdio: ['ignore', out, 'ignore'] })
  const link = await linkIn(said, share)
  const clone = await shop.run(await shop.file('linux-x64'), ['clone', link, 'copy'], {
    env: mine,
    cwd: home,
    limit: 60_000
  })
  const copied = await readFile(join(home, 'copy/large.bin')).catch(() => Buffer.of())
  const same = copied.equals(await readFile(join(home, 'data/large.bin')))
  shop.tally.judge('win32-x64 shares, linux-x64 clones', clone.code === 0 && same ? null : clone.stderr)
  share.kill('SIGKILL')
  await shop.run(wine.replace(/wine(64)?$/, 'wineserver'), ['-k'], { env }).catch(() => {})
  shop.tally.skip('install.ps1', 'there is no PowerShell here')
}

/** Waits for the link in a file that a share writes; empty if the share ends before. */
async function linkIn(file, share) {
  const ended = new AbortController()
  share.once('close', () => ended.abort())
  const find = async () => /"link":"(dat:[^"]*)"/.exec(await readFile(file, 'utf8'))?.[1]
  try {
    for await (const _ of watch(file, { signal: ended.signal })) {
      const link = await find()
      if (link) return link
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
  }
  return (await find()) ?? ''
}

/** Runs a program for Windows. Its streams are files: node cannot write to the pipes of wine. */
async function run(shop, args, home, env) {
  const { code } = await shop.run('sh', ['-c', '"$@" >out.txt 2>&1 </dev/null', 'sh', ...args], {
    cwd: home,
    env,
    limit: 60_000
  })
  return { code, text: await readFile(join(home, 'out.txt'), 'utf8') }
}
