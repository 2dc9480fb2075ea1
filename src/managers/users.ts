// The account files of a container's root. Read once per image for containers that never ran, anew for all others.
import { isEngineError } from '../errors.js'
import type { CallOptions, Mount } from '../model/common.js'
import type { Host } from '../ports/engine/host.js'
import type { OpenRootedFs, RootedFs } from '../util/rooted-fs.js'
import type { ContainerRecord } from './container/record.js'

export interface AccountTexts {
  readonly passwd?: string | undefined
  readonly group?: string | undefined
}
export interface AccountDeps {
  readonly host: Pick<Host, 'mountPrivately'>
  readonly openRootedFs: OpenRootedFs
}

const sizeLimit = 1 << 20
const cachedImages = 64

export class AccountFiles {
  readonly #deps: AccountDeps
  /** By the snapshot that all layers of an image end in: it never changes. */
  readonly #images: Map<string, Promise<AccountTexts>> = new Map()
  constructor(deps: AccountDeps) {
    this.#deps = deps
  }

  /** Of a container that does not run, whose root these mounts show. */
  async ofStopped({ root, started }: ContainerRecord, mounts: readonly Mount[], options: CallOptions = {}): Promise<AccountTexts> {
    options.signal?.throwIfAborted()
    if (started !== undefined || root.kind !== 'snapshot' || root.parent === undefined) return this.#readMounts(mounts, options)
    const { parent } = root
    const known = this.#images.get(parent)
    if (known !== undefined) return known
    // Without the signal: who comes second waits for the same answer.
    const reading = this.#readMounts(mounts, {})
    this.#images.set(parent, reading)
    reading.catch(() => this.#images.delete(parent))
    const [oldest] = this.#images.keys()
    if (this.#images.size > cachedImages && oldest !== undefined) this.#images.delete(oldest)
    return reading
  }

  /** Of a tree that is open already, e.g. a running container's. */
  async ofTree(root: string, options: CallOptions = {}): Promise<AccountTexts> {
    await using tree = await this.#deps.openRootedFs(root, options)
    const [passwd, group] = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => readText(tree, path, options)))
    return { passwd, group }
  }

  async #readMounts(mounts: readonly Mount[], options: CallOptions): Promise<AccountTexts> {
    await using mounted = await this.#deps.host.mountPrivately(mounts, options)
    return await this.ofTree(mounted.root, options)
  }
}

/** Absent and not a file are the same: the image has no accounts. */
async function readText(tree: RootedFs, path: string, options: CallOptions): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of tree.read(path, { ...options, follow: true })) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size > sizeLimit) break
    }
  } catch (error) {
    if (isEngineError(error, 'not_found') || isEngineError(error, 'failed_precondition')) return undefined
    throw error
  }
  return Buffer.concat(chunks).toString('utf8', 0, sizeLimit)
}
