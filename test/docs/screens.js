import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOCUMENTS, Document, ROOT } from './markdown.js'
import { tour, whyNoTour } from './tour.js'

/** The screens in the documents: made again by the real program, and compared or written. */

/** What differs each time, in the order in which it is looked for. */
const CHANGING = [
  [/dat:\/\/[a-z0-9]{52}/g, 'LINK'],
  [/\b[a-z]{5}-[a-z]{5}-[a-z]{5}\b/g, 'CODE'],
  [/\b[a-z0-9]{8}(?= has everything| \((?:direct|lan|relay|tcp))/g, 'PEER'],
  [/\bdat \d+\.\d+\.\d+/g, 'dat VERSION'],
  // Of the share: changes are put together as they come.
  [/\bversion +\d+/g, 'version N'],
  [/less than a second|\b[\d.]+ (?:ms|s|min)\b(?: [\d.]+ s\b)?/g, 'TIME'],
  [/[\d.]+ [kMGT]?B(?:\/s| free| sent)/g, 'AMOUNT'],
  [/[━─]+/g, 'BAR']
]
/** On a screen in the middle of a transfer, all numbers. */
const NUMBER = /[\d.]+/g
const MOVING = /halfway|stalled/

export async function screens({ tally, write, show }) {
  const documents = await Promise.all(DOCUMENTS.map((path) => Document.read(path)))
  const wanted = documents.flatMap((document) =>
    document.blocks.filter(({ marks }) => marks.screen).map((block) => ({ document, block }))
  )
  const why = whyNoTour()
  if (why) {
    for (const { block } of wanted) tally.skip(`screen ${block.marks.screen}`, why)
    return
  }
  const made = await tour(tally, (name, screen) => {
    if (show) console.log(`--- ${name}\n${screen}`)
  })
  for (const name of made.keys())
    if (!wanted.some(({ block }) => block.marks.screen === name)) tally.judge(`screen ${name}`, 'no document shows it')
  if (write) await put(documents, made)
  for (const { document, block } of wanted) {
    const screen = made.get(block.marks.screen)
    const name = `screen ${block.marks.screen} in ${document.path}:${block.line}`
    if (screen === undefined) tally.judge(name, 'there is no such screen')
    else if (!write) tally.judge(name, difference(block, screen))
  }
}

/** Null, or the first line of the document that is not so. */
function difference({ text, marks }, screen) {
  const [there, here] = [text, screen].map((one) => steady(one, marks.screen).split('\n'))
  const index = there.findIndex((line, i) => line !== here[i])
  if (index < 0 && there.length === here.length) return null
  const at = index < 0 ? there.length : index
  return `the document has “${there[at] ?? ''}”, the screen “${here[at] ?? ''}”\n${screen}`
}

function steady(screen, name) {
  let text = screen
  for (const [pattern, word] of CHANGING) text = text.replace(pattern, word)
  if (MOVING.test(name)) text = text.replace(NUMBER, 'N')
  // What changes has another length each time, and lines break elsewhere behind it.
  return text
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .join('\n')
}

async function put(documents, made) {
  for (const document of documents) {
    const texts = new Map()
    for (const block of document.blocks) {
      const screen = made.get(block.marks.screen)
      if (screen !== undefined) texts.set(block, screen)
    }
    if (texts.size > 0) await writeFile(join(ROOT, document.path), document.with(texts))
  }
}
