import * as z from 'zod/mini'
import type { CallOptions, Digest } from '../../../model/common.js'
import { isDigest } from '../../../oci/digest.js'
import type { ImageRecord, ImageStore } from '../../../ports/engine/storage.js'
import { once } from '../../../util/once.js'
import { keepLock, type Store } from './store.js'

const strings = once(() => z.record(z.string(), z.string()))
const schema = once(() =>
  z.object({
    name: z.string(),
    target: z.object({
      mediaType: z.string(),
      digest: z.string().check(z.refine(isDigest)),
      size: z.number(),
      annotations: z.optional(strings()),
    }),
    labels: strings(),
  }),
)
export function parseImage(json: unknown): ImageRecord {
  const { name, target, labels } = z.parse(schema(), json)
  return { name, target: { ...target, digest: target.digest as Digest }, labels }
}
export const parseLabels = (json: unknown): Readonly<Record<string, string>> => z.parse(strings(), json)

export class LocalImages implements ImageStore {
  readonly #store: Store
  constructor(store: Store) {
    this.#store = store
  }

  async find(name: string, options: CallOptions = {}): Promise<ImageRecord | undefined> {
    return (await this.#store.names.find(name, options))?.value
  }
  async *list(options: CallOptions = {}): AsyncGenerator<ImageRecord, void, undefined> {
    for await (const { value } of this.#store.names.list(options)) yield value
  }
  async put({ name, target, labels }: ImageRecord, options: CallOptions = {}): Promise<void> {
    const { names } = this.#store
    await using _keep = await this.#store.locks.acquire(keepLock, options)
    await this.#store.step('image.put')
    const stored = await names.find(name, options)
    if (stored === undefined) await names.create(name, { name, target, labels }, options)
    else await names.replace(name, stored, { name, target, labels }, options)
  }
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    await using _keep = await this.#store.locks.acquire(keepLock, options)
    await this.#store.step('image.delete')
    await this.#store.names.delete(name, options)
  }
}
