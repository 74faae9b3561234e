import type { PairResult } from '../base/pair-events.js'
import { printable } from '../base/terminal-text.js'
import { wrap } from '../base/wrap.js'
import type { Finding } from './evidence.js'
import { shortened } from './redact.js'
import type { Verdict } from './verdicts.js'

const COLUMNS = 100

/**
 * Everything in one text, to be attached to a mail: without links, keys, passwords, and nothing unprintable.
 * @param pair what the test with another computer came to, if there was one
 */
export function reportText(
  verdict: Verdict,
  findings: readonly Finding<unknown>[],
  about: { version: string; date: Date },
  pair?: PairResult
): string {
  const { code, certain, doubt, title, advice, warnings, facts, itText } = verdict
  const parts = [
    `dat doctor, version ${about.version}, ${about.date.toISOString()}`,
    section('Verdict', [`${code}: ${title}`, ...(certain ? [] : [`Not certain: ${doubt}.`])]),
    section(
      'What to do',
      advice.map((line, i) => `${i + 1}. ${line}`)
    ),
    section(
      'Warnings',
      warnings.flatMap((warning) => [`${warning.code}: ${warning.title}`, ...warning.advice.map((line) => `- ${line}`)])
    ),
    section(
      'Good to know',
      facts.map((line) => `- ${line}`)
    ),
    section(
      'Tests',
      findings.map(({ id, status, summary, ms }) => `${id}: ${status}, ${summary} (${ms} ms)`)
    ),
    pair ? pairSection(pair) : '',
    section('Text for the IT department', [itText]),
    ['Evidence', '', ...findings.map(({ id, facts: found }) => `${id} ${JSON.stringify(found)}`)].join('\n')
  ]
  const text = parts.filter((part) => part !== '').join('\n\n')
  return `${shortened(text).split('\n').map(printable).join('\n')}\n`
}

function pairSection({ title, reason, here, there, advice, routes }: PairResult): string {
  return [
    section('Together with the other computer', [
      title,
      ...(reason === '' ? [] : [`Obstacle: ${reason}.`]),
      `This computer: ${here}. The other one: ${there}.`,
      ...advice.map((line, i) => `${i + 1}. ${line}`)
    ]),
    routes.map((result) => JSON.stringify(result)).join('\n')
  ].join('\n\n')
}

function section(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return ''
  return [title, '', ...lines.flatMap((line) => wrap(line, COLUMNS))].join('\n')
}
