/** What `work` makes of each item, in their order, with so many under way at once. After a failure or an early end nothing new begins. */
export async function* inOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<Awaited<R>, void, undefined> {
  const running: Promise<R>[] = []
  let next = 0
  const begin = (): void => {
    const item = items[next++] as T
    const one = work(item)
    one.catch(() => {}) // it may never be waited for
    running.push(one)
  }
  while (next < items.length && running.length < atOnce) begin()
  for (let first = running.shift(); first !== undefined; first = running.shift()) {
    const result = await first
    if (next < items.length) begin()
    yield result
  }
}
