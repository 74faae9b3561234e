import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { systemCode } from '../base/errors.js'
import type { TcpOutcome } from './evidence.js'
import { obstacleOf } from './obstacle.js'

export interface Connected {
  outcome: TcpOutcome
  ms: number
  /** Only with the outcome `connected`: to be destroyed by the caller. */
  socket: Socket | null
}

/** Connects by TCP, and says how it came out. Gives up when the signal fires. */
export function tcpConnect(address: string, port: number, signal: AbortSignal): Promise<Connected> {
  return new Promise((resolve) => {
    const began = performance.now()
    const socket = connect({ host: address, port })
    const settle = (outcome: TcpOutcome) => {
      signal.removeEventListener('abort', onabort)
      const open = outcome === 'connected'
      socket.off('connect', onconnect)
      socket.off('error', onerror)
      socket.on('error', () => {})
      if (!open) socket.destroy()
      resolve({ outcome, ms: performance.now() - began, socket: open ? socket : null })
    }
    const onabort = () => settle('silent')
    const onconnect = () => settle('connected')
    const onerror = (error: Error) => settle(outcomeOf(systemCode(error)))
    socket.on('connect', onconnect)
    socket.on('error', onerror)
    signal.addEventListener('abort', onabort, { once: true })
    if (signal.aborted) onabort()
  })
}

function outcomeOf(code: string): TcpOutcome {
  // Something answered, whoever it was.
  if (code === 'ECONNRESET') return 'refused'
  return obstacleOf(code) ?? 'silent'
}
