import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import type { ProcessRef, TerminalSize } from '../../../model/process.js'
import type { LogPlan, TaskIo } from '../../../ports/engine/tasks.js'
import type { Attachment, LogEntry, LogOptions } from '../../../ports/streams.js'
import { within } from '../../../util/abort.js'
import { readLog } from '../log-read.js'
import { OpenFile } from '../open-file.js'
import type { TailSource } from '../tail.js'
import { TaskAttachment, resize } from './attachment.js'
import type { Watch } from './exits.js'
import { type TaskContext, mustKnow, named } from './context.js'

/** Of the output of a process that has ended: a shim may still be copying it. */
const copyMs = 3_000

/** Output is in files, so any number may attach. */
export class CarriedTaskIo implements TaskIo {
  readonly #context: TaskContext
  constructor(context: TaskContext) {
    this.#context = context
  }

  async attach(ref: ProcessRef, options: CallOptions = {}): Promise<Attachment> {
    options.signal?.throwIfAborted()
    const found = await mustKnow(this.#context, ref, options)
    const { files, state } = found
    if ((await files.exit(state)) !== undefined) throw new EngineError('failed_precondition', `${named(ref)} does not run`)
    const sources: TailSource[] = []
    for (const stream of ['stdout', 'stderr'] as const) {
      const path = state[stream]
      if (path === undefined) continue
      const file = OpenFile.open(path)
      sources.push({ stream, path, file, position: file.size })
    }
    const watch = this.#context.exits.watch(files, state)
    watch.exit.catch(() => {})
    return new TaskAttachment(this.#context, found, sources, watch)
  }
  async resize(ref: ProcessRef, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    await resize(this.#context, await mustKnow(this.#context, ref, options), size, options)
  }
  async *logs(plan: LogPlan, options: LogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
    options.signal?.throwIfAborted()
    if (plan.driver === 'none') throw new EngineError('unsupported', 'log driver "none" keeps nothing to read')
    const live = options.follow === true ? await this.#writer(plan.directory) : undefined
    // Who has been told of an end finds all output, unless something that inherited it holds that up.
    if (options.follow !== true) await within(copyMs, () => this.#context.exits.copied(plan.directory), { signal: options.signal })
    yield* readLog(plan.directory, { ...options, ended: live?.finished })
  }

  /** The live process that writes there; `undefined`: none does. */
  async #writer(directory: string): Promise<Pick<Watch, 'finished'> | undefined> {
    for await (const { files, state } of this.#context.files.list()) {
      if (state.log !== directory || !(await files.started())) continue
      const watch = this.#context.exits.watched(state)
      if (watch === undefined && (await files.exit(state)) !== undefined) return undefined
      const { finished, exit } = watch ?? this.#context.exits.watch(files, state)
      exit.catch(() => {})
      return { finished }
    }
    return undefined
  }
}
