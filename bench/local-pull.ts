// Pulls of 200 MB in 8 layers without a daemon, against `docker pull`, and `skopeo copy` with `umoci unpack`, from one registry.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { openFileLocks } from '../src/backends/host/file-locks.js'
import { openLocalStorage } from '../src/backends/local/storage/storage.js'
import { ImageManager } from '../src/managers/images.js'
import { bundleProgram } from '../test/setup/child-program.js'
import { startTestDockerd } from '../test/setup/dockerd.js'
import { buildImage, type BuiltImage, putImage } from '../test/setup/images.js'
import { startRegistry } from '../test/setup/registry.js'
import type { TarEntry } from '../test/setup/tar.js'
import { report } from './parts/figures.js'
import { compare, type Figure, median } from './parts/measure.js'

const execute = promisify(execFile)
const rounds = Number(process.env.POUCH_SDK_BENCH_ROUNDS ?? 5)
const layerCount = 8
const layerBytes = 25 << 20

/** One large file in each layer, that no packing makes smaller. */
function inLargeFiles(): BuiltImage {
  return buildImage({ layers: Array.from({ length: layerCount }, (_, at) => [{ name: `layer-${at}`, body: randomBytes(layerBytes) }]) })
}
/** Like a distribution's: many files of all sizes, half of whose bytes can be packed. */
function inManyFiles(): BuiltImage {
  const layers = Array.from({ length: layerCount }, (_, layer) => {
    const entries: TarEntry[] = []
    let bytes = 0
    for (let index = 0; bytes < layerBytes * 2; index++) {
      if (index % 20 === 0) entries.push({ name: `usr/${layer}/${index}/` })
      const size = 200 + ((index * 7919) % 9_000) + (index % 50 === 0 ? 600_000 : 0)
      const body = Buffer.concat([randomBytes(size >> 1), Buffer.alloc(size - (size >> 1), `line ${index} of a text\n`)])
      entries.push({ name: `usr/${layer}/${index - (index % 20)}/file-${index}`, body, mode: 0o644 })
      bytes += size
    }
    return entries
  })
  return buildImage({ layers })
}

const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-bench-'))
const registry = await startRegistry()
const docker = await startTestDockerd({ bridge: false })
const root = join(directory, 'root')
const locks = await openFileLocks(root)
const storage = await openLocalStorage({ directory: join(root, 'storage'), locks })
const images = new ImageManager({
  backend: 'bench',
  storage,
  locks,
  registry: {},
  usedBy: async () => [],
  emit: async () => {},
  failedUndo: () => {},
})
const figures: Figure[] = []

const forget = async (reference: string): Promise<void> => {
  await storage.images.delete(reference)
  await storage.collect()
}
const flat = join(directory, 'oci')
for (const [name, image] of [
  ['in 8 large files', inLargeFiles()],
  ['in many files', inManyFiles()],
] as const) {
  const repository = name.replaceAll(' ', '-')
  await putImage(registry.url, repository, 'latest', image)
  const reference = `${registry.host}/${repository}:latest`
  const contenders = [
    {
      name: 'pouch-sdk',
      run: () => images.pull(reference),
      undo: () => forget(reference),
    },
    {
      name: 'docker pull',
      run: () => docker.docker('pull', '--quiet', reference),
      undo: () => docker.docker('rmi', '--force', reference),
    },
    {
      name: 'skopeo copy, umoci unpack',
      run: async () => {
        await execute('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${reference}`, `oci:${flat}:latest`])
        await execute('umoci', ['unpack', '--image', `${flat}:latest`, join(directory, 'bundle')])
      },
      undo: async () => {
        await rm(flat, { recursive: true, force: true })
        await rm(join(directory, 'bundle'), { recursive: true, force: true })
      },
    },
  ]
  const times = new Map(contenders.map((one) => [one.name, [] as number[]]))
  const delays: number[] = []
  for (let round = 0; round <= rounds; round++) {
    for (const { name: contender, run, undo } of contenders) {
      await execute('sync')
      const watch = monitorEventLoopDelay({ resolution: 1 })
      watch.enable()
      const begun = performance.now()
      await run()
      const ms = performance.now() - begun
      watch.disable()
      await undo()
      if (process.env.POUCH_SDK_BENCH_TELL === '1') process.stdout.write(`    ${contender}, ${name}: ${ms.toFixed(0)} ms\n`)
      if (round === 0) continue // warm-up
      times.get(contender)?.push(ms)
      if (contender === 'pouch-sdk') delays.push(watch.percentile(99) / 1e6)
    }
  }
  const [ours, ...others] = [...times]
  for (const [index, other] of others.entries())
    figures.push(...compare(`pull of 200 MB ${name}`, new Map([ours as [string, number[]], other]), index === 0 ? 0.9 : 1))
  figures.push({ name: `event loop delay during it, p99, ${name}`, value: median(delays), unit: 'ms', goal: 15 })

  await using programs = await bundleProgram('pull')
  const child = programs.start([join(directory, `memory-${repository}`), reference])
  for (;;) {
    const line = await child.next<{ readonly maxResidentBytes?: number; readonly failed?: string }>()
    if (line.failed !== undefined) throw new Error(line.failed)
    if (line.maxResidentBytes === undefined) continue
    figures.push({
      name: `memory of a process that pulls it, at most, ${name}`,
      value: line.maxResidentBytes / (1 << 20),
      unit: 'MiB',
      goal: 150,
    })
    break
  }
  await child.exited
}

await images.close()
await storage.close()
await locks.close()
await docker.close()
await registry.close()
await rm(directory, { recursive: true, force: true })
await report('local-pull', figures)
