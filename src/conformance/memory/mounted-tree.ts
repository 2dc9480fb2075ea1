// Trees as directories of the machine, one per snapshot however many have it open, as a mount would be.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MountedTree } from '../../ports/engine/host.js'
import { closeable } from '../../util/closeable.js'
import { KeyedMutex } from '../../util/keyed-mutex.js'
import type { Tree } from './tree.js'
import { readTree, writeTree } from './tree-files.js'

export interface TreeSource {
  read(): Tree
  write(tree: Tree): void
}
interface Open {
  readonly root: string
  readonly before: Tree
  users: number
}

export class SharedTrees {
  readonly #open: Map<string, Open> = new Map()
  readonly #mutex: KeyedMutex = new KeyedMutex()

  async open(key: string, source: TreeSource, signal?: AbortSignal): Promise<MountedTree> {
    using _turn = await this.#mutex.acquire(key, { signal })
    const open = this.#open.get(key) ?? (await materialise(source.read()))
    this.#open.set(key, open)
    open.users++
    return { root: open.root, ...closeable(() => this.#close(key, open, source)) }
  }
  async #close(key: string, open: Open, source: TreeSource): Promise<void> {
    using _turn = await this.#mutex.acquire(key)
    if (--open.users > 0) return
    this.#open.delete(key)
    source.write(await readTree(open.root, open.before))
    await rm(open.root, { recursive: true, force: true })
  }
}

async function materialise(before: Tree): Promise<Open> {
  const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-tree-'))
  await writeTree(before, root)
  return { root, before, users: 0 }
}
