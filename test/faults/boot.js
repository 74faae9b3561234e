import { openDrive, placeOf } from '../../dist/core/drive.js'

/** Makes an index say that it was open when the computer went down: at another boot than this one. */
export async function pretendBoot(root) {
  const open = await openDrive({ place: placeOf(root, null), create: null }).catch((error) => {
    if (error.code === 'NOT_A_CLONE') return null
    throw error
  })
  if (!open) return
  const batch = open.index.batch()
  batch.putMeta('session', { boot: 1, started: Date.now() - 3_600_000 })
  await batch.flush()
  await open.close()
}
