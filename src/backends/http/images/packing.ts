// Archives that are written while they are read.
import { type Pack, pack } from 'tar-stream'

/** What `add` puts into an archive, as it comes. What it throws, the bytes throw; who stops reading ends it, and it is waited for. */
export async function* packedBy(add: (tar: Pack) => Promise<void>): AsyncGenerator<Uint8Array, void, undefined> {
  const tar = pack()
  const packing = add(tar).then(
    () => {
      tar.finalize()
    },
    (error: Error) => {
      tar.destroy(error)
    },
  )
  try {
    yield* tar
  } finally {
    tar.destroy()
    await packing
  }
}
