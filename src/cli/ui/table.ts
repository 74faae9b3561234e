import { formatBytes } from '../../base/sizes.js'
import { printable } from '../../base/terminal-text.js'
import { amount, formatDate, LIST_LIMIT, listFailures } from './format.js'
import { invitedOnly } from './invited-only.js'

/** One file of `dat ls`. */
export interface ListEntry {
  path: string
  bytes: number
  /** ms since 1970, null if unknown. */
  modified: number | null
  kind: 'file' | 'link' | 'folder'
  executable: boolean
}

/** One line of `dat ls`: size, date, name; marked as by `ls -F`. */
export function listLine(entry: ListEntry): string {
  const size = entry.kind === 'file' ? formatBytes(entry.bytes) : '-'
  const mark = { folder: '/', link: '@', file: entry.executable ? '*' : '' }[entry.kind]
  return `${size.padStart(8)}  ${formatDate(entry.modified).padEnd(16)}  ${printable(entry.path)}${mark}`
}

/** One change of `dat log`. */
export interface LogEntry {
  version: number
  op: 'put' | 'del'
  path: string
  bytes: number
  /** ISO, null if unknown. */
  date: string | null
}

/** One line of `dat log`: version, put or del, size, date, path. */
export function logLine(entry: LogEntry): string {
  const size = entry.op === 'put' ? formatBytes(entry.bytes) : '-'
  const date = formatDate(entry.date === null ? null : Date.parse(entry.date))
  return `${String(entry.version).padStart(6)}  ${entry.op}  ${size.padStart(8)}  ${date.padEnd(16)}  ${printable(entry.path)}`
}

export interface StatusReport {
  /** null where it lets nobody in. */
  link: string | null
  role: 'owner' | 'clone'
  dir: string
  version: number
  files: number
  bytes: number
  complete: boolean
  missing: readonly { path: string; reason: string }[]
  missingBytes: number
  changed: readonly { path: string; reason: string }[]
}

/** `dat status` as a text of several lines. */
export function statusText(status: StatusReport): string {
  const row = (name: string, value: string) => `${name.padEnd(9)} ${value}`
  const lines = [
    row('link', linkText(status)),
    row('role', status.role === 'owner' ? 'owner (this folder is the source)' : 'clone'),
    row('folder', printable(status.dir)),
    row('version', String(status.version)),
    row('files', amount(status.files, status.bytes)),
    row('complete', completeText(status)),
    ...listFailures(status.missing),
    row('changed', status.changed.length === 0 ? 'nothing since' : `${status.changed.length} since:`)
  ]
  for (const { path, reason } of status.changed.slice(0, LIST_LIMIT)) {
    lines.push(`  ${printable(reason).padEnd(8)} ${printable(path)}`)
  }
  if (status.changed.length > LIST_LIMIT) lines.push(`  and ${status.changed.length - LIST_LIMIT} more`)
  return lines.join('\n')
}

function linkText({ link, role, dir }: Pick<KeysView, 'link' | 'role' | 'dir'>): string {
  return link === null ? invitedOnly(role === 'owner' ? dir : null) : printable(link)
}

export interface KeysView {
  /** null where it lets nobody in. */
  link: string | null
  role: 'owner' | 'clone' | 'former'
  dir: string
  secrets: readonly string[]
  exported: { time: string; file: string } | null
}

const ROLES = {
  owner: 'owner (this folder is the source)',
  clone: 'clone (the keys are on another computer)',
  former: 'clone, the owner once'
}

/** `dat keys` as a text of several lines. */
export function keysText(view: KeysView): string {
  const { role, dir, secrets, exported } = view
  const row = (name: string, value: string) => `${name.padEnd(9)} ${value}`
  const lines = [row('link', linkText(view)), row('role', ROLES[role]), row('folder', printable(dir))]
  if (exported) lines.push(row('exported', `${formatDate(Date.parse(exported.time))}, to ${printable(exported.file)}`))
  for (const [i, folder] of secrets.entries()) lines.push(row(i === 0 ? 'key in' : '', printable(folder)))
  return lines.join('\n')
}

function completeText(status: StatusReport): string {
  if (status.complete) return 'yes'
  return `no: ${amount(status.missing.length, status.missingBytes)} missing`
}

/** One problem that `dat verify` found. */
export interface Problem {
  path: string
  problem: 'damaged' | 'missing' | 'altered'
  repaired: boolean
}

/** One line of `dat verify`: what is wrong, and with which file. */
export function problemLine({ path, problem, repaired }: Problem): string {
  return `${problem.padEnd(8)} ${printable(path)}${repaired ? ' (repaired)' : ''}`
}

/** One line of a dry run: what would be done with which file. */
export function plannedLine(planned: { path: string; action: 'get' | 'remove'; bytes: number }): string {
  return `${planned.action.padEnd(6)}  ${formatBytes(planned.bytes).padStart(8)}  ${printable(planned.path)}`
}
