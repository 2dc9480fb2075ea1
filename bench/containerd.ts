// create + start + wait + remove of `true`, one and thirty at once, and pulls, against containerd's own client on the same daemon.
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { Engine } from 'pouch-sdk'
import { connectContainerd } from 'pouch-sdk/containerd'
import { buildImage, busyboxImage, putImage } from '../test/setup/images.js'
import { startTestContainerd } from '../test/setup/containerd.js'
import { startRegistry } from '../test/setup/registry.js'
import { report } from './parts/figures.js'
import { compare, type Figure, inTurn, median } from './parts/measure.js'

const execute = promisify(execFile)
const namespace = 'bench'
const figures: Figure[] = []

const containerd = await startTestContainerd()
const registry = await startRegistry()
const root = await mkdtemp(join(tmpdir(), 'pouch-sdk-bench-'))
const { address } = containerd
const engine = new Engine(await connectContainerd({ address, namespace, root }))
const ctr = (...args: readonly string[]) => execute('ctr', ['--address', address, '--namespace', namespace, ...args])

await putImage(registry.url, 'busybox', 'latest', await busyboxImage())
const image = `${registry.host}/busybox:latest`
await engine.images.pull(image)

const runOnce = async (runtime: string): Promise<void> => {
  const { exitCode } = await engine.containers.run({ image, command: ['true'], networkMode: 'none', runtime: { name: runtime } })
  if (exitCode !== 0) throw new Error(`true exited with ${exitCode}`)
}
const ctrRun = async (...flags: readonly string[]): Promise<void> => {
  await ctr('run', '--rm', '--runc-binary', 'runc', ...flags, image, randomUUID(), 'true')
}
const { runtimes } = await engine.info()
for (const [runtime, goal] of [
  ['runc', 1.05],
  ['crun', 0.95],
] as const) {
  if (!runtimes.includes(runtime)) {
    process.stdout.write(`  ${runtime} is not here\n`)
    continue
  }
  const times = await inTurn(
    [
      { name: `pouch-sdk ${runtime}`, run: () => runOnce(runtime) },
      { name: 'ctr run --rm runc', run: () => ctrRun() },
    ],
    25,
  )
  figures.push(...compare(`run of true, ${runtime}`, times, goal))
}

// Ours has the default seccomp profile, which ctr leaves out unless it is asked: what a runtime needs to build it is no overhead of ours.
const filtered = await inTurn(
  [
    { name: 'pouch-sdk runc', run: () => runOnce('runc') },
    { name: 'ctr run --rm --seccomp runc', run: () => ctrRun('--seccomp') },
  ],
  25,
)
figures.push(...compare('run of true, both with seccomp', filtered))

const batch = 30
const together = await inTurn(
  [
    {
      name: `${batch} at once`,
      run: async () => {
        await Promise.all(Array.from({ length: batch }, () => runOnce('runc')))
      },
    },
    {
      name: `${batch} in turn`,
      run: async () => {
        for (let i = 0; i < batch; i++) await runOnce('runc')
      },
    },
  ],
  3,
)
figures.push(...compare(`${batch} containers`, together, 1))

const layers = Array.from({ length: 8 }, (_, at) => [{ name: `layer-${at}`, body: randomBytes(25 << 20) }])
await putImage(registry.url, 'large', 'latest', buildImage({ layers, gzip: true }))
const large = `${registry.host}/large:latest`
const empty = (): Promise<unknown> => ctr('images', 'rm', '--sync', large).catch(() => {})
const delays: number[] = []
const pulls = new Map<string, number[]>([
  ['pouch-sdk', []],
  ['ctr images pull', []],
])
for (let round = 0; round < 6; round++) {
  for (const [name, pull] of [
    ['pouch-sdk', () => engine.images.pull(large)],
    ['ctr images pull', () => ctr('images', 'pull', '--plain-http', large)],
  ] as const) {
    await empty()
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const begun = performance.now()
    await pull()
    const ms = performance.now() - begun
    delay.disable()
    if (round === 0) continue // warm-up
    pulls.get(name)?.push(ms)
    if (name === 'pouch-sdk') delays.push(delay.percentile(99) / 1e6)
  }
}
figures.push(...compare('pull of 200 MB in 8 layers', pulls, 1.15))
figures.push({ name: 'event loop delay during the pull, p99', value: median(delays), unit: 'ms', goal: 15 })

// Where a machine has the hybrid layout of cgroups, crun ran behind a wrapper that hides it. Here is one that has not: these mounts are our own.
await execute('umount', ['/sys/fs/cgroup/unified']).catch(() => {})
const plainRoot = await mkdtemp(join(tmpdir(), 'pouch-sdk-bench-'))
const plain = new Engine(await connectContainerd({ address, namespace, root: plainRoot }))
const unwrapped = async (): Promise<void> => {
  await plain.containers.run({ image, command: ['true'], networkMode: 'none', runtime: { name: 'crun' } })
}
if (runtimes.includes('crun')) {
  const contenders = [
    { name: 'pouch-sdk crun', run: unwrapped },
    { name: 'ctr run --rm runc', run: () => ctrRun() },
  ]
  figures.push(...compare('run of true, cgroups as crun takes them', await inTurn(contenders, 25), 0.95))
}
await plain.close()
await rm(plainRoot, { recursive: true, force: true })

await engine.close()
await registry.close()
await containerd.close()
await rm(root, { recursive: true, force: true })
await report('containerd', figures)
