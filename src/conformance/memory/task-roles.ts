// TaskIo and TaskControl of MemoryTasks.
import { EngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { ProcessEntry, ProcessRef, RuntimeResources, TerminalSize } from '../../model/process.js'
import type { LogPlan, ResourceSample, StartedProcess, TaskControl, TaskIo, TaskRequest } from '../../ports/engine/tasks.js'
import type { Attachment, LogEntry, LogOptions, OutputChunk } from '../../ports/streams.js'
import { LineSplitter } from '../../util/lines.js'
import type { MemoryProcess } from './process.js'

export interface MemoryRuns {
  /** By container id, or `container/exec`. */
  readonly processes: Map<string, MemoryProcess>
  /** All runs whose output went to a log, by its directory. */
  readonly logs: Map<string, readonly MemoryProcess[]>
}

export class MemoryTaskIo implements TaskIo {
  readonly #runs: MemoryRuns
  constructor(runs: MemoryRuns) {
    this.#runs = runs
  }
  async attach(ref: ProcessRef, options: CallOptions = {}): Promise<Attachment> {
    options.signal?.throwIfAborted()
    const process = mustRun(this.#runs, ref)
    return process.attach(process.chunks.length)
  }
  async resize(ref: ProcessRef, size: TerminalSize, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    mustRun(this.#runs, ref).resize(size)
  }
  async *logs(plan: LogPlan, options: LogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
    const { signal, follow = false, tail, since, until, streams = ['stdout', 'stderr'] } = options
    signal?.throwIfAborted()
    if (plan.driver === 'none') throw new EngineError('unsupported', 'log driver "none" keeps nothing to read')
    const runs = this.#runs.logs.get(plan.directory) ?? []
    const wanted = (entry: LogEntry): boolean => streams.includes(entry.stream) && (since === undefined || entry.time >= since)
    const late = (): boolean => until !== undefined && new Date() >= until
    const present = runs.flatMap((process) => toEntries(process.chunks)).filter(wanted)
    for (const entry of tail === undefined ? present : present.slice(Math.max(0, present.length - tail))) {
      if (late()) return
      yield entry
    }
    const last = runs.at(-1)
    if (!follow || last === undefined) return
    for (let seen = last.chunks.length; ; ) {
      while (seen < last.chunks.length) for (const entry of toEntries(last.chunks.slice(seen, ++seen)).filter(wanted)) yield entry
      if (last.exit !== undefined || late()) return
      await last.next({ signal })
    }
  }
}

export class MemoryTaskControl implements TaskControl {
  readonly #runs: MemoryRuns
  constructor(runs: MemoryRuns) {
    this.#runs = runs
  }
  async pause(containerId: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    mustRun(this.#runs, { containerId }).paused = true
  }
  async resume(containerId: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    mustRun(this.#runs, { containerId }).paused = false
  }
  async update(containerId: string, _resources: RuntimeResources, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    mustRun(this.#runs, { containerId })
  }
  async stats(containerId: string, options: CallOptions = {}): Promise<ResourceSample> {
    options.signal?.throwIfAborted()
    mustRun(this.#runs, { containerId })
    return { time: new Date(), cpuNanos: 1_000_000, memoryBytes: 1 << 20, pids: 1 }
  }
  async processes(containerId: string, options: CallOptions = {}): Promise<readonly ProcessEntry[]> {
    options.signal?.throwIfAborted()
    const { pid } = mustRun(this.#runs, { containerId })
    return [{ pid, containerPid: 1, parentPid: 1, uid: 0, command: ['init'] }]
  }
  async checkpoint(containerId: string, _directory: string, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted()
    throw new EngineError('unsupported', `container "${containerId}" cannot be checkpointed here`)
  }
  async restore({ containerId }: TaskRequest, _directory: string, options: CallOptions = {}): Promise<StartedProcess> {
    options.signal?.throwIfAborted()
    throw new EngineError('unsupported', `container "${containerId}" cannot be restored here`)
  }
}

function mustRun({ processes }: MemoryRuns, { containerId, execId }: ProcessRef): MemoryProcess {
  const process = processes.get(execId === undefined ? containerId : `${containerId}/${execId}`)
  if (process === undefined) throw new EngineError('not_found', `container "${containerId}" has no such process`)
  if (process.exit !== undefined) throw new EngineError('failed_precondition', `container "${containerId}" does not run`)
  return process
}
function toEntries(chunks: readonly OutputChunk[]): LogEntry[] {
  const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() }
  const time = new Date()
  const entries: LogEntry[] = []
  for (const { stream, bytes } of chunks)
    for (const { bytes: line, text } of splitters[stream].push(bytes)) entries.push({ stream, time, bytes: line, text })
  for (const stream of ['stdout', 'stderr'] as const)
    for (const { bytes, text } of splitters[stream].end()) entries.push({ stream, time, bytes, text })
  return entries
}
