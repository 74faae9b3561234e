import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { BOOTSTRAP } from './lab.js'
import { environment } from './pair.js'

/** `dat doctor` run on a1, and judged: its verdict, its warnings, its exit code and its time. */

/** More nodes than one, so that none decides alone. */
export const SEVERAL = [BOOTSTRAP, '5.5.0.2:49737', '5.5.0.3:49737'].join(',')
const LIMIT_SECONDS = 15
/** Where all is well. */
const WELL_SECONDS = 5
const RUNS = 3

/**
 * @typedef {object} Case
 * @property {string} name what is tested
 * @property {string[]} args options of `dat doctor`
 * @property {Record<string, string>} [env] beside the lab's own
 * @property {[string, number]} verdict the right one, and the exit code
 * @property {string[]} [warnings] the right ones, in order
 * @property {boolean} [certain] whether it has to be sure, or unsure; either, when left out
 * @property {string} [says] what the title or the advice of a warning has to name
 * @property {number} [seconds] a limit other than that of the verdict
 * @property {number} [rest] seconds of silence before another run
 */

/** Runs a case as often as the options say, and judges it by the tally. @param {Case} wanted */
export async function diagnose(session, wanted) {
  const wrong = []
  const limit = wanted.seconds ?? (wanted.verdict[1] === 0 ? WELL_SECONDS : LIMIT_SECONDS)
  let slowest = 0
  const runs = session.options.runs ?? (session.quick ? 1 : RUNS)
  for (let i = 0; i < runs; i++) {
    if (i > 0 && wanted.rest) await pause(wanted.rest * 1000)
    const found = await examine(session, wanted)
    if (session.options.record) await record(session.options.record, wanted.name, found.events)
    slowest = Math.max(slowest, found.seconds)
    const why = complaint(found, wanted)
    if (why) wrong.push(runs > 1 ? `run ${i + 1}: ${why}` : why)
  }
  const detail = `${runs} ${runs === 1 ? 'run' : 'runs'}, ${slowest.toFixed(1)} s at most`
  const name = `doctor: ${wanted.name}`
  if (wrong.length > 0) session.tally.judge(name, wrong.join('; '), detail)
  else session.tally.goal(name, slowest > limit ? `more than ${limit} s` : null, detail)
}

async function examine({ lab, options, folder }, { args, env = {} }) {
  const child = lab.launch('a1', process.execPath, [options.dat, 'doctor', '--json', ...args], {
    cwd: folder,
    env: environment(folder, env)
  })
  const { code } = await Promise.race([child.exit, late(2 * LIMIT_SECONDS)])
  if (code === undefined) await child.kill()
  const seconds = ((child.endedAt ?? performance.now()) - child.startedAt) / 1000
  return { code, seconds, verdict: child.events.find(({ type }) => type === 'verdict'), events: child.events }
}

/** Keeps what the probes found, for tests of what is shown of it. */
async function record(folder, name, events) {
  const probes = events
    .filter(({ type }) => type === 'probe')
    .map(({ id, status, summary, evidence, ms }) => ({ id, status, summary, evidence, ms }))
  const file = `${name.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.json`
  await writeFile(join(folder, file), `${JSON.stringify(probes, null, 2)}\n`)
}

function complaint({ code, verdict, events }, { verdict: [wanted, exit], warnings = [], ...more }) {
  const wrong = []
  if (verdict?.code !== wanted) wrong.push(`says ${verdict?.code}: ${summaries(events)}`)
  if (code !== exit) wrong.push(`exit ${code}`)
  const warned = verdict?.warnings ?? []
  const codes = warned.map((warning) => warning.code).join()
  if (codes !== warnings.join()) wrong.push(`warns of ${codes || 'nothing'}: ${summaries(events)}`)
  const words = warned.flatMap(({ title, advice }) => [title, ...advice]).join(' ')
  if (more.says && !words.includes(more.says)) wrong.push(`does not name ${more.says}: ${words}`)
  if (more.certain !== undefined && verdict?.certain !== more.certain) wrong.push(`doubt: "${verdict?.doubt}"`)
  return wrong.length > 0 ? wrong.join(', ') : null
}

function summaries(events) {
  return events
    .filter(({ type }) => type === 'probe')
    .map(({ id, status, summary }) => `${id} ${status} (${summary})`)
    .join(', ')
}

function late(seconds) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, {}).unref())
}
