// A root: the directory of an engine, shared by all processes on it. Its identity, its locks, and what is kept in files below it.
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import * as z from 'zod/mini'
import { EngineError } from '../../errors.js'
import type { CallOptions, Closeable } from '../../model/common.js'
import type { Trace } from '../../model/trace.js'
import type { RecordStore } from '../../ports/engine/records.js'
import { closeable } from '../../util/closeable.js'
import { fsError, hasErrno } from '../../util/fs-error.js'
import { FileDirectories } from './file-directories.js'
import { FileEvents } from './file-events.js'
import { type FileLocks, openFileLocks } from './file-locks.js'
import { FileRecords, type FileRecordsOptions } from './file-records.js'
import type { ProgramRunner } from './programs.js'
import { Removals } from './removals.js'
import { openRunDirectory } from './run-directory.js'

export interface OpenRootOptions extends CallOptions {
  readonly onTrace?: Trace | undefined
  /** Runs what takes files away. Default: forks this process. */
  readonly run?: ProgramRunner | undefined
}
/** Closing it frees all locks that this opening holds; to be done last. */
export interface Root extends Closeable {
  /** Absolute. */
  readonly directory: string
  /** For what ends with this boot. Absolute. */
  readonly runDirectory: string
  /** The same for ever, for whoever opens it. */
  readonly id: string
  readonly locks: FileLocks
  readonly events: FileEvents
  readonly directories: FileDirectories
  /** Closed with the root. */
  readonly removals: Removals
  records<T>(kind: string, shape: Required<Pick<FileRecordsOptions<T>, 'parse' | 'durable'>>): RecordStore<T>
}

const identity = z.looseObject({ version: z.literal(1), id: z.uuid() })

/** Makes what is missing, for its owner alone. Throws `permission_denied` where it may not, `data_loss` for a directory whose identity cannot be read. */
export async function openRoot(directory: string, options: OpenRootOptions = {}): Promise<Root> {
  if (typeof directory !== 'string') throw new EngineError('invalid_argument', '"root" must be an absolute path')
  if (!isAbsolute(directory)) throw new EngineError('invalid_argument', `root "${directory}" is not an absolute path`)
  options.signal?.throwIfAborted()
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const id = await identify(directory)
    const locks = await openFileLocks(directory, options)
    const run = await openRunDirectory({ root: directory, id, locks }, options).catch(async (error: unknown) => {
      await locks.close()
      throw error
    })
    const events = new FileEvents({ directory: join(directory, 'events'), locks, engineId: id })
    const removals = new Removals(options.onTrace, options.run)
    return {
      directory,
      runDirectory: run.path,
      id,
      locks,
      events,
      directories: new FileDirectories(join(directory, 'containers'), removals, join(run.path, 'containers')),
      removals,
      records: (kind, { parse, durable }) =>
        new FileRecords({
          directory: join(directory, 'records', kind),
          volatileDirectory: join(run.path, 'records', kind),
          locks,
          parse,
          durable: (value) => durable?.(value) ?? true,
          onTrace: options.onTrace,
        }),
      ...closeable(async () => {
        await events.close()
        await removals.close()
        try {
          await run.close()
        } finally {
          await locks.close()
        }
      }),
    }
  } catch (error) {
    throw fsError(error, `root "${directory}"`)
  }
}

/** Written whole and then linked: of two who make it at once, one wins and both read the same. */
async function identify(directory: string): Promise<string> {
  const path = join(directory, 'root.json')
  for (;;) {
    const text = await readFile(path, 'utf8').catch((error: unknown) => {
      if (hasErrno(error, 'ENOENT')) return undefined
      throw error
    })
    if (text !== undefined) return parseIdentity(path, text)
    const temporary = join(directory, `.root-${randomUUID()}`)
    try {
      await using file = await open(temporary, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify({ version: 1, id: randomUUID() })}\n`)
      await file.sync()
      await link(temporary, path)
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw error
    } finally {
      await rm(temporary, { force: true })
    }
  }
}

function parseIdentity(path: string, text: string): string {
  try {
    return z.parse(identity, JSON.parse(text)).id
  } catch (cause) {
    throw new EngineError('data_loss', `"${path}" does not tell whose directory this is`, { cause })
  }
}
