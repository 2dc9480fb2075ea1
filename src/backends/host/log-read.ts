// Reads the log files of all runs back as lines.
import type { LogEntry, LogOptions, OutputChunk } from '../../ports/streams.js'
import { hasErrno } from '../../util/fs-error.js'
import { type Line, LineSplitter } from '../../util/lines.js'
import { type LogFile, listRuns } from './log-files.js'
import { OpenFile } from './open-file.js'
import { FileTail, type TailSource } from './tail.js'

export interface ReadLogOptions extends LogOptions {
  /** With `follow`: settles when the last run has ended and its files are complete. Absent: nothing runs. */
  readonly ended?: Promise<unknown> | undefined
}
interface Part {
  readonly file: LogFile
  readonly from: number
}

/**
 * Runs in order, and of each run stdout before stderr, but for what comes while it is followed. `time` is when a line was
 * read, and so what `since` and `until` compare with. `tail` counts from the end of that order.
 */
export async function* readLog(directory: string, options: ReadLogOptions = {}): AsyncGenerator<LogEntry, void, undefined> {
  const { signal, follow = false, since, until, tail, streams = ['stdout', 'stderr'], ended } = options
  signal?.throwIfAborted()
  const runs = (await listRuns(directory, { signal })).map(({ files }) => files.filter(({ stream }) => streams.includes(stream)))
  const parts = await lastLines(runs, tail, signal)
  const deadline = untilOrAbort(until, signal)
  try {
    for (const [index, files] of parts.entries()) {
      const live = follow && ended !== undefined && index === parts.length - 1
      for (const together of live ? [files] : files.map((file) => [file])) {
        for await (const entry of readTogether(together, live ? ended : Promise.resolve(), deadline.reached, signal)) {
          signal?.throwIfAborted()
          if (until !== undefined && entry.time >= until) return
          if (since === undefined || entry.time >= since) yield entry
        }
        signal?.throwIfAborted()
      }
    }
  } finally {
    deadline.clear()
  }
}

async function* readTogether(
  parts: readonly Part[],
  ended: Promise<unknown>,
  stop: Promise<void>,
  signal: AbortSignal | undefined,
): AsyncGenerator<LogEntry, void, undefined> {
  const sources: TailSource[] = []
  for (const { file, from } of parts) {
    const opened = openPresent(file.path)
    if (opened !== undefined) sources.push({ ...file, file: opened, position: from })
  }
  const tail = new FileTail(sources, ended)
  void stop.then(() => tail.close())
  try {
    const splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() }
    for await (const { stream, bytes } of tail.output()) yield* entries(stream, splitters[stream].push(bytes))
    if (signal?.aborted === true) return
    for (const stream of ['stdout', 'stderr'] as const) yield* entries(stream, splitters[stream].end())
  } finally {
    await tail.close()
  }
}

function* entries(stream: OutputChunk['stream'], lines: Iterable<Line>): Generator<LogEntry> {
  const time = new Date()
  for (const { bytes, text, partial } of lines) yield { stream, time, bytes, text, ...(partial ? { partial } : {}) }
}

/** `reached` settles at that time or when the signal aborts: both end a reading that waits. */
function untilOrAbort(until: Date | undefined, signal: AbortSignal | undefined): { readonly reached: Promise<void>; clear(): void } {
  let reach = (): void => {}
  const reached = new Promise<void>((resolve) => {
    reach = resolve
  })
  const ms = until === undefined ? undefined : Math.min(Math.max(until.getTime() - Date.now(), 0), 0x7fff_ffff)
  const timer = ms === undefined ? undefined : setTimeout(reach, ms)
  signal?.addEventListener('abort', reach, { once: true })
  return {
    reached,
    clear() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', reach)
    },
  }
}

/** Where to begin in each file, so that `tail` lines are left; counted from the back, without reading what is not needed. */
async function lastLines(
  runs: readonly (readonly LogFile[])[],
  tail: number | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly Part[])[]> {
  if (tail === undefined) return runs.map((files) => files.map((file) => ({ file, from: 0 })))
  let wanted = Math.max(0, tail)
  const parts: Part[][] = []
  for (const files of [...runs].reverse()) {
    const run: Part[] = []
    for (const file of [...files].reverse()) {
      signal?.throwIfAborted()
      const { from, lines } = await countBack(file.path, wanted)
      wanted -= lines
      run.unshift({ file, from })
    }
    parts.unshift(run)
    if (wanted === 0) break
  }
  return parts
}

const blockBytes = 64 << 10
async function countBack(path: string, wanted: number): Promise<{ readonly from: number; readonly lines: number }> {
  const file = openPresent(path)
  if (file === undefined) return { from: 0, lines: 0 }
  try {
    const { size } = file
    if (wanted === 0 || size === 0) return { from: size, lines: 0 }
    let lines = 1 // the last one, whether it has its newline or not
    for (let end = size; end > 0; ) {
      const start = Math.max(0, end - blockBytes)
      const block = await file.read(start, end - start)
      let at = end === size ? block.length - 1 : block.length // the newline at the very end begins no line
      for (;;) {
        at = at === 0 ? -1 : block.lastIndexOf(0x0a, at - 1)
        if (at === -1) break
        if (lines === wanted) return { from: start + at + 1, lines }
        lines += 1
      }
      end = start
    }
    return { from: 0, lines }
  } finally {
    await file.close()
  }
}

function openPresent(path: string): OpenFile | undefined {
  try {
    return OpenFile.open(path)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
