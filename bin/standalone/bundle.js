import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as esbuild from 'esbuild'
import { ROOT } from './root.js'

// Packages in CommonJS among them ask for these; in an ES module they have to be made.
const COMMONJS = [
  "import{createRequire as __createRequire}from'node:module'",
  "import{fileURLToPath as __fileURLToPath}from'node:url'",
  'const require=__createRequire(import.meta.url)',
  '__filename=__fileURLToPath(import.meta.url)',
  "__dirname=__fileURLToPath(new URL('.',import.meta.url))"
]
const BANNER = `${COMMONJS.slice(0, 2).join(';')};${COMMONJS.slice(2).join(',')};`

/**
 * Makes one program of the sources and all they import, laid out like the `dist` it stands for: `bin/dat.js`,
 * `package.json`, `dist/cli/main.js` and the worker threads' `file-worker.js`, with the native addons of one target
 * beside. What a command does not need is in files that it does not read.
 * @param {string} target its name, as the prebuilt addons have it
 * @param {string} folder a new folder
 * @param {string} watcher the folder of @parcel/watcher's package for the target
 * @returns {Promise<string[]>} the folders of all packages that are in it
 */
export async function bundle(target, folder, watcher) {
  const addons = new Map()
  const dist = join(folder, 'dist/cli')
  const result = await esbuild.build({
    entryPoints: { main: join(ROOT, 'src/cli/main.ts'), 'file-worker': join(ROOT, 'src/storage/file-worker.ts') },
    absWorkingDir: ROOT,
    outdir: dist,
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    banner: { js: BANNER },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [addonsOf(target, watcher, addons)]
  })
  await mkdir(join(dist, 'addons'))
  for (const [name, file] of addons) await copyFile(file, join(dist, 'addons', name))
  await mkdir(join(folder, 'bin'))
  for (const name of ['bin/dat.js', 'bin/package.json']) await copyFile(join(ROOT, name), join(folder, name))
  const { name, version, license, type } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  await writeFile(join(folder, 'package.json'), `${JSON.stringify({ name, version, license, type }, null, 2)}\n`)
  return packagesOf(Object.keys(result.metafile.inputs))
}

/** Has every native addon loaded from the folder `addons`, and notes where to take it from. */
function addonsOf(target, watcher, addons) {
  const load = (name, file) => {
    if (!existsSync(file)) throw new Error(`there is no ${file}`)
    if (addons.has(name) && addons.get(name) !== file) throw new Error(`there are two copies of the addon ${name}`)
    addons.set(name, file)
    return { loader: 'js', contents: `module.exports = require(__dirname + '/addons/${name}')` }
  }
  return {
    name: 'native-addons',
    setup(build) {
      // The packages of Holepunch.
      build.onLoad({ filter: /[\\/]binding\.js$/ }, async ({ path }) => {
        if (!/require\.addon\(['"]\.['"], __filename\)/.test(await readFile(path, 'utf8'))) return null
        const folder = dirname(path)
        const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
        const file = `${name.replace(/^@/, '').replace('/', '__')}.node`
        return load(file, join(folder, 'prebuilds', target, file))
      })
      // @parcel/watcher asks for one of its packages by a name that it puts together.
      build.onLoad({ filter: /@parcel[\\/]watcher[\\/]index\.js$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const wrapper = source.slice(source.indexOf('const wrapper = '))
        if (!wrapper.startsWith('const wrapper = createWrapper(binding)')) throw new Error(`${path} has changed`)
        const { contents } = load('parcel__watcher.node', join(watcher, 'watcher.node'))
        const binding = contents.replace('module.exports =', 'const binding =')
        return { loader: 'js', contents: `const { createWrapper } = require('./wrapper')\n${binding}\n${wrapper}` }
      })
    }
  }
}

function packagesOf(inputs) {
  const folders = inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0])
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort()
}
