// What the verbs of images are made of.
import type { CallOptions, Digest, Labels } from '../../model/common.js'
import type { Platform } from '../../oci/platform.js'
import type { Locks } from '../../ports/engine/locks.js'
import type { Storage } from '../../ports/engine/storage.js'
import type { RegistryClient } from '../../registry/client.js'
import type { KeyedMutex } from '../../util/keyed-mutex.js'
import type { FailedUndo } from '../../util/rollback.js'
import type { Documents } from './documents.js'
import type { Limiter } from './limiter.js'
import type { Lru } from './lru.js'

export interface ImageContext {
  readonly storage: Storage
  readonly locks: Pick<Locks, 'acquire' | 'tryAcquire'>
  readonly documents: Documents
  /** Bytes of all layers below a chain id. */
  readonly sizes: Lru<string, number>
  /** One layer at a time is fetched per place, over all pulls of this process. */
  readonly transfers: Limiter
  /** By chain id: two pulls of this process do not unpack the same layer twice. */
  readonly unpacking: KeyedMutex
  /** This machine's. */
  readonly platform: Platform
  /** Loaded at the first pull. */
  registry(): Promise<RegistryClient>
  /** Ids of the containers made from the image whose config has this digest. */
  usedBy(imageId: Digest, options?: CallOptions): Promise<readonly string[]>
  emit(action: string, subject: { readonly id: string; readonly name?: string | undefined }, attributes: Labels): Promise<unknown>
  failedUndo(failure: FailedUndo): void
  now(): Date
}
