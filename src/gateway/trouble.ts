import type { ContentTrouble } from '../core/file-content.js'
import { sendProblem } from './reply.js'
import type { Visit } from './visit.js'

/** What is said where content cannot be had: never other bytes in its place. */
const TROUBLES: Record<ContentTrouble, { status: number; title: string; text: string; retry: boolean }> = {
  changed: {
    status: 409,
    title: 'This file has changed',
    text: 'It was changed after it was shared, so what is here now is not what was shared. Once it is shared again, this works again.',
    retry: true
  },
  missing: {
    status: 503,
    title: 'This file is not here',
    text: 'This computer has only a part of the share, and no computer that has this file can be reached now. Try again later.',
    retry: true
  },
  indexing: {
    status: 503,
    title: 'This file is not ready yet',
    text: 'It is still being read by the computer that shares it. Try again in a moment.',
    retry: true
  }
}

export function sendTrouble({ request, response }: Visit, trouble: ContentTrouble): void {
  const { status, title, text, retry } = TROUBLES[trouble]
  sendProblem(request, response, status, title, text, retry ? { 'Retry-After': 10 } : {})
}
