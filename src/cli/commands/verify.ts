import { DatError, type Failure } from '../../base/errors.js'
import type { Context } from '../context.js'
import { amount, countOf } from '../ui/format.js'
import { problemLine } from '../ui/table.js'
import { absolute, patience } from './arguments.js'

export interface VerifyArguments {
  dir: string
  repair?: boolean
  timeout?: string
}

/**
 * `dat verify [dir]`: re-hashes every file, and with `--repair` puts right what is wrong.
 * @throws DatError PARTIAL while something is still wrong
 */
export async function verify(context: Context, args: VerifyArguments): Promise<void> {
  const { timeout, endEarly } = patience(args.timeout)
  const repair = args.repair === true
  const { ui } = context
  ui.begin('verify', { timeout: repair ? timeout : null })
  const core = await import('../../core/verify.js')
  const result = await core.verify({
    ...context.common,
    dir: absolute(context.cwd, args.dir),
    repair,
    timeout,
    endEarly
  })
  const repaired = new Set(result.repaired)
  for (const { path, problem } of result.problems) {
    const row = { type: 'problem', path, problem, repaired: repaired.has(path) }
    await ui.row(row, problemLine(row))
  }
  const { files, bytes, problems } = result
  const left: Failure[] = problems
    .filter(({ path }) => !repaired.has(path))
    .map(({ path, problem }) => ({ path, reason: problem }))
  const summary = { type: 'verified', files, bytes, problems: problems.length, repaired: repaired.size }
  const verdict =
    problems.length === 0 ? 'all intact' : `${countOf(problems.length, 'problem')}, ${repaired.size} repaired`
  await ui.row(summary, `${amount(files, bytes)} checked: ${verdict}`)
  if (left.length === 0) return
  throw new DatError('PARTIAL', `${countOf(left.length, 'file')} ${left.length === 1 ? 'is' : 'are'} not as shared`, {
    failures: left,
    hint: repair ? undefined : 'run `dat verify --repair` to put that right'
  })
}
