import type { ShareWork } from '../background/records.js'

/** A folder that is to be shared whenever the computer runs. There is no secret in it: others may read what becomes of it. */
export interface ServiceSpec {
  /** Of the service; letters, digits, `.`, `_` and `-` only. */
  name: string
  dir: string
  work: ShareWork
  /** The program with its arguments, absolute. */
  command: readonly string[]
  environment: Readonly<Record<string, string>>
}

/** What a service file says of itself, so that the folder can be had back from it. */
export interface ServiceNote {
  dir: string
  work: ShareWork
}

/** The note in letters that no file format has a meaning for. */
export function formatNote({ dir, work }: ServiceNote): string {
  return `dat-service: {"dir":"${inWords(dir)}","work":"${work}"}`
}

/** The note in the text of a service file; null if the file is none of ours. */
export function readNote(text: string): ServiceNote | null {
  const json = /dat-service: (\{.*\})/.exec(text)?.[1]
  if (!json) return null
  try {
    const { dir, work } = JSON.parse(json) as Partial<Record<keyof ServiceNote, unknown>>
    return typeof dir === 'string' && (work === 'share' || work === 'sync') ? { dir, work } : null
  } catch {
    return null
  }
}

function inWords(text: string): string {
  return text.replace(/[^\w ./]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
