// A snapshot's mounts, seen by the test: made in a mount namespace of a helper process, gone when that ends.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mount } from '../../src/model/common.js'
import type { MountedTree } from '../../src/ports/engine/host.js'
import { closeable } from '../../src/util/closeable.js'

const script = 'at=$0; while [ $# -ge 3 ]; do mount -t "$1" -o "$2" "$3" "$at" || exit 1; shift 3; done; echo ready; exec cat'

export async function mountTree(mounts: readonly Mount[]): Promise<MountedTree> {
  const at = await mkdtemp(join(tmpdir(), 'pouch-sdk-mount-'))
  const args = mounts.flatMap(({ type, source, options }) => [type === 'bind' ? 'none' : type, options.join(',') || 'defaults', source])
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, at, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  await Promise.race([
    once(child.stdout, 'data'),
    exited.then(([code]) => {
      throw new Error(`mount failed (${String(code)})`)
    }),
  ])
  return {
    root: join('/proc', String(child.pid), 'root', at),
    ...closeable(async () => {
      child.stdin.end()
      await exited
      await rmdir(at)
    }),
  }
}
