import type { CallOptions, Closeable } from '../../model/common.js'

/**
 * Locks between all processes on one root, by name. The kernel frees them when the holder dies, so none is ever stale.
 * Not re-entrant: the same holder waits for itself.
 */
export interface Locks {
  /**
   * Resolves when the lock is held; closing it frees it. Waits as long as it takes, in no promised order.
   * An abort rejects with the reason and holds nothing.
   */
  acquire(key: string, options?: CallOptions): Promise<Closeable>
  /** Never waits: `undefined` when somebody holds it. So repair tells what belongs to the dead. */
  tryAcquire(key: string, options?: CallOptions): Promise<Closeable | undefined>
  /**
   * Waits until this process is the only leader for `key`, then calls `work` once; settles as `work` does, after the
   * leadership is given up. The signal that `work` gets aborts with `options.signal`: work that goes on keeps the
   * leadership. What only one process of a root may do runs in here: restart policies, health checks, name service.
   */
  lead(key: string, work: (signal: AbortSignal) => Promise<void>, options?: CallOptions): Promise<void>
}
