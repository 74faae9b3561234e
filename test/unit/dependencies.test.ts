import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const INSIDE = 'node_modules/'

/** Licences under which dat may be passed on with what it uses. A new one is for a person to read. */
const LICENCES = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']
/** Packages that have an install script, and why they work without it. */
const SCRIPTS: Record<string, string> = {
  '@parcel/watcher': 'its binaries come as packages of their own; the script builds it where there is none'
}

interface Locked {
  version: string
  resolved?: string
  integrity?: string
  license?: string
  dev?: boolean
  hasInstallScript?: boolean
}

interface Dependency extends Locked {
  /** Where it is installed, below the repository. */
  path: string
  name: string
}

async function dependencies(): Promise<Dependency[]> {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>
  }
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, locked]) => ({ ...locked, path, name: path.slice(path.lastIndexOf(INSIDE) + INSIDE.length) }))
}

/** The licence as the installed package has it, or the lock file where it is for another system. */
async function licenceOf({ path, license }: Dependency): Promise<string> {
  const file = join(ROOT, path, 'package.json')
  const installed = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')).license : license
  return typeof installed === 'string' ? installed : (installed?.type ?? 'none')
}

it('every dependency has a licence that we know, and docs/licences.md names it', async () => {
  const rows = new Set<string>()
  const unknown: string[] = []
  for (const dependency of await dependencies()) {
    const licence = await licenceOf(dependency)
    if (!LICENCES.includes(licence)) unknown.push(`${dependency.name}: ${licence}`)
    rows.add(`| ${dependency.name} | ${dependency.version} | ${licence} |`)
  }
  expect(unknown).toEqual([])
  const sorted = [...rows].sort((a, b) => (a < b ? -1 : 1))
  const text = [
    '# Licences',
    '',
    'dat itself is under the MIT licence: [LICENSE](../LICENSE). With it are installed, or some of these, depending on the',
    'system:',
    '',
    '| package | version | licence |',
    '| --- | --- | --- |',
    ...sorted,
    ''
  ].join('\n')
  // After a change of the dependencies: npx vitest run --project unit test/unit/dependencies.test.ts --update
  await expect(text).toMatchFileSnapshot(join(ROOT, 'docs/licences.md'))
})

it('no dependency needs an install script', async () => {
  const found = (await dependencies()).filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name)
  expect([...new Set(found)].sort()).toEqual(Object.keys(SCRIPTS))
  // It was not built here, and works.
  expect(existsSync(join(ROOT, INSIDE, '@parcel/watcher/build'))).toBe(false)
  expect(typeof (await import('@parcel/watcher')).subscribe).toBe('function')
})

it('every dependency comes from the registry, pinned by its hash', async () => {
  for (const { path, resolved, integrity } of await dependencies()) {
    // Without an address it is the registry's own.
    expect(resolved ?? 'https://registry.npmjs.org/', path).toMatch(/^https:\/\/registry\.npmjs\.org\//)
    expect(integrity, path).toMatch(/^sha512-/)
  }
  const { dependencies: direct, devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  // Types of Node.js follow its minor versions; nothing of them is run.
  const { '@types/node': _types, ...tools } = devDependencies
  for (const version of Object.values({ ...direct, ...tools })) expect(version).toMatch(/^\d+\.\d+\.\d+$/)
})
