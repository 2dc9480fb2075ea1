// The least that a run without a daemon can be: a script that mounts and becomes crun. No image, no record, no output, no undo.
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { minimalSpec } from '../../src/conformance/tasks/subject.js'
import { busyboxRoot } from '../../test/setup/task-subject.js'

const execute = promisify(execFile)
const command = ['/bin/true']

export interface BareRuns {
  /** crun on a bundle that is there already, its root included. */
  prepared(): Promise<void>
  /** A bundle and an overlay of its own for each, and nothing left of it. */
  fresh(): Promise<void>
}

/** In a mount namespace where crun takes the cgroups. */
export async function bareRuns(directory: string): Promise<BareRuns> {
  const rootfs = await busyboxRoot(directory)
  const hide = 'mount -n -t tmpfs none /sys/fs/cgroup/unified 2>/dev/null;'
  const inside = async (script: string, ...words: string[]): Promise<void> => {
    await execute('unshare', ['--mount', '--propagation', 'slave', '--', 'sh', '-c', script, 'sh', ...words])
  }
  const bundle = join(directory, 'bundle')
  await mkdir(bundle)
  await writeFile(join(bundle, 'config.json'), JSON.stringify({ ...minimalSpec('bare', command), root: { path: rootfs } }))
  let count = 0
  return {
    prepared: () => inside(`${hide} exec crun run --bundle "$1" bare`, bundle),
    async fresh() {
      const id = `bare-${(count += 1)}`
      const own = join(directory, id)
      try {
        await mkdir(own)
        for (const name of ['rootfs', 'upper', 'work']) await mkdir(join(own, name))
        await writeFile(join(own, 'config.json'), JSON.stringify(minimalSpec(id, command)))
        const options = `lowerdir=${rootfs},upperdir=${own}/upper,workdir=${own}/work`
        const script = `mount -n -t overlay -o "$1" overlay "$2/rootfs" && ${hide} exec crun run --bundle "$2" "$3"`
        await inside(script, options, own, id)
      } finally {
        await rm(own, { recursive: true, force: true })
      }
    },
  }
}
