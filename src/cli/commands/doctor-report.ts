import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileError } from '../../base/errors.js'
import type { PairResult } from '../../base/pair-events.js'
import type { Evidence } from '../../diagnostics/evidence.js'
import type { Verdict } from '../../diagnostics/verdicts.js'
import type { Context } from '../context.js'

/** What `--report FILE` wants, and what this computer has found out about its own network. */
export interface Findings {
  evidence: Evidence
  verdict: Verdict
}

/** Where a report goes; `file` as the user wrote it. */
export interface ReportTo {
  file: string
  version: string
}

/**
 * Writes the report, over an older one.
 * @param pair the test of two computers, if there was one
 * @throws DatError DISK_FULL, PERMISSION and the like
 */
export async function writeReport(
  { cwd, ui }: Context,
  { file, version }: ReportTo,
  { evidence, verdict }: Findings,
  pair?: PairResult
): Promise<void> {
  const { reportText } = await import('../../diagnostics/report.js')
  const { relays, clocks: _, ...rest } = evidence
  const text = reportText(verdict, [...Object.values(rest), ...relays], { version, date: new Date() }, pair)
  const path = resolve(cwd, file)
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw fileError(error, `write ${path}`)
  }
  ui.info(`\nThe report is in ${file}`)
}
