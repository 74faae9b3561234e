import { readFileSync } from 'node:fs'
import type { DatEvent } from '../../src/base/events.js'
import type { CheckItem } from '../../src/cli/ui/checklist.js'
import { Output } from '../../src/cli/ui/output.js'
import { createPaint } from '../../src/cli/ui/paint.js'
import { TtyUi } from '../../src/cli/ui/tty.js'
import type { Evidence, Finding, RelayFacts } from '../../src/diagnostics/evidence.js'
import { evidenceOf, plan } from '../../src/diagnostics/run.js'
import { judge, type Verdict } from '../../src/diagnostics/verdicts.js'
import { MemoryStream } from './streams.js'

/** Screens of the doctor, from what its probes really found in the lab (test/netlab, `--record`). */

export interface Recording {
  findings: Finding<object>[]
  evidence: Evidence
  verdict: Verdict
  items: CheckItem[]
}

/** What the probes found in one network, in the order in which they came back. */
export function recording(name: string): Recording {
  const file = new URL(`../fixtures/doctor/${name}.json`, import.meta.url)
  const probes = JSON.parse(readFileSync(file, 'utf8')) as (Omit<Finding<object>, 'facts'> & {
    evidence: object | null
  })[]
  const findings = probes.map(({ evidence, ...rest }) => ({ ...rest, facts: evidence }))
  const of = <Facts>(id: string) => findings.find((one) => one.id === id) as Finding<Facts>
  const relays = findings.filter(({ id }) => id.startsWith('relay:')) as Finding<RelayFacts>[]
  const evidence = evidenceOf({
    system: of('system'),
    addresses: of('addresses'),
    names: of('names'),
    tcp: of('tcp'),
    udp: of('udp'),
    nat: of('nat'),
    inbound: of('inbound'),
    lan: of('lan'),
    proxy: of('proxy'),
    relays
  })
  const network = {
    ...{ dht: true, bootstrap: null, lan: true, lanInterface: null, listen: null, peers: [] },
    relays: relays.map(({ facts }) => facts?.url ?? '')
  }
  const items = plan({ network, version: '', dir: '.', web: [], proxyVariables: {} })
  return { findings, evidence, verdict: judge(evidence), items }
}

export interface Look {
  columns: number
  colours: boolean
  unicode?: boolean
}

/** Shows events on a terminal, and returns its lines as they stand there in the end, with their colours. */
export async function screen(
  { columns, colours, unicode = true }: Look,
  show: (ui: { checklist(items: readonly CheckItem[]): void; event(event: DatEvent): void }) => void
): Promise<string[]> {
  const sink = new MemoryStream({ columns })
  const output = new Output(sink)
  show(new TtyUi(output, output, { paint: await createPaint(colours), debug: false, quiet: false, unicode }))
  return standing(sink.text)
}

/** What a terminal makes of a text: lines, the cursor going up, and the rest of a line wiped out. */
export function standing(text: string): string[] {
  const lines = ['']
  let row = 0
  for (const [part] of text.matchAll(/\x1b\[\d+A|\x1b\[K|\r|\n|(?:(?!\x1b\[\d+A|\x1b\[K)[^\r\n])+/g)) {
    const up = /^\x1b\[(\d+)A$/.exec(part)
    if (up) row = Math.max(0, row - Number(up[1]))
    else if (part === '\n') row++
    else if (part === '\r') lines[row] = ''
    else if (part !== '\x1b[K') lines[row] = (lines[row] ?? '') + part
    lines[row] ??= ''
  }
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}
