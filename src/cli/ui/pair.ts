import type { DatEvent, Route } from '../../base/events.js'
import type { PairEvent, RouteResult } from '../../base/pair-events.js'
import { printable } from '../../base/terminal-text.js'
import { wrap } from '../../base/wrap.js'
import type { VerdictCode } from '../../diagnostics/advice.js'
import { VERDICT_WORDS } from '../../diagnostics/pair/verdict-words.js'
import { formatRate } from './format.js'
import type { Paint } from './paint.js'

const MAX_COLUMNS = 80

export function isPairEvent(event: DatEvent): event is PairEvent {
  return event.type.startsWith('pair.') || event.type === 'link.served'
}

/** What the test of two computers shows on stdout; null for what only scripts need. */
export function pairText(event: PairEvent, paint: Paint, width: number): string | null {
  const columns = Math.min(width, MAX_COLUMNS) - 1
  const fold = (text: string) => wrap(text, columns).join('\n')
  switch (event.type) {
    case 'pair.code':
      return codeText(event, paint, columns)
    case 'pair.met':
      return `\n${fold(`Met the other computer ${how(event)}. Testing every route; this may take a minute.`)}`
    case 'pair.route':
      return null
    case 'pair.result':
      return resultText(event, paint, columns)
    case 'link.served':
      return fold(`Yes, this link is served: by ${printable(event.peer)}, ${how(event)}.${atRelay(event.relay)}`)
  }
}

function atRelay(relay: string | null): string {
  return relay === null
    ? ''
    : ` This is the address of the relay ${printable(relay)}: perhaps it only passes the data on.`
}

function how({ route, address, ms }: { route: Route; address: string; ms: number }): string {
  return `${ROUTE_WORDS[route]}, ${printable(address)}, after ${seconds(ms)}`
}

const ROUTE_WORDS: Record<Route, string> = {
  direct: 'directly',
  lan: 'in the local network',
  tcp: 'by its address',
  relay: 'through the relay'
}

function codeText(event: Extract<PairEvent, { type: 'pair.code' }>, paint: Paint, columns: number): string {
  return [
    '',
    ...wrap(
      `To test this computer against another one, type there, within ${Math.round(event.seconds / 60)} minutes:`,
      columns
    ),
    '',
    `    ${paint.bold(printable(event.command))}`,
    '',
    ...wrap(`If the two do not meet, read to each other what they say; this one: ${printable(event.line)}`, columns),
    'Waiting for the other computer; Ctrl-C ends.'
  ].join('\n')
}

function resultText(event: Extract<PairEvent, { type: 'pair.result' }>, paint: Paint, columns: number): string {
  const colour = event.route === 'none' ? paint.red : event.route === 'relay' ? paint.cyan : paint.green
  const lines = ['', ...routeTable(event.routes, paint, columns), '']
  lines.push(...wrap(printable(event.title), columns).map((line) => paint.bold(colour(line))))
  const why = event.route === 'none' ? 'The reason' : 'Not directly'
  if (event.reason !== '') lines.push(...wrap(`${why}: ${printable(event.reason)}.`, columns))
  lines.push('', ...wrap(`This computer: ${verdictWords(event.here)}.`, columns))
  lines.push(...wrap(`The other one: ${verdictWords(event.there)}.`, columns))
  lines.push('', paint.bold('What to do'))
  if (event.advice.length === 1) lines.push(...wrap(`   ${printable(event.advice[0] ?? '')}`, columns))
  else lines.push(...event.advice.flatMap((text, i) => wrap(`${i + 1}. ${printable(text)}`, columns)))
  return lines.join('\n')
}

function verdictWords(code: string): string {
  return VERDICT_WORDS[code as VerdictCode] ?? printable(code)
}

const HEAD = ['', 'Works', 'First byte', 'Round trip', 'Sending', 'Receiving', 'Resent']
const WIDTHS = [8, 7, 11, 11, 12, 12, 15]
/** What goes first where the terminal is narrow, as places in HEAD. */
const SPARE = [6, 3, 2]

function routeTable(routes: readonly RouteResult[], paint: Paint, columns: number): string[] {
  const shown = new Set(HEAD.keys())
  const width = () => [...shown].reduce((sum, i) => sum + (WIDTHS[i] ?? 0), 0)
  for (const i of SPARE) if (width() > columns) shown.delete(i)
  const cells = (texts: readonly string[]) =>
    [...shown]
      .map((i) => (texts[i] ?? '').padEnd(WIDTHS[i] ?? 0))
      .join('')
      .trimEnd()
  return [paint.bold(cells(HEAD)), ...routes.flatMap((result) => routeLines(result, columns, cells))]
}

function routeLines(result: RouteResult, columns: number, cells: (texts: readonly string[]) => string): string[] {
  const { route, outcome, reason, firstByte, roundTrip, up, down, lossUp, lossDown } = result
  if (outcome !== 'works') return wrap(`${route.padEnd(WIDTHS[0] ?? 0)}no: ${printable(reason)}`, columns)
  const time = (ms: number | null) => (ms === null ? '-' : seconds(ms))
  const rate = (value: number | null) => (value === null ? '-' : formatRate(value))
  const lost = [lossUp, lossDown].some((part) => part !== null) ? `${part(lossUp)} / ${part(lossDown)}` : ''
  return [cells([route, 'yes', time(firstByte), time(roundTrip), rate(up), rate(down), lost])]
}

function part(loss: number | null): string {
  return loss === null ? '-' : `${(loss * 100).toFixed(1)}%`
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.max(1, Math.round(ms))} ms` : `${(ms / 1000).toFixed(1)} s`
}
