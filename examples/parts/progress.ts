// Shows how a pull goes: one line per layer on a terminal, drawn anew as it changes; else a line whenever a layer gets to its next phase.
import type { TransferProgress } from 'pouch-sdk'

export interface ProgressOutput {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

const redrawMs = 80

export class ProgressDisplay {
  readonly #output: ProgressOutput
  readonly #layers = new Map<string, TransferProgress>()
  #drawn = 0
  #drawnAt = -Infinity

  constructor(output: ProgressOutput) {
    this.#output = output
  }

  show(progress: TransferProgress): void {
    const { layer = '' } = progress
    const before = this.#layers.get(layer)
    if (this.#output.isTTY === true) {
      // Only layers have a line: what concerns the whole image would come and go.
      if (layer === '') return
      this.#layers.set(layer, progress)
      if (performance.now() - this.#drawnAt >= redrawMs) this.#draw()
    } else {
      this.#layers.set(layer, progress)
      if (before?.phase !== progress.phase) this.#output.write(`  ${describe(progress)}\n`)
    }
  }
  /** The last state, whatever was drawn last. */
  end(): void {
    if (this.#output.isTTY === true && this.#layers.size > 0) this.#draw()
  }

  #draw(): void {
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : ''
    const lines = [...this.#layers.values()].map(
      (progress) => `\u001b[2K  ${describe(progress).slice(0, (this.#output.columns ?? 80) - 3)}\n`,
    )
    this.#output.write(up + lines.join(''))
    this.#drawn = lines.length
    this.#drawnAt = performance.now()
  }
}

function describe({ phase, layer, doneBytes, totalBytes }: TransferProgress): string {
  const name = layer === undefined ? 'image' : layer.replace(/^sha256:/, '').slice(0, 12)
  const size =
    totalBytes === undefined ? (doneBytes > 0 ? megabytes(doneBytes) : '') : `${megabytes(doneBytes)} of ${megabytes(totalBytes)}`
  return `${name.padEnd(12)}  ${phase.padEnd(8)}  ${phase === 'done' ? megabytes(totalBytes ?? doneBytes) : size}`.trimEnd()
}
function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
