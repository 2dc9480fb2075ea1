// Network namespaces with names, made by iproute2: visible to daemons and runtimes, and alive without a process in them.
import { createHash } from 'node:crypto'
import { readdir, realpath, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, isEngineError } from '../../errors.js'
import type { CallOptions } from '../../model/common.js'
import type { Host } from '../../ports/engine/host.js'
import { fsError, hasErrno } from '../../util/fs-error.js'

const directory = '/run/netns'
const namespaceFilesystem = 0x6e736673
const namePattern = /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}$/

export class NamedNetns {
  readonly #root: string
  readonly #run: Host['run']
  #prefix: Promise<string> | undefined
  /** `root` sets ours apart from those of other engines on this machine. */
  constructor(root: string, run: Host['run']) {
    this.#root = root
    this.#run = run
  }

  async create(name: string, options: CallOptions = {}): Promise<string> {
    const full = await this.#full(name)
    const path = join(directory, full)
    if (!(await isNamespace(path))) await this.#add(full, options)
    // Also of one that was there: whoever made it may have died in between.
    await this.#run('ip', ['-n', full, 'link', 'set', 'lo', 'up'], options)
    return path
  }
  async remove(name: string, options: CallOptions = {}): Promise<void> {
    const full = await this.#full(name)
    await this.#delete(full, options)
  }
  async *list(options: CallOptions = {}): AsyncGenerator<string> {
    const prefix = await this.#namePrefix()
    options.signal?.throwIfAborted()
    for (const name of await names()) if (name.startsWith(prefix)) yield name.slice(prefix.length)
  }

  async #add(full: string, options: CallOptions): Promise<void> {
    // Half made by somebody who died: a file that nothing is mounted on.
    if ((await names()).includes(full)) await this.#delete(full, options)
    await this.#run('ip', ['netns', 'add', full], options)
  }
  async #delete(full: string, options: CallOptions): Promise<void> {
    if (!(await names()).includes(full)) return
    try {
      await this.#run('ip', ['netns', 'delete', full], options)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!isEngineError(error, 'internal') || (await names()).includes(full)) throw error
    }
  }
  async #full(name: string): Promise<string> {
    if (!namePattern.test(name)) throw new EngineError('invalid_argument', `"${name}" cannot name a network namespace`)
    return (await this.#namePrefix()) + name
  }
  #namePrefix(): Promise<string> {
    return (this.#prefix ??= realpath(this.#root).then(
      (root) => `pouch-sdk-${createHash('sha256').update(root).digest('hex').slice(0, 8)}-`,
      (error: unknown) => {
        this.#prefix = undefined
        throw fsError(error, `root "${this.#root}"`)
      },
    ))
  }
}

async function names(): Promise<readonly string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return []
    throw fsError(error, `"${directory}"`)
  }
}
async function isNamespace(path: string): Promise<boolean> {
  try {
    return (await statfs(path)).type === namespaceFilesystem
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false
    throw fsError(error, `"${path}"`)
  }
}
