// FIFOs ahead of need: Node cannot make one, and a process for each container would cost more than the rest of its output.
import { mkdirSync, renameSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hasErrno } from '../../../util/fs-error.js'
import type { ProgramRunner } from '../../host/programs.js'
import { removeTree } from '../../host/small-files.js'

/** One program's work, and a start for it; who needs more gets more at once. */
const smallestBatch = 16
const largestBatch = 256

export class FifoPool {
  readonly #directory: string
  readonly #run: ProgramRunner
  readonly #ready: string[] = []
  #making: Promise<void> | undefined
  #count = 0
  #batch = smallestBatch
  #made = false

  /** `directory` is this pool's own: made when need be, removed by `close`. */
  constructor(directory: string, run: ProgramRunner) {
    this.#directory = directory
    this.#run = run
  }
  /** One that has a name in the pool: to be opened, then unlinked. Mode 0600. */
  async take(): Promise<string> {
    for (;;) {
      const path = this.#ready.pop()
      if (path !== undefined) return path
      await (this.#making ??= this.#make().finally(() => {
        this.#making = undefined
      }))
    }
  }
  async place(path: string): Promise<void> {
    const fifo = await this.take()
    try {
      renameSync(fifo, path)
    } catch (error) {
      this.#ready.push(fifo)
      if (!hasErrno(error, 'EXDEV')) throw error
      await this.#run('mkfifo', ['-m', '600', path])
    }
  }
  async close(): Promise<void> {
    await this.#making?.catch(() => {})
    this.#ready.length = 0
    if (this.#made) await removeTree(this.#directory)
  }

  async #make(): Promise<void> {
    if (!this.#made) mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    this.#made = true
    const paths = Array.from({ length: this.#batch }, () => join(this.#directory, String((this.#count += 1))))
    this.#batch = Math.min(this.#batch * 2, largestBatch)
    await this.#run('mkfifo', ['-m', '600', ...paths])
    this.#ready.push(...paths)
  }
}

/** Once it is open nobody else shall find it. */
export function forget(path: string): void {
  unlinkSync(path)
}
