// Tells what is done and how long it took, and takes back what was made, in reverse, whatever happened.
export interface Output {
  write(text: string): unknown
}

export class Steps {
  readonly #output: Output
  readonly #undos: { readonly name: string; readonly undo: () => Promise<unknown> }[] = []

  constructor(output: Output) {
    this.#output = output
  }

  /** What `work` returns; a text from `result` is shown beside the time. */
  async run<T>(name: string, work: () => Promise<T>, result?: (value: T) => string): Promise<T> {
    this.#output.write(`> ${name}\n`)
    const begun = performance.now()
    const took = (): string => `${((performance.now() - begun) / 1000).toFixed(2)} s`
    try {
      const value = await work()
      this.#output.write(`  ${[took(), ...(result === undefined ? [] : [result(value)])].join(', ')}\n`)
      return value
    } catch (error) {
      this.#output.write(`  failed after ${took()}\n`)
      throw error
    }
  }
  say(line: string): void {
    this.#output.write(`  ${line}\n`)
  }
  /** To be undone at the end. */
  defer(name: string, undo: () => Promise<unknown>): void {
    this.#undos.push({ name, undo })
  }
  /** All of it, also when some of it fails; then false, and what failed has been told. */
  async undo(): Promise<boolean> {
    let complete = true
    for (const { name, undo } of this.#undos.splice(0).reverse()) {
      try {
        await this.run(name, undo)
      } catch (error) {
        complete = false
        this.say(error instanceof Error ? error.message : String(error))
      }
    }
    return complete
  }
}

/** A container's output, each line marked as its own. */
export function quoted(output: Output): { write(bytes: Uint8Array): void; end(): void } {
  const decoder = new TextDecoder()
  let atStart = true
  const write = (text: string): void => {
    if (text === '') return
    const marked = text.replaceAll(/\n(?=.)/gs, '\n  | ')
    output.write((atStart ? '  | ' : '') + marked)
    atStart = text.endsWith('\n')
  }
  return {
    write: (bytes) => write(decoder.decode(bytes, { stream: true })),
    end: () => {
      if (!atStart) output.write('\n')
      atStart = true
    },
  }
}
