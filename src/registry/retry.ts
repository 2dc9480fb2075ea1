// When to ask a registry again, and how long to wait before.
import type { CallOptions } from '../model/common.js'
import type { EngineError } from '../errors.js'
import { sleep } from '../util/abort.js'

export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number
  /** Before the first retry; twice as long before each further one. */
  readonly baseMs: number
  /** A server that asks for a longer pause is not waited for. */
  readonly maxRetryAfterMs: number
  /** How to wait. For tests. */
  readonly sleep?: typeof sleep | undefined
}
export const defaultRetry: RetryPolicy = { retries: 5, baseMs: 250, maxRetryAfterMs: 60_000 }

export type Attempt<T> = { readonly value: T } | { readonly failure: EngineError; readonly afterMs?: number | undefined }

/** Throws the last failure when no attempt is left. */
export async function retrying<T>(work: () => Promise<Attempt<T>>, policy: RetryPolicy, { signal }: CallOptions): Promise<T> {
  for (let retries = 0; ; retries++) {
    const attempt = await work()
    if ('value' in attempt) return attempt.value
    const { failure, afterMs } = attempt
    if (retries >= policy.retries || (afterMs ?? 0) > policy.maxRetryAfterMs) throw failure
    await (policy.sleep ?? sleep)(afterMs ?? backoffMs(retries, policy), signal)
  }
}

/** With jitter, so that many clients do not come back at the same moment. */
export function backoffMs(retries: number, { baseMs }: RetryPolicy): number {
  return Math.min(baseMs * 2 ** retries, 10_000) * (0.5 + Math.random() / 2)
}

/** RFC 9110 §10.2.3: seconds or a date. What is neither is as if it were absent. */
export function parseRetryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
