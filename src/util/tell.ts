/** Calls a listener of the caller's, if there is one. Its own bug is nobody else's. */
export function tell<A extends readonly unknown[]>(listener: ((...args: A) => unknown) | undefined, ...args: A): void {
  try {
    listener?.(...args)
  } catch {
    /* as above */
  }
}
