import type { EntryValue } from 'hyperdrive'
import { DatError } from '../base/errors.js'
import { formatLink } from '../base/link.js'
import { type FileRecord, sameFingerprint } from '../storage/file-record.js'
import { ChangeBatch } from './change-batch.js'
import { badBlocks, contentHash } from './content-check.js'
import { hashOfAssembled } from './download-records.js'
import { startDownload } from './download-session.js'
import { type OpenDrive, openDrive, placeOf } from './drive.js'
import { fileKeys, pathOfKey } from './entry.js'
import { savedRules } from './ignore-options.js'
import { Import } from './import.js'
import { alsoAt } from './places.js'
import { findFolder } from './pull.js'
import { readSaved } from './saved-clone.js'
import { Selection } from './selection.js'
import type { CommonOptions } from './session.js'
import { SourceRoot } from './source-root.js'
import { look, QUIETLY } from './walk.js'

export interface VerifyOptions extends CommonOptions {
  dir: string
  /** Fetch what is wrong again (clone), or index it again (owner). */
  repair: boolean
  /** Seconds to wait for a peer to repair from; 0 for ever. */
  timeout: number
  /** Give up sooner when there is evidence that nobody can be found now. */
  endEarly?: boolean
}

export interface Problem {
  path: string
  /** damaged: the bytes changed though size and time did not. missing: it is gone. altered: it was written to. */
  problem: 'damaged' | 'missing' | 'altered'
}

export interface VerifyReport {
  files: number
  bytes: number
  problems: Problem[]
  repaired: string[]
}

const REPORT_MS = 250

/**
 * Hashes every file again and compares it with the signed tree.
 * @throws DatError NOT_A_FOLDER, NOT_A_CLONE, INDEX_LOCKED (with `repair`), INDEX_DAMAGED, NO_PEER, PARTIAL
 */
export async function verify(options: VerifyOptions): Promise<VerifyReport> {
  const root = await findFolder(options.dir)
  const { home } = options
  const place = placeOf(root, options.store, home)
  const open = await openDrive({ place, create: null, readOnly: !options.repair, work: 'verify', home })
  let closed = false
  try {
    const report = await check(open, options)
    if (!options.repair || report.problems.length === 0) return report
    if (open.identity.role === 'owner') {
      await indexAgain(open, report, options)
      report.repaired = report.problems.map((problem) => problem.path)
    } else {
      closed = true
      await fetchAgain(open, report, options)
      report.repaired = report.problems.map((problem) => problem.path)
    }
    return report
  } finally {
    if (!closed) await open.close()
  }
}

async function check(open: OpenDrive, options: VerifyOptions): Promise<VerifyReport> {
  const result: VerifyReport = { files: 0, bytes: 0, problems: [], repaired: [] }
  let filesTotal = 0
  let bytesTotal = 0
  let last = 0
  const progress = (force: boolean): void => {
    if (!force && Date.now() - last < REPORT_MS) return
    last = Date.now()
    options.report({
      type: 'import.progress',
      filesDone: result.files,
      filesTotal,
      bytesDone: result.bytes,
      bytesTotal
    })
  }
  for await (const record of open.index.records()) {
    if (record.kind !== 'file') continue
    filesTotal++
    bytesTotal += record.size
  }
  for await (const record of open.index.records()) {
    if (options.signal.aborted) throw new DatError('INTERRUPTED', 'stopped before everything was verified')
    if (record.kind !== 'file' || record.state === 'partial') continue
    const problem = await checkFile(open, record, (bytes) => {
      result.bytes += bytes
      progress(false)
    })
    result.files++
    if (problem) result.problems.push({ path: record.path, problem })
  }
  if (open.identity.role === 'clone') await findAbsent(open, result)
  progress(true)
  return result
}

async function checkFile(
  open: OpenDrive,
  record: FileRecord,
  onbytes: (bytes: number) => void
): Promise<Problem['problem'] | null> {
  const { root } = open
  const found = await look({ root, workers: open.workers, ...QUIETLY }, record.path)
  if (found?.kind !== 'file') return 'missing'
  if (found.size !== record.size) return 'altered'
  const wrong = sameFingerprint(found, record) ? 'damaged' : 'altered'
  const file = { root, path: record.path }
  const { range } = record
  if (range) {
    for await (const _bad of badBlocks(open, file, range, onbytes)) return wrong
    return null
  }
  const expected = hashOfAssembled(record)
  return expected === null || expected === (await contentHash(open, file, record.size, onbytes)) ? null : wrong
}

/** Files of the share that this clone has not put in their places; what is there instead is the user's. */
async function findAbsent(open: OpenDrive, result: VerifyReport): Promise<void> {
  const saved = await readSaved(open)
  const selection = new Selection(saved.include, saved.exclude, saved.under)
  for await (const { key } of open.drive.db.createReadStream<EntryValue>({}, fileKeys)) {
    const checked = pathOfKey(key)
    if (!checked.ok || !selection.wants(checked.relative)) continue
    const record = await open.index.get(checked.relative)
    if (record?.state === 'done') continue
    const instead = await look({ root: open.root, workers: open.workers, ...QUIETLY }, checked.relative)
    result.problems.push({ path: checked.relative, problem: instead ? 'altered' : 'missing' })
  }
}

async function indexAgain(open: OpenDrive, report: VerifyReport, options: VerifyOptions): Promise<void> {
  const forget = open.index.batch()
  for (const { path: name } of report.problems) {
    const record = await open.index.get(name)
    // No file was ever written at this time: the import takes it for changed, and reads it.
    if (record) forget.put({ ...record, mtime: -1 }, record)
  }
  await forget.flush()
  const batch = await ChangeBatch.create(open)
  try {
    const rules = await savedRules(open)
    const { signal, report: events } = options
    const root = await SourceRoot.open(open.place.root, !(await open.index.isEmpty()))
    const run = new Import({
      open,
      root,
      batch,
      rules,
      report: events,
      signal,
      suspects: new Set(),
      only: open.identity.file
    })
    await run.run([''])
    await run.finish()
  } finally {
    await batch.close()
  }
}

async function fetchAgain(open: OpenDrive, report: VerifyReport, options: VerifyOptions): Promise<void> {
  const content = await open.content()
  const forget = open.index.batch()
  for (const { path: name } of report.problems) {
    const record = await open.index.get(name)
    if (!record) continue
    forget.remove(record)
    if (!record.range) continue
    const { blockOffset, blockLength } = record.range
    await content.clear(blockOffset, Math.min(blockOffset + blockLength, content.length))
  }
  await forget.flush()
  const saved = await readSaved(open)
  const network = alsoAt(options.network, saved)
  const session = await startDownload({
    ...options,
    network,
    open,
    link: formatLink(open.drive.key),
    under: saved.under,
    include: saved.include,
    exclude: saved.exclude,
    pin: saved.version,
    dryRun: false,
    force: true,
    follow: false
  })
  const stop = (): void => void session.close()
  options.signal.addEventListener('abort', stop, { once: true })
  try {
    await session.finished
  } finally {
    options.signal.removeEventListener('abort', stop)
    await session.close()
  }
}
