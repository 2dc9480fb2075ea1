import { linkedSignal } from '../../util/abort.js'

/** Runs them all at once. The first failure aborts the others, and is thrown when all of them have ended. */
export async function together(
  works: readonly ((signal: AbortSignal) => Promise<unknown>)[],
  signal: AbortSignal | undefined,
): Promise<void> {
  using linked = linkedSignal(signal)
  let first: { readonly error: unknown } | undefined
  await Promise.all(
    works.map(async (work) => {
      try {
        await work(linked.signal)
      } catch (error) {
        first ??= { error }
        linked.abort(error)
      }
    }),
  )
  if (first !== undefined) throw first.error
}
