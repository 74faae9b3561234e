import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The documents, and what the tests read in them: blocks, code in running text, headings, links. */

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Those for people, whose blocks are run and whose screens are made. */
export const DOCUMENTS = ['README.md', 'docs/guide.md', 'docs/hpc.md', 'docs/contributing.md']

/**
 * @typedef {object} Block
 * @property {number} line of its first fence
 * @property {number} size lines of its text
 * @property {string} kind what stands behind the fence
 * @property {string} text
 * @property {Record<string, string>} marks comments before it: `<!-- skip: why -->`, `<!-- at: computer -->`,
 * `<!-- exit: code -->`, `<!-- screen: name -->`
 */

export class Document {
  /** @type {Block[]} */
  blocks = []
  /** @type {{ line: number, text: string }[]} */
  spans = []
  headings = new Set()
  /** @type {{ line: number, target: string }[]} */
  links = []

  /** @param {string} path from the top of the repository */
  static async read(path) {
    return new Document(path, await readFile(join(ROOT, path), 'utf8'))
  }

  constructor(path, text) {
    this.path = path
    this.lines = text.split('\n')
    let marks = {}
    for (let i = 0; i < this.lines.length; i++) {
      const line = this.lines[i]
      const fence = /^(\s*)```(.*)$/.exec(line)
      const mark = /^<!-- (\w+): (.*) -->$/.exec(line)
      if (fence) {
        const end = this.lines.indexOf(`${fence[1]}\`\`\``, i + 1)
        if (end < 0) throw new Error(`${path}:${i + 1}: the block has no end`)
        const inner = this.lines.slice(i + 1, end).map((one) => one.slice(fence[1].length))
        this.blocks.push({ line: i + 1, size: inner.length, kind: fence[2].trim(), text: inner.join('\n'), marks })
        i = end
      } else if (mark) marks[mark[1]] = mark[2]
      else if (line.trim() !== '') this.#text(line, i + 1)
      if (fence || (!mark && line.trim() !== '')) marks = {}
    }
  }

  #text(line, number) {
    const heading = /^#+ (.*)$/.exec(line)
    if (heading) this.headings.add(anchor(heading[1]))
    for (const [, text] of line.matchAll(/`([^`]+)`/g)) this.spans.push({ line: number, text })
    for (const [, target] of line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g))
      this.links.push({ line: number, target })
  }

  /** The document with other texts in some of its blocks. @param {Map<Block, string>} texts */
  with(texts) {
    const lines = [...this.lines]
    for (const [block, text] of [...texts].sort(([a], [b]) => b.line - a.line))
      lines.splice(block.line, block.size, ...text.split('\n'))
    return lines.join('\n')
  }
}

/** How a link names a heading. */
function anchor(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-')
}
