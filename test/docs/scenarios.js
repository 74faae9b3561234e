import { blocks } from './blocks.js'
import { names } from './names.js'
import { screens } from './screens.js'

/** @type {Record<string, { title: string, run(context): Promise<void> }>} */
export const SCENARIOS = {
  names: { title: 'commands, options, files and headings that the documents name', run: names },
  blocks: { title: 'what people are told to type', run: blocks },
  screens: { title: 'what people see', run: screens }
}
