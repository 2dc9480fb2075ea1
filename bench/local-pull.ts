// Pulls of 200 MB in 8 layers without a daemon, against `docker pull`, and `skopeo copy` with `umoci unpack`, from one registry.
// Each round has an image of its own, and nothing is removed before the end: ext4 passes over inodes that were freed lately one
// by one, so that whoever comes after a removal of many files pays for it.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundleProgram } from '../test/setup/child-program.js'
import { startTestDockerd } from '../test/setup/dockerd.js'
import { buildImage, type BuiltImage, putImage } from '../test/setup/images.js'
import { startRegistry } from '../test/setup/registry.js'
import type { Step } from '../test/setup/loop-steps.js'
import type { TarEntry } from '../test/setup/tar.js'
import { besideCounter } from './parts/counter.js'
import { report } from './parts/figures.js'
import { compare, type Figure, longestStep, median } from './parts/measure.js'

const execute = promisify(execFile)
const rounds = Number(process.env.POUCH_SDK_BENCH_ROUNDS ?? 5)
const stepRounds = 3
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

interface Pulled {
  readonly steps?: readonly Step[]
  readonly ready?: true
  readonly failed?: string
  readonly pulled?: string
  readonly maxResidentBytes: number
  readonly loopDelay: { readonly p99Ms: number; readonly maxMs: number }
}

const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-bench-'))
const registry = await startRegistry()
const docker = await startTestDockerd({ bridge: false })
const programs = await bundleProgram('pull')
const figures: Figure[] = []

/** In a process of its own, as small as an embedding one may be. Its own start is not counted. */
async function pullHere(root: string, reference: string): Promise<Pulled & { readonly ms: number }> {
  const child = programs.start([root, reference])
  let begun = Number.NaN
  for (;;) {
    const line = await child.next<Pulled>()
    if (line.failed !== undefined) throw new Error(line.failed)
    if (line.ready) begun = performance.now()
    if (line.pulled === undefined) continue
    const ms = performance.now() - begun
    await child.exited
    return { ...line, ms }
  }
}
/** Longest steps of the first pull of a process and of later ones. The watch takes time of its own, so these are not the ones that are timed. */
async function stepsHere(root: string, references: readonly string[]): Promise<readonly number[]> {
  const child = programs.start([root, ...references], { env: { WATCH_STEPS: '1' } })
  const longest: number[] = []
  while (longest.length < references.length) {
    const line = await child.next<Pulled>()
    if (line.failed !== undefined) throw new Error(line.failed)
    if (line.steps !== undefined) longest.push(longestStep(line.steps))
  }
  await child.exited
  return longest
}
async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}

for (const [name, build] of [
  ['in 8 large files', inLargeFiles],
  ['in many files', inManyFiles],
] as const) {
  const repository = name.replaceAll(' ', '-')
  const pulls: Pulled[] = []
  const contenders = [
    {
      name: 'pouch-sdk',
      async run(reference: string, place: string) {
        const { ms, ...pulled } = await pullHere(join(place, 'root'), reference)
        pulls.push(pulled)
        return ms
      },
    },
    { name: 'docker pull', run: (reference: string) => timed(() => docker.docker('pull', '--quiet', reference)) },
    {
      name: 'skopeo copy, umoci unpack',
      run: (reference: string, place: string) =>
        timed(async () => {
          const flat = join(place, 'oci')
          await execute('skopeo', ['copy', '--quiet', '--src-tls-verify=false', `docker://${reference}`, `oci:${flat}:latest`])
          await execute('umoci', ['unpack', '--image', `${flat}:latest`, join(place, 'bundle')])
        }),
    },
  ]
  const times = new Map(contenders.map((one) => [one.name, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    await putImage(registry.url, repository, `${round}`, build())
    const place = join(directory, `${repository}-${round}`)
    await mkdir(place)
    // Whoever is first has the registry's files in a cold cache, so they take turns at it.
    for (const { name: contender, run } of [...contenders.slice(round % 3), ...contenders.slice(0, round % 3)]) {
      await execute('sync')
      const ms = await run(`${registry.host}/${repository}:${round}`, place)
      if (process.env.POUCH_SDK_BENCH_TELL === '1') process.stdout.write(`    ${contender}, ${name}: ${ms.toFixed(0)} ms\n`)
      if (round > 0) times.get(contender)?.push(ms) // before, all is warmed up
    }
  }
  const first: number[] = []
  const later: number[] = []
  const references = Array.from({ length: rounds + 1 }, (_, tag) => `${registry.host}/${repository}:${tag}`)
  const counted = await besideCounter(name, async () => {
    for (let round = 0; round < stepRounds; round += 1) {
      const [one = Number.NaN, ...others] = await stepsHere(join(directory, `${repository}-steps-${round}`), references)
      first.push(one)
      later.push(...others)
    }
  })
  const [ours, ...others] = [...times]
  for (const [index, other] of others.entries())
    figures.push(...compare(`pull of 200 MB ${name}`, new Map([ours as [string, number[]], other]), index === 0 ? 0.9 : 1))
  const most = Math.max(...pulls.map(({ maxResidentBytes }) => maxResidentBytes))
  figures.push(
    { name: `memory of a process that pulls it, at most, ${name}`, value: most / (1 << 20), unit: 'MiB', goal: 150 },
    {
      name: `event loop delay during it, p99, ${name}`,
      value: median(pulls.map(({ loopDelay }) => loopDelay.p99Ms)),
      unit: 'ms',
      goal: 15,
    },
    { name: `longest step of the main thread beside collections, ${name}`, value: median(later), unit: 'ms', goal: 5 },
    { name: `the same in the first pull of a process, ${name}`, value: median(first), unit: 'ms' },
    ...counted,
    { name: `event loop delay during it, longest, ${name}`, value: median(pulls.map(({ loopDelay }) => loopDelay.maxMs)), unit: 'ms' },
  )
}

await programs.close()
await docker.close()
await registry.close()
await rm(directory, { recursive: true, force: true })
await report('local-pull', figures)
