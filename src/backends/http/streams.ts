// Streams of containers that run, and what they have said.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { TerminalSize } from '../../model/process.js'
import type { AttachOptions, ContainerStreams } from '../../ports/backend/containers.js'
import type { Attachment, LogEntry, LogOptions } from '../../ports/streams.js'
import { attachTo, resizeContainer } from './attach.js'
import { type ContainerContext, containerSubject, doesNotRun, inspect } from './container-context.js'
import { containerLogs } from './logs.js'
import { isRunning } from './wire/container-info.js'

export class HttpStreams implements ContainerStreams {
  readonly #context: ContainerContext
  constructor(context: ContainerContext) {
    this.#context = context
  }

  async attach(id: string, { stdin = false, signal }: AttachOptions = {}): Promise<Attachment> {
    const answer = await inspect(this.#context, id, { signal })
    if (!isRunning(answer.State)) throw doesNotRun(id)
    if (stdin && answer.Config.OpenStdin !== true)
      throw new EngineError('failed_precondition', `container "${id}" has no stdin`, { subject: containerSubject(id) })
    return attachTo(this.#context, answer, { stdin, signal })
  }
  async resize(id: string, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    const { Config } = await inspect(this.#context, id, options)
    await resizeContainer(this.#context, id, Config.Tty === true, size, options)
  }
  logs(id: string, options?: LogOptions): AsyncIterable<LogEntry> {
    return containerLogs(this.#context, id, options)
  }
}
