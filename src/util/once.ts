/** Calls `make` at the first use and keeps what it gave, so that an import does no work. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}
