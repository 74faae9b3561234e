import { DatError } from '../base/errors.js'

/**
 * A value that was written to the index as JSON. RocksDB checks what it reads, so anything else means that something
 * has written into the index that was not dat.
 * @throws DatError INDEX_DAMAGED
 */
export function parseStored(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString())
  } catch (error) {
    throw damaged(error)
  }
}

/**
 * The same for a list.
 * @throws DatError INDEX_DAMAGED
 */
export function parseList<T extends unknown[]>(value: Uint8Array): T {
  const list = parseStored(value)
  if (!Array.isArray(list)) throw damaged()
  return list as T
}

function damaged(cause?: unknown): DatError {
  return new DatError('INDEX_DAMAGED', 'the index is damaged: it holds what dat did not write', { cause })
}
