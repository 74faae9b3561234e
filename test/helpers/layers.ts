import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, sep } from 'node:path'

/** One import: which module names what, both relative to src, packages by their names. */
export interface Import {
  from: string
  to: string
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s+(?:type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

/** Every import in a source text, type imports and dynamic ones too: a layer is a matter of knowledge, not of loading. */
export function importsOf(from: string, source: string): Import[] {
  return [...withoutComments(source).matchAll(IMPORT)].map((match) => ({
    from,
    to: target(from, match[1] ?? match[2] ?? '')
  }))
}

/** A source text without its comments, as far as a search in it needs. */
export function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}

function target(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, '.ts')
}

/** Every import below a source folder. */
export function readImports(src: string): Import[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.ts$/.test(name))
  return files.flatMap((name) =>
    importsOf(relative(src, join(src, name)).split(sep).join('/'), readFileSync(join(src, name), 'utf8'))
  )
}

/** Which layers each layer may know. */
const LAYERS: Record<string, readonly string[]> = {
  base: ['base'],
  storage: ['storage', 'base'],
  transport: ['transport', 'base'],
  core: ['core', 'storage', 'transport', 'base'],
  diagnostics: ['diagnostics', 'storage', 'transport', 'base'],
  gateway: ['gateway', 'core', 'storage', 'transport', 'base'],
  cli: ['cli', 'gateway', 'diagnostics', 'core', 'storage', 'transport', 'base']
}

/** Packages that only one place may know. */
const RESERVED: Record<string, (file: string) => boolean> = {
  chalk: (file) => file.startsWith('cli/ui/'),
  'cli-progress': (file) => file.startsWith('cli/ui/'),
  commander: (file) => file === 'cli/program.ts' || file.startsWith('cli/program/')
}

/** Every import that the architecture forbids, as sentences. */
export function violations(imports: readonly Import[]): string[] {
  return [...imports.flatMap(forbidden), ...circles(imports)]
}

function forbidden({ from, to }: Import): string[] {
  const packageName = to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : (to.split('/')[0] ?? to)
  const reserved = RESERVED[packageName]
  if (reserved && !to.endsWith('.ts')) return reserved(from) ? [] : [`${from} must not know ${packageName}`]
  if (!to.endsWith('.ts')) return []
  const layer = from.split('/')[0] ?? ''
  const allowed = LAYERS[layer]
  if (!allowed) return [`${from} is in no known layer`]
  const other = to.split('/')[0] ?? ''
  return allowed.includes(other) ? [] : [`${from} (${layer}) must not import ${to} (${other})`]
}

/** Circles of imports, each told once. */
function circles(imports: readonly Import[]): string[] {
  const graph = new Map<string, string[]>()
  for (const { from, to } of imports) if (to.endsWith('.ts')) graph.set(from, [...(graph.get(from) ?? []), to])
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start !== -1) found.push(`circle: ${[...path.slice(start), file].join(' → ')}`)
    if (start !== -1 || done.has(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

/** The folder of the sources. */
export const SRC = join(dirname(new URL(import.meta.url).pathname), '../../src')
