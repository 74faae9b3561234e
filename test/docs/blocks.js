import { DOCUMENTS, Document } from './markdown.js'
import { HERE, Sandbox } from './sandbox.js'

/**
 * Runs what the documents tell people to type. A block of the kind `sh` is run as it stands, `console` is a screen,
 * `text` is neither. Comments before a block say more: `at` on which computer (else on the one that has the data), `exit`
 * with which code it ends, `skip` why it cannot be run here.
 */

const KINDS = ['sh', 'console', 'text']

export async function blocks({ tally, write }) {
  if (write) return
  for (const path of DOCUMENTS) {
    const document = await Document.read(path)
    const sandbox = await Sandbox.open()
    try {
      for (const block of document.blocks) await judge(tally, sandbox, path, block)
    } finally {
      const why = await sandbox.close()
      if (why) tally.judge(`the end of ${path}`, why)
    }
  }
}

async function judge(tally, sandbox, path, { kind, line, text, marks }) {
  const name = `${path}:${line}`
  if (!KINDS.includes(kind)) return tally.judge(name, `the block is none of ${KINDS.join(', ')}`)
  if (kind === 'console' && !marks.screen && !marks.skip) return tally.judge(name, 'no run makes this screen')
  if (kind !== 'sh') return
  if (marks.skip) return tally.skip(name, marks.skip)
  const { code, output, line: ended } = await sandbox.run(marks.at ?? HERE, text)
  const wanted = Number(marks.exit ?? 0)
  const last = text.split('\n')[ended - 1] ?? ''
  tally.judge(name, code === wanted ? null : `line ${line + ended}, “${last}”, ended with ${code}:\n${output}`)
}
