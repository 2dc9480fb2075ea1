// Runs and execs of `true` without a daemon, against docker, podman and the bare runtime; a hundred at sixteen at a time; the memory of detached ones.
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Engine } from 'pouch-sdk'
import { openLocal } from 'pouch-sdk/local'
import { startTestDockerd } from '../test/setup/dockerd.js'
import { busyboxImage, chunks, dockerArchive } from '../test/setup/images.js'
import { watchSteps } from '../test/setup/loop-steps.js'
import { startTestPodman } from '../test/setup/podman.js'
import { bareRuns } from './parts/bare-runs.js'
import { besideCounter } from './parts/counter.js'
import { report } from './parts/figures.js'
import { compare, type Figure, inTurn, longestStep, median } from './parts/measure.js'

const rounds = Number(process.env.POUCH_SDK_BENCH_ROUNDS ?? 25)
const leads = 2
const image = 'registry.example/bench/busybox:1'
const figures: Figure[] = []

const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-bench-'))
const root = join(directory, 'root')
const docker = await startTestDockerd({ bridge: false })
const podman = await startTestPodman()
const archive = join(directory, 'image.tar')
const built = await busyboxImage()
const plainLayers = built.layers.map(({ bytes, descriptor }) => (/gzip$/.test(descriptor.mediaType) ? gunzipSync(bytes) : bytes))
const bytes = dockerArchive([{ image: built, plainLayers, tags: [image] }])
await writeFile(archive, bytes)
await docker.docker('load', '--input', archive)
await podman.podman('load', '--input', archive)
const engine = new Engine(await openLocal({ root }))
await engine.images.load(chunks(bytes))

const runOurs = async (): Promise<void> => {
  await engine.containers.run({ image, command: ['true'], networkMode: 'none' }, { check: true })
}
const bare = await bareRuns(directory)
const others = [
  { name: 'docker run --rm', goal: 0.15, run: () => docker.docker('run', '--rm', '--network', 'none', image, 'true') },
  { name: 'podman run --rm', goal: 0.25, run: () => podman.podman('run', '--rm', '--network', 'none', image, 'true') },
  { name: 'bare crun run', goal: 2.5, run: bare.prepared },
]
for (const { name, goal, run } of others) {
  const times = await inTurn(
    [
      { name: 'pouch-sdk', run: runOurs },
      { name, run: async () => void (await run()) },
    ],
    rounds,
    leads,
  )
  figures.push(...compare(`run of true, and ${name}`, times, goal))
}

const total = 100
const together = await inTurn(
  [
    { name: 'pouch-sdk', run: () => atOnce(runOurs) },
    { name: 'mount and crun by a script', run: () => atOnce(bare.fresh) },
  ],
  5,
)
const each = new Map([...together].map(([name, times]) => [name, times.map((ms) => ms / total)]))
// A hundred a second were promised of a machine on which such a script takes 8 ms: a quarter more than that, on any.
figures.push(...compare(`each of ${total} containers, 16 at a time`, each, 1.25))

const longest: number[] = []
const counted = await besideCounter('in runs', async () => {
  for (let round = 0; round < 5; round += 1) {
    const watch = watchSteps()
    for (let run = 0; run < 5; run += 1) await runOurs()
    longest.push(longestStep(watch.stop().steps))
  }
})
figures.push(
  { name: 'longest step of the main thread in 5 runs, beside collections', value: median(longest), unit: 'ms', goal: 5 },
  ...counted,
)

const command = ['sleep', '1000']
const ours = await engine.containers.createOwned({ image, command, networkMode: 'none' })
await ours.start()
const theirs = await docker.docker('run', '--detach', '--network', 'none', image, ...command)
const execs = await inTurn(
  [
    { name: 'pouch-sdk', run: async () => void (await ours.exec(['true'], { check: true })) },
    { name: 'docker exec', run: async () => void (await docker.docker('exec', theirs, 'true')) },
  ],
  rounds,
  leads,
)
figures.push(...compare('exec of true', execs, 0.3))
await ours.remove({ force: true })

const detached = await Promise.all(
  Array.from({ length: total }, async () => {
    const container = await engine.containers.create({ image, command, networkMode: 'none' })
    await container.start()
    return container
  }),
)
figures.push({
  name: `anonymous memory beside each of ${total} detached containers`,
  value: (await monitorsBytes(root)) / total / 2 ** 20,
  unit: 'MiB',
  goal: 6,
})
await Promise.all(detached.map((container) => container.remove({ force: true })))

await engine.close()
await docker.close()
await podman.close()
await rm(directory, { recursive: true, force: true })
await report('local', figures)

async function atOnce(run: () => Promise<unknown>): Promise<void> {
  let started = 0
  const worker = async (): Promise<void> => {
    while (started++ < total) await run()
  }
  await Promise.all(Array.from({ length: 16 }, worker))
}
/** Of all shims whose command line names the root. */
async function monitorsBytes(place: string): Promise<number> {
  let sum = 0
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue
    const [line, status] = await Promise.all(['cmdline', 'status'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')))
    const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status ?? '') ?? []
    if (/shim/.test(line ?? '') && ((line ?? '').includes(place) || (await readCwd(pid)).startsWith(place)))
      sum += Number(kibibytes ?? 0) * 1024
  }
  return sum
}
async function readCwd(pid: string): Promise<string> {
  return readlink(`/proc/${pid}/cwd`).catch(() => '')
}
