import { EngineError } from '../../../errors.js'

/** Resolves with whether it was there to get it. */
export function sendSignal(pid: number, signal: number): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ESRCH') return false
    if (code === 'EPERM') throw new EngineError('permission_denied', `process "${pid}" may not be signalled`, { cause: error })
    throw error
  }
}
