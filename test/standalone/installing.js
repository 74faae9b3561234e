import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { serveFolder } from './server.js'
import { has } from './workshop.js'

const RUNTIME = '.local/share/dat/runtime'

/** Everything that install.sh and the file itself do to a home, and what they leave alone. */
export async function installing(shop) {
  const server = await serveFolder(shop.release)
  try {
    for (const shell of ['dash', 'busybox', 'bash']) await byPipe(shop, server.url, shell)
    await withOnly(shop, server.url, 'wget')
    await truncated(shop, server)
    await damaged(shop)
  } finally {
    await server.close()
  }
  await fromFolder(shop)
  await alone(shop)
  for (const shell of ['bash', 'zsh', 'fish']) await profiles(shop, shell)
  await upgrade(shop)
  await another(shop)
}

/** curl … | sh */
async function byPipe(shop, url, shell) {
  const name = `curl … | ${shell}`
  if (!has(shell)) return shop.tally.skip(name, `${shell} is not installed`)
  const { env, dat, home } = await shop.home({ DAT_BASE_URL: url })
  const sh = shell === 'busybox' ? 'busybox sh' : shell
  const done = await shop.run('sh', ['-c', `curl -fsSL ${url}/install.sh | ${sh}`], { env })
  const version = await shop.run(dat, ['--version'], { env })
  const left = (await readdir(join(home, '.local/bin'))).join()
  shop.tally.judge(
    name,
    done.code === 0 && version.code === 0 && left === 'dat' ? null : `${done.stderr}${version.stderr} ${left}`
  )
}

/** A PATH on which one of curl and wget is missing. */
async function withOnly(shop, url, program) {
  const bin = await shop.room('bin')
  const needed =
    'cat chmod cp cut df dirname find getconf grep gzip head id ls mkdir mv ps rm rmdir sed sh sha256sum sort tail tar tr uname'
  for (const name of [...needed.split(' '), program]) {
    const { stdout } = await shop.run('sh', ['-c', `command -v ${name}`])
    if (stdout) await symlink(stdout.trim(), join(bin, name))
  }
  const { env, dat } = await shop.home({ DAT_BASE_URL: url, PATH: bin })
  const { code, stderr } = await shop.run('/bin/sh', [join(shop.release, 'install.sh')], { env })
  shop.tally.judge(`with ${program} alone`, code === 0 && existsSync(dat) ? null : stderr)
}

/** Half a script does nothing; half a file is noticed. */
async function truncated(shop, server) {
  const script = await readFile(join(shop.release, 'install.sh'), 'utf8')
  const { env, home } = await shop.home({ DAT_BASE_URL: server.url })
  const before = (await readdir(home)).join()
  server.requests.length = 0
  // Up to the last line, in steps that hit every place of some lines.
  for (let length = 1; length < script.lastIndexOf('main "$@"') + 'main'.length; length += 97) {
    await shop.run('sh', [], { env, input: script.slice(0, length) })
  }
  const same = (await readdir(home)).join() === before && server.requests.length === 0
  shop.tally.judge(
    'half of install.sh does nothing',
    same ? null : `${await readdir(home)}; asked for ${server.requests}`
  )

  const file = join(home, 'dat-half')
  await copyFile(await shop.file('linux-x64'), file)
  await truncate(file, 20_000_000)
  const { code, stderr } = await shop.run(file, ['--version'], { env })
  const kept = existsSync(join(home, RUNTIME)) ? await readdir(join(home, RUNTIME)) : []
  shop.tally.judge(
    'half of the file says so',
    code === 1 && /damaged/.test(stderr) && kept.length === 0 ? null : `${code} ${stderr}`
  )
}

/** A mirror that has something else. */
async function damaged(shop) {
  const mirror = await shop.room('mirror')
  const file = await shop.file('linux-x64')
  const content = await readFile(file)
  content[content.length >> 1] ^= 1
  await writeFile(join(mirror, basename(file)), content)
  const server = await serveFolder(mirror)
  const { env, dat, home } = await shop.home({ DAT_BASE_URL: server.url })
  const { code, stderr } = await shop.run('sh', [join(shop.release, 'install.sh')], { env })
  await server.close()
  const clean = !existsSync(dat) && (await readdir(join(home, '.local/bin'))).length === 0
  shop.tally.judge(
    'another file than was released',
    code !== 0 && /checksum is wrong/.test(stderr) && clean ? null : stderr
  )
}

/** Without a network: install.sh beside the files. */
async function fromFolder(shop) {
  const { env, dat } = await shop.home()
  const { code, stdout, stderr } = await shop.run('sh', [join(shop.release, 'install.sh')], { env })
  const named = await shop.home({ DAT_BASE_URL: `file://${shop.release}` })
  const piped = await shop.run('sh', [], {
    env: named.env,
    input: await readFile(join(shop.release, 'install.sh'), 'utf8')
  })
  const good = code === 0 && existsSync(dat) && piped.code === 0 && existsSync(named.dat)
  shop.tally.judge('from a folder', good ? null : `${stdout}${stderr}${piped.stderr}`)
}

/** One file that was copied, made not executable on the way, with a name of its own. */
async function alone(shop) {
  const { env, dat, home } = await shop.home()
  await writeFile(join(home, 'the file'), await readFile(await shop.file('linux-x64')), { mode: 0o600 })
  const { code, stderr } = await shop.run('sh', ['the file', '--install'], { env, cwd: home })
  shop.tally.judge(
    'sh FILE --install',
    code === 0 && existsSync(dat) && existsSync(join(home, 'the file')) ? null : stderr
  )
}

const READ_BY = {
  bash: ['.bashrc', '.profile'],
  zsh: ['.zshrc'],
  fish: ['.config/fish/conf.d/dat.fish']
}

/** The line for PATH: once, where the shell reads it, and gone again; the rest of the file as it was. */
async function profiles(shop, shell) {
  const { env, home } = await shop.home({ SHELL: `/bin/${shell}` })
  const mine = shell === 'fish' ? null : READ_BY[shell][0]
  if (mine) await writeFile(join(home, mine), 'alias ll="ls -l"')
  const file = await shop.file('linux-x64')
  await shop.run(file, ['--install'], { env })
  await shop.run(file, ['--install'], { env })
  const wrong = []
  for (const name of READ_BY[shell]) {
    const text = await readFile(join(home, name), 'utf8').catch(() => '')
    const lines = text.split('\n').filter((line) => line.includes(`${home}/.local/bin`))
    if (lines.length !== 1) wrong.push(`${lines.length} lines in ${name}`)
  }
  if (has(shell)) {
    // In a fresh shell it works, and PATH does not grow with every shell in a shell.
    const test =
      shell === 'fish'
        ? 'command -v dat; count (string match -- "*/.local/bin" $PATH)'
        : '. ~/RC; . ~/RC; command -v dat; echo $PATH | grep -o "/.local/bin" | wc -l'
    const { stdout } = await shop.run(shell, ['-c', test.replaceAll('RC', READ_BY[shell][0])], { env })
    if (stdout.trim() !== `${home}/.local/bin/dat\n1`) wrong.push(`in a new shell: ${stdout}`)
  }
  const removed = await shop.run(join(home, '.local/bin/dat'), ['uninstall'], { env })
  if (removed.code !== 0) wrong.push(removed.stderr)
  if (mine && (await readFile(join(home, mine), 'utf8')) !== 'alias ll="ls -l"\n') wrong.push(`${mine} was changed`)
  for (const name of READ_BY[shell].filter((name) => name !== mine))
    if (existsSync(join(home, name))) wrong.push(`${name} stays`)
  const note = has(shell) ? '' : `${shell} is not installed: the file was read, not run`
  shop.tally.judge(`the profile of ${shell}`, wrong.length === 0 ? null : wrong.join('; '), note)
}

/** From another version: its runtime goes, unless it runs; and what `dat uninstall` leaves. */
async function upgrade(shop) {
  const { env, dat, home } = await shop.home()
  const file = await shop.file('linux-x64')
  await mkdir(join(home, RUNTIME), { recursive: true })
  const old = await olderVersion(shop, file)
  await shop.run('sh', [old, '--install'], { env })
  const [before] = await readdir(join(home, RUNTIME))
  const share = shop.start(dat, ['share', join(home, 'data'), '--json'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  await new Promise((resolve) => share.stdout.once('data', resolve))
  await shop.run('sh', [file, '--install'], { env })
  const during = await readdir(join(home, RUNTIME))
  const refused = await shop.run(dat, ['uninstall'], { env })
  const ended = new Promise((resolve) => share.once('close', resolve))
  share.kill('SIGINT')
  await ended
  await shop.run('sh', [file, '--install'], { env })
  const after = await readdir(join(home, RUNTIME))
  const good = during.length === 2 && during.includes(before) && after.length === 1 && !after.includes(before)
  shop.tally.judge(
    'an upgrade keeps what runs, and removes what does not',
    good ? null : `${before} → ${during} → ${after}`
  )
  shop.tally.judge(
    'no uninstall while it runs',
    refused.code === 1 && refused.stderr.includes(`process ${share.pid}`) ? null : refused.stderr
  )

  await writeFile(join(home, '.local/share/dat/other'), 'not ours')
  const removed = await shop.run(dat, ['uninstall'], { env })
  const keys = '.local/share/dat/shares'
  const left = (await readdir(home, { recursive: true }))
    .filter((path) => !path.startsWith('data') && !path.startsWith(`${keys}/`))
    .sort()
    .join()
  const data = existsSync(join(home, 'data/.dat')) && existsSync(join(home, 'data/hello.txt'))
  const wanted = `.local,.local/bin,.local/share,.local/share/dat,.local/share/dat/other,${keys}`
  const said = removed.stdout.includes('.dat') && removed.stdout.includes(join(home, keys))
  shop.tally.judge(
    'uninstall removes the program alone',
    data && said && left === wanted ? null : `${left}; ${removed.stdout}`
  )
}

/** The same program with another number: what differs between two versions for an installer. */
async function olderVersion(shop, file) {
  const content = await readFile(file, 'latin1')
  const version = /^VERSION='(.*)'$/m.exec(content)[1]
  const older = version.replace(/\d$/, (digit) => (digit === '0' ? '9' : '0'))
  const path = join(await shop.room(), 'dat-older')
  await writeFile(path, content.replace(`ID='${version}`, `ID='${older}`), 'latin1')
  return path
}

/** A program of the same name that is not ours. */
async function another(shop) {
  const { env, dat } = await shop.home()
  await mkdir(join(dat, '..'), { recursive: true })
  await writeFile(dat, '#!/bin/sh\necho another\n', { mode: 0o755 })
  const { code, stderr } = await shop.run('sh', [join(shop.release, 'install.sh')], { env })
  const kept = (await readFile(dat, 'utf8')).includes('another')
  const forced = await shop.run('sh', [join(shop.release, 'install.sh'), '--force'], { env })
  const replaced = (await shop.run(dat, ['--version'], { env })).stdout
  const good = code !== 0 && /another program/.test(stderr) && kept && forced.code === 0 && /^\d/.test(replaced)
  shop.tally.judge('another program of this name', good ? null : `${code} ${stderr} ${forced.stderr}`)
}
