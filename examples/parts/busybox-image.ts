// A root file system of the machine's own static busybox, as a tar: an image that needs no registry.
import { execFile } from 'node:child_process'
import { access, constants, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { pack, type Headers } from 'tar-stream'

const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** Undefined: there is none. */
export async function findBusybox(): Promise<string | undefined> {
  for (const place of places.filter((path) => path.startsWith('/'))) {
    const path = join(place, 'busybox')
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found) return path
  }
  return undefined
}

/** Busybox, a link for each of its commands, and who root is. */
export async function busyboxRoot(busybox: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
  const [binary, { stdout: list }] = await Promise.all([
    readFile(busybox, { signal }),
    promisify(execFile)(busybox, ['--list'], { signal }),
  ])
  const commands = list.split('\n').filter((name) => name !== '' && name !== 'busybox')

  const tar = pack()
  const add = (headers: Headers, body?: string | Buffer): void => {
    tar.entry({ mtime: new Date(0), ...headers }, body ?? '')
  }
  for (const name of ['bin', 'dev', 'etc', 'proc', 'root', 'sys']) add({ name, type: 'directory', mode: 0o755 })
  add({ name: 'tmp', type: 'directory', mode: 0o1777 })
  add({ name: 'bin/busybox', mode: 0o755 }, binary)
  for (const name of commands) add({ name: `bin/${name}`, type: 'symlink', linkname: 'busybox' })
  add({ name: 'etc/passwd', mode: 0o644 }, 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n')
  add({ name: 'etc/group', mode: 0o644 }, 'root:x:0:\nnogroup:x:65534:\n')
  tar.finalize()
  return tar
}
