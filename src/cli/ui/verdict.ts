import type { DatEvent } from '../../base/events.js'
import { printable } from '../../base/terminal-text.js'
import { wrap } from '../../base/wrap.js'
import type { Paint } from './paint.js'

export type VerdictEvent = Extract<DatEvent, { type: 'verdict' }>

const MAX_COLUMNS = 80

/** The verdict for a person: what is the case, what to do, what else was noticed. */
export function verdictText(verdict: VerdictEvent, paint: Paint, width: number): string {
  const columns = Math.min(width, MAX_COLUMNS) - 1
  const colour = { ok: paint.green, warning: paint.cyan, problem: paint.red }[verdict.severity]
  const fold = (text: string, lead = '') => wrap(`${lead}${printable(text)}`, columns)
  const lines = ['', ...fold(verdict.title).map((line) => paint.bold(colour(line)))]
  if (!verdict.certain) lines.push(...fold(`Not quite certain: ${verdict.doubt}.`).map((line) => paint.dim(line)))
  lines.push('', paint.bold('What to do'))
  if (verdict.advice.length === 1) lines.push(...fold(verdict.advice[0] ?? '', '   '))
  else lines.push(...verdict.advice.flatMap((text, i) => fold(text, `${i + 1}. `)))
  for (const warning of verdict.warnings) {
    lines.push('', ...fold(`Warning: ${warning.title}`).map((line) => paint.red(line)))
    lines.push(...warning.advice.flatMap((text) => fold(text, warning.advice.length > 1 ? '   - ' : '   ')))
  }
  if (verdict.facts.length > 0) lines.push('', paint.bold('Good to know'))
  lines.push(...verdict.facts.flatMap((text) => fold(text, '- ')))
  lines.push('', paint.dim(`Verdict: ${verdict.code}`))
  return lines.join('\n')
}
