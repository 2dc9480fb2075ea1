// The appending side of an event log. Every call is made under the log's lock, so nobody else appends meanwhile.
import { randomBytes } from 'node:crypto'
import { fstatSync, writeSync } from 'node:fs'
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { EngineError } from '../../errors.js'
import type { Cursor, EngineEvent } from '../../model/event.js'
import {
  eventLine,
  fullLine,
  listSegments,
  openSegment,
  readLines,
  type SegmentName,
  segmentNumber,
  segmentPath,
  toCursor,
} from './event-segment.js'

interface Current {
  readonly name: SegmentName
  readonly file: FileHandle
  /** Up to here all lines are known. */
  offset: number
  events: number
  full: boolean
}
export interface EventWriterOptions {
  readonly directory: string
  /** Events in a segment. */
  readonly segmentEvents: number
  /** How many segments are kept. */
  readonly segments: number
}

export class EventWriter {
  readonly #options: EventWriterOptions
  /** What a key became, for the segments that are kept. */
  readonly #keys: Map<SegmentName, Map<string, Cursor>> = new Map()
  #current: Current | undefined
  constructor(options: EventWriterOptions) {
    this.#options = options
  }

  async append(key: string, event: Omit<EngineEvent, 'cursor'>): Promise<Cursor> {
    let current = await this.#catchUp()
    for (const known of this.#keys.values()) {
      const cursor = known.get(key)
      if (cursor !== undefined) return cursor
    }
    if (current.events >= this.#options.segmentEvents) {
      await write(current, Buffer.from(fullLine))
      current = await this.#follow(current)
      await this.#drop()
    }
    await write(current, eventLine(key, event))
    current.events += 1
    return this.#know(current, key)
  }
  async end(): Promise<Cursor> {
    const { name, offset } = await this.#catchUp()
    return toCursor({ segment: name, offset })
  }
  async close(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    this.#keys.clear()
    await current?.file.close()
  }

  /** What others have appended since the last call; the first one reads all that is kept. */
  async #catchUp(): Promise<Current> {
    let current = this.#current
    if (current !== undefined) {
      const { size, nlink } = fstatSync(current.file.fd)
      if (nlink > 0 && size === current.offset && !current.full) return current
      // Taken away by those who rotated on, with or without the lines that we know: they will be found to be gone below.
      if (nlink === 0) await this.close()
    }
    current = this.#current ?? (await this.#openFirst())
    for (;;) {
      await this.#readOn(current)
      if (!current.full) break
      current = await this.#follow(current)
    }
    // Half a line, left by a crash. Readers have not passed it.
    if ((await current.file.stat()).size > current.offset) await current.file.truncate(current.offset)
    return current
  }
  async #openFirst(): Promise<Current> {
    await mkdir(this.#options.directory, { recursive: true, mode: 0o700 })
    const kept = (await listSegments(this.#options.directory)).slice(-this.#options.segments)
    return kept[0] === undefined ? this.#create(1) : this.#open(kept[0])
  }
  /** Of a full one the next, made if a crash came between. */
  async #follow(current: Current): Promise<Current> {
    const number = segmentNumber(current.name)
    const next = (await listSegments(this.#options.directory)).find((name) => segmentNumber(name) > number)
    await current.file.close()
    this.#current = undefined
    return next === undefined ? this.#create(number + 1) : this.#open(next)
  }
  async #create(number: number): Promise<Current> {
    const name = `${String(number).padStart(8, '0')}-${randomBytes(4).toString('hex')}`
    return this.#use(name, await open(segmentPath(this.#options.directory, name), 'wx+', 0o600))
  }
  async #open(name: SegmentName): Promise<Current> {
    const file = await openSegment(this.#options.directory, name, 'r+')
    if (file === undefined) throw new EngineError('unavailable', `the event log "${this.#options.directory}" is being taken away`)
    return this.#use(name, file)
  }
  #use(name: SegmentName, file: FileHandle): Current {
    this.#keys.set(name, new Map())
    for (const oldest of this.#keys.keys()) if (this.#keys.size > this.#options.segments) this.#keys.delete(oldest)
    this.#current = { name, file, offset: 0, events: 0, full: false }
    return this.#current
  }
  async #readOn(current: Current): Promise<void> {
    for await (const lines of readLines(current.file, current.offset)) {
      for (const line of lines) {
        current.offset = line.end
        if (line.kind === 'full') current.full = true
        if (line.kind !== 'event') continue
        current.events += 1
        this.#know(current, line.key)
      }
    }
  }
  #know({ name, offset }: Current, key: string): Cursor {
    const cursor = toCursor({ segment: name, offset })
    this.#keys.get(name)?.set(key, cursor)
    return cursor
  }
  async #drop(): Promise<void> {
    const { directory, segments } = this.#options
    for (const name of (await listSegments(directory)).slice(0, -segments)) await unlink(segmentPath(directory, name))
  }
}

async function write(current: Current, line: Buffer): Promise<void> {
  const { file, offset } = current
  try {
    for (let written = 0; written < line.length; ) written += writeSync(file.fd, line, written, line.length - written, offset + written)
  } catch (error) {
    await file.truncate(offset).catch(() => {}) // the next one to append would do it
    throw error
  }
  current.offset += line.length
}
