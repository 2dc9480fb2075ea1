// A local store of the test's own, as one process sees it.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileLocks } from '../../src/backends/host/file-locks.js'
import { type LocalStorage, openLocalStorage, type OpenLocalStorageOptions } from '../../src/backends/local/storage/storage.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'

export interface TestStorage extends Closeable {
  readonly storage: LocalStorage
  /** Of the engine; the store is `storage` below it. */
  readonly root: string
}

/** Closing it frees what this process holds there. */
export async function openTestStorage(root: string, options: Partial<OpenLocalStorageOptions> = {}): Promise<TestStorage> {
  const locks = await openFileLocks(root)
  const storage = await openLocalStorage({ directory: join(root, 'storage'), locks, ...options })
  return {
    storage,
    root,
    ...closeable(async () => {
      await storage.close()
      await locks.close()
    }),
  }
}
/** On a root of its own, which goes with it. */
export async function newTestStorage(options: Partial<OpenLocalStorageOptions> = {}): Promise<TestStorage> {
  const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-storage-'))
  const opened = await openTestStorage(root, options)
  return {
    ...opened,
    ...closeable(async () => {
      await opened.close()
      await rm(root, { recursive: true, force: true })
    }),
  }
}
