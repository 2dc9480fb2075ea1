// Output of a container as plain files, a pair for each run: `<directory>/000001.stdout` and `.stderr`. Whoever runs the
// process appends to them; nobody recorded when a line came, nor which of the two streams came first.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { CallOptions } from '../../model/common.js'
import type { OutputChunk } from '../../ports/streams.js'
import { hasErrno } from '../../util/fs-error.js'
import { OpenFile } from './open-file.js'

export interface LogFile {
  readonly stream: OutputChunk['stream']
  readonly path: string
}
export interface RunFiles {
  readonly run: number
  /** stdout first; with a terminal that alone. */
  readonly files: readonly LogFile[]
}
/** A run just begun: its files are empty and open for reading. Who takes them closes them. */
export interface OpenRunFiles extends RunFiles {
  readonly opened: readonly OpenFile[]
}

const streams = ['stdout', 'stderr'] as const
const name = /^(\d{6,})\.(stdout|stderr)$/

/** Makes the files of the next run, private to us, and the directory if need be. On failure nothing new is left. */
export async function createRunFiles(directory: string, tty: boolean, options: CallOptions = {}): Promise<OpenRunFiles> {
  options.signal?.throwIfAborted()
  for (;;) {
    const runs = namesIn(directory, true)
    const run = runs.reduce((highest, one) => Math.max(highest, one.run), 0) + 1
    const files = streams.slice(0, tty ? 1 : 2).map((stream) => ({ stream, path: pathOf(directory, run, stream) }))
    try {
      return { run, files, opened: await createFiles(files) }
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw error // else somebody else began a run meanwhile
    }
  }
}
/**
 * All or none, empty, mode 0600, open for reading. Throws EEXIST when one is there. One after the other: of two who make the same, the
 * first file tells who has them all.
 */
export async function createFiles(files: readonly LogFile[]): Promise<OpenFile[]> {
  const opened: OpenFile[] = []
  try {
    for (const { path } of files) opened.push(OpenFile.create(path))
    return opened
  } catch (error) {
    await Promise.allSettled(opened.map((file) => file.close()))
    await removeFiles(files.slice(0, opened.length))
    throw error
  }
}
/** Absent ones are success. */
export async function removeFiles(files: readonly LogFile[]): Promise<void> {
  for (const { path } of files) {
    try {
      await unlink(path)
    } catch (error) {
      if (!hasErrno(error, 'ENOENT')) throw error
    }
  }
}
/** The runs that have files there, oldest first; a directory that is not there has none. */
export async function listRuns(directory: string, options: CallOptions = {}): Promise<readonly RunFiles[]> {
  options.signal?.throwIfAborted()
  const runs = new Map<number, LogFile[]>()
  for (const { run, stream } of namesIn(directory, false)) {
    const files = runs.get(run) ?? []
    files.push({ stream, path: pathOf(directory, run, stream) })
    runs.set(run, files)
  }
  return [...runs].sort(([a], [b]) => a - b).map(([run, files]) => ({ run, files: files.sort((a, b) => (a.stream < b.stream ? 1 : -1)) }))
}

function pathOf(directory: string, run: number, stream: string): string {
  return join(directory, `${String(run).padStart(6, '0')}.${stream}`)
}
function namesIn(directory: string, create: boolean): { readonly run: number; readonly stream: OutputChunk['stream'] }[] {
  const found: { run: number; stream: OutputChunk['stream'] }[] = []
  // Mostly it is a container's first run.
  if (create && !existsSync(directory)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return found
  }
  let entries: string[]
  try {
    entries = readdirSync(directory)
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error
    return []
  }
  for (const entry of entries) {
    const [, run, stream] = name.exec(entry) ?? []
    if (run !== undefined) found.push({ run: Number(run), stream: stream as OutputChunk['stream'] })
  }
  return found
}
