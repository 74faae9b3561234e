import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ReleaseKey } from './release-key.js'
import { has } from './workshop.js'

/** The signature, checked by each of those who can, right and wrong. */
export async function signing(shop) {
  for (const checker of ['minisign', 'openssl', 'dat']) {
    if (checker !== 'dat' && !(await can(shop, checker))) {
      shop.tally.skip(`signature checked by ${checker}`, `${checker} that can is not installed`)
      continue
    }
    const right = await install(shop, checker, shop.release)
    shop.tally.judge(`right, checked by ${checker}`, right.code === 0 && right.checked ? null : right.text)
    const forged = await mirror(shop, new ReleaseKey())
    const wrong = await install(shop, checker, forged)
    shop.tally.judge(`by another key, checked by ${checker}`, wrong.code !== 0 && !wrong.installed ? null : wrong.text)
    const changed = await mirror(shop, shop.key, (sums) => `${sums}\n`)
    const altered = await install(shop, checker, changed)
    shop.tally.judge(
      `of another text, checked by ${checker}`,
      altered.code !== 0 && !altered.installed ? null : altered.text
    )
  }
}

async function can(shop, checker) {
  if (checker === 'minisign') return has('minisign')
  return (await shop.run('sh', ['-c', 'openssl pkeyutl -help 2>&1 | grep -q rawin'])).code === 0
}

/** The release, signed by a key; `change` happens to SHA256SUMS after that. */
async function mirror(shop, key, change = (sums) => sums) {
  const folder = await shop.room('mirror')
  for (const name of await readdir(shop.release)) await symlink(join(shop.release, name), join(folder, name))
  const sums = await readFile(join(shop.release, 'SHA256SUMS'), 'utf8')
  const put = (name, text) => shop.run('sh', ['-c', 'rm -f "$1"; cat >"$1"', 'sh', join(folder, name)], { input: text })
  await put('SHA256SUMS', change(sums))
  await put('SHA256SUMS.minisig', key.sign(sums))
  return folder
}

/** Installs on a system that has only this checker. */
async function install(shop, checker, base) {
  const bin = await shop.room('bin')
  const { stdout } = await shop.run('sh', ['-c', 'ls /usr/bin /bin'])
  const hidden = ['minisign', 'openssl'].filter((name) => name !== checker)
  const names = new Set(stdout.split('\n').filter((name) => /^[a-z0-9_.-]+$/.test(name) && !hidden.includes(name)))
  for (const name of names) await symlink(join('/usr/bin', name), join(bin, name)).catch(() => {})
  const { env, dat } = await shop.home({ DAT_BASE_URL: base, PATH: bin })
  if (checker === 'dat') {
    await mkdir(join(dat, '..'), { recursive: true })
    await copyFile(await shop.file('linux-x64'), dat)
  }
  const before = await readFile(dat).catch(() => null)
  const script = join(await shop.room(), 'install.sh')
  await writeFile(script, await readFile(join(shop.release, 'install.sh')))
  const { code, stdout: said, stderr } = await shop.run('sh', [script], { env })
  const installed = before === null ? (await readFile(dat).catch(() => null)) !== null : /is installed/.test(said)
  const who = checker === 'dat' ? 'the dat that was installed' : checker
  return { code, installed, checked: said.includes(`checked by ${who}`), text: `${code}: ${said}${stderr}` }
}
