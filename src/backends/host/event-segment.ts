// One file of an event log: lines that are only ever appended. The last line of a full one says that the next file follows.
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { EngineEvent } from '../../model/event.js'
import { hasErrno } from '../../util/fs-error.js'

/** `<number>-<random>`: another log in the same place does not have the same. */
export type SegmentName = string
const namePattern = /^(\d{8})-[0-9a-f]{8}$/
const suffix = '.jsonl'

export function segmentNumber(name: SegmentName): number {
  return Number(namePattern.exec(name)?.[1] ?? Number.NaN)
}
export function segmentPath(directory: string, name: SegmentName): string {
  return join(directory, name + suffix)
}
/** Oldest first. */
export async function listSegments(directory: string): Promise<SegmentName[]> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw error
  }
  return names
    .flatMap((name) => (name.endsWith(suffix) && namePattern.test(name.slice(0, -suffix.length)) ? [name.slice(0, -suffix.length)] : []))
    .sort()
}

/** After the event that ends at `offset`, or before the first. */
export interface Position {
  readonly segment: SegmentName
  readonly offset: number
}
export function toCursor({ segment, offset }: Position): string {
  return `${segment}.${offset}`
}
export function parseCursor(cursor: string): Position | undefined {
  const [, segment, offset] = /^(\d{8}-[0-9a-f]{8})\.(0|[1-9]\d{0,14})$/.exec(cursor) ?? []
  return segment === undefined ? undefined : { segment, offset: Number(offset) }
}

export type SegmentLine =
  | { readonly kind: 'event'; readonly end: number; readonly key: string; readonly event: Omit<EngineEvent, 'cursor'> }
  | { readonly kind: 'full'; readonly end: number }
  | { readonly kind: 'broken'; readonly end: number }

export function eventLine(key: string, event: Omit<EngineEvent, 'cursor'>): Buffer {
  const { type, action, subject, time, attributes } = event
  return Buffer.from(`${JSON.stringify({ key, type, action, subject, time, attributes })}\n`)
}
export const fullLine: string = '{"full":true}\n'

const newline = 0x0a
const chunkBytes = 64 * 1024

/** The whole lines from `offset` on, a chunk's at a time: other work comes between. What has no newline yet is left for the next time. */
export async function* readLines(file: FileHandle, offset: number): AsyncGenerator<readonly SegmentLine[]> {
  let start = offset
  let rest: Buffer = Buffer.alloc(0)
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, start + rest.length)
    if (bytesRead === 0) return
    const bytes = rest.length === 0 ? chunk.subarray(0, bytesRead) : Buffer.concat([rest, chunk.subarray(0, bytesRead)])
    const lines: SegmentLine[] = []
    let from = 0
    for (let to = bytes.indexOf(newline, from); to >= 0; to = bytes.indexOf(newline, from)) {
      lines.push(parseLine(bytes.toString('utf8', from, to), start + to + 1))
      from = to + 1
    }
    start += from
    rest = bytes.subarray(from)
    if (lines.length > 0) yield lines
  }
}

function parseLine(text: string, end: number): SegmentLine {
  try {
    const { full, key, time, ...event } = JSON.parse(text) as { full?: boolean; key: string; time: string } & Omit<
      EngineEvent,
      'cursor' | 'time'
    >
    if (full === true) return { kind: 'full', end }
    if (typeof key !== 'string' || typeof event.type !== 'string') return { kind: 'broken', end }
    return { kind: 'event', end, key, event: { ...event, time: new Date(time) } }
  } catch {
    return { kind: 'broken', end }
  }
}

export async function openSegment(directory: string, name: SegmentName, flags: 'r' | 'r+'): Promise<FileHandle | undefined> {
  try {
    return await open(segmentPath(directory, name), flags)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined
    throw error
  }
}
