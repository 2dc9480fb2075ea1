import { it } from 'vitest'
import { mkdtemp, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectContainerd } from '../../../src/backends/containerd/connect.js'
import { run } from '../../../src/conformance/backend-suite-subject.js'
import { shell } from '../../../src/conformance/tasks/subject.js'
import { backendSubject } from '../../setup/backend-subject.js'
import { startTestContainerd } from '../../setup/containerd.js'

it('scratch', async () => {
  await using daemon = await startTestContainerd()
  for (const runtime of ['runc', 'crun']) {
    const root = await mkdtemp(join(tmpdir(), 'r-'))
    await using opened = await backendSubject({ open: () => connectContainerd({ address: daemon.address, namespace: runtime, root, defaultRuntime: runtime }), real: true })
    const { subject } = opened
    const show = async (what: string, script: string, extra = {}) => {
      try { console.log(runtime, what, await run(subject, shell(script), extra)) } catch (error) { console.log(runtime, what, String(error)) }
    }
    await show('mounts', 'cat /proc/mounts; echo 1 >/sys/fs/cgroup/x && ls -la /sys/fs/cgroup')
    const d = await mkdtemp(join(tmpdir(), 'd-'))
    await writeFile(join(d, 'f'), 'x')
    await mkdir(join(d, 'sub'))
    await show('file ro', 'cat /etc/passwd', { mounts: [{ type: 'bind', source: join(d, 'f'), target: '/etc/passwd', readOnly: true }] })
    await show('file ro new', 'cat /new', { mounts: [{ type: 'bind', source: join(d, 'f'), target: '/new', readOnly: true }] })
    await show('file rw', 'cat /etc/passwd', { mounts: [{ type: 'bind', source: join(d, 'f'), target: '/etc/passwd' }] })
    await show('dev bind ro', 'ls -l /dev/x', { mounts: [{ type: 'bind', source: '/dev/null', target: '/dev/x', readOnly: true }] })
  }
})
