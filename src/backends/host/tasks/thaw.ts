// Killed processes that were frozen.
import type { CallOptions } from '../../../model/common.js'
import { sleep } from '../../../util/abort.js'

const attempts = 8

/**
 * After a kill, since a frozen process does not even die. Some runtimes thaw by themselves and then refuse to do it again, while
 * who looks after the process takes it for paused until it has heard of its end.
 */
export async function thaw(resume: () => Promise<void>, isPaused: () => Promise<boolean>, { signal }: CallOptions): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await resume()
      return
    } catch (error) {
      signal?.throwIfAborted()
      if (!(await isPaused())) return
      if (attempt === attempts) throw error
      await sleep(50 * attempt, signal)
    }
  }
}
