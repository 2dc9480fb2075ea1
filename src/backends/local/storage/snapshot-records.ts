// What is known of snapshots: a file for each key, whole or not there. Names and keys share one space, so one directory.
import { randomBytes, randomUUID } from 'node:crypto'
import { linkSync, renameSync } from 'node:fs'
import { link, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod/mini'
import { EngineError } from '../../../errors.js'
import type { Labels } from '../../../model/common.js'
import type { SnapshotInfo } from '../../../ports/engine/snapshotter.js'
import { encodeFileName } from '../../../util/file-name.js'
import { fsError, hasErrno } from '../../../util/fs-error.js'
import { once } from '../../../util/once.js'
import { readSmall, removeSmall, writeSmall } from '../../host/small-files.js'
import { syncDirectory } from './store.js'

export interface SnapshotRecord {
  readonly key: string
  /** Its directory. Short, since the kernel takes one page for all of a mount. */
  readonly id: string
  readonly kind: SnapshotInfo['kind']
  readonly parent?: string | undefined
  /** Ids of its parents, the nearest first. */
  readonly chain: readonly string[]
  readonly labels: Labels
  /** Its parents are told when it is committed. */
  readonly parentLater?: boolean | undefined
}
const schema = once(() =>
  z.object({
    key: z.string(),
    id: z.string().check(z.regex(/^[a-z0-9]+$/)),
    kind: z.enum(['active', 'view', 'committed']),
    parent: z.optional(z.string()),
    chain: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
    parentLater: z.optional(z.boolean()),
  }),
)
const suffix = '.json'

export class SnapshotRecords {
  readonly #directory: string
  constructor(directory: string) {
    this.#directory = directory
  }

  async find(key: string): Promise<SnapshotRecord | undefined> {
    return this.#read(this.#path(key), key)
  }
  /** `undefined` when the key is taken. Durable or not, no reader sees half of it. */
  async create(record: SnapshotRecord, durable: boolean): Promise<boolean> {
    const temporary = join(this.#directory, `.${randomUUID()}`)
    try {
      writeSmall(temporary, `${JSON.stringify(record)}\n`, 'wx')
      if (durable) await syncData(temporary)
      linkSync(temporary, this.#path(record.key))
      if (durable) await syncDirectory(this.#directory)
      return true
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return false
      throw fsError(error, `snapshot "${record.key}"`)
    } finally {
      removeSmall(temporary)
    }
  }
  /** Absent is success. */
  async delete(key: string): Promise<void> {
    try {
      removeSmall(this.#path(key))
    } catch (error) {
      throw fsError(error, `snapshot "${key}"`)
    }
  }
  async *list(): AsyncGenerator<SnapshotRecord, void, undefined> {
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith('.') || !name.endsWith(suffix)) continue
      const record = await this.#read(join(this.#directory, name), name)
      if (record !== undefined) yield record
    }
  }
  /** False when it is gone meanwhile. */
  async hide(key: string, at: string): Promise<boolean> {
    return moved(this.#path(key), at)
  }
  /** Somebody may have made it anew: then that one stays, and false tells so. */
  async restore(fileName: string, from: string): Promise<boolean> {
    try {
      await link(from, join(this.#directory, fileName + suffix))
      return true
    } catch (error) {
      if (hasErrno(error, 'EEXIST')) return false
      throw error
    } finally {
      await unlink(from).catch(() => {})
    }
  }
  /** What dead writers left. */
  async sweep(isAlive: (name: string) => Promise<boolean>): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith('.') && !(await isAlive(name))) await unlink(join(this.#directory, name)).catch(() => {})
    }
  }

  #path(key: string): string {
    return join(this.#directory, encodeFileName(key) + suffix)
  }
  async #read(path: string, key: string): Promise<SnapshotRecord | undefined> {
    try {
      const text = readSmall(path)
      return text === undefined ? undefined : parseRecord(text, key)
    } catch (error) {
      throw fsError(error, `snapshot "${key}"`)
    }
  }
}

async function syncData(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.datasync()
}

export function parseRecord(text: string, key: string): SnapshotRecord {
  try {
    return z.parse(schema(), JSON.parse(text))
  } catch (cause) {
    throw new EngineError('data_loss', `record of snapshot "${key}" cannot be read`, { cause })
  }
}
export function newId(): string {
  return randomBytes(5).readUIntBE(0, 5).toString(36).padStart(8, '0')
}
/** False when there is nothing to move. */
export async function moved(from: string, to: string): Promise<boolean> {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false
    throw error
  }
}
