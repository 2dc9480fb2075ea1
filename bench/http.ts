// Docker's API: what a call costs over the bare exchange, a run of `true` and the demultiplexing of output against dockerode, and memory.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import Docker from 'dockerode'
import { Engine } from 'pouch-sdk'
import { connectHttp } from 'pouch-sdk/http'
import { Pool } from 'undici'
import { compile } from '../scripts/compile.mjs'
import { startTestDockerd } from '../test/setup/dockerd.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../test/setup/images.js'
import { report } from './parts/figures.js'
import { compare, type Figure, inTurn, median } from './parts/measure.js'

const figures: Figure[] = []
const image = 'registry.example/busybox:1'
const directory = await mkdtemp(join(tmpdir(), 'bench-'))

// A run of `true` on a real daemon, by the same calls: create, attach, start, wait, remove.
const dockerd = await startTestDockerd({ bridge: false })
const engine = new Engine(await connectHttp({ socketPath: dockerd.socketPath }))
const built = await busyboxImage()
await engine.images.load(chunks(dockerArchive([{ image: built, plainLayers: plainLayers(built), tags: [image] }])))
const docker = new Docker({ socketPath: dockerd.socketPath })
const sink = (): Writable & { bytes: number } => {
  const counting = new Writable({
    write(chunk: Buffer, _, done) {
      into.bytes += chunk.length
      done()
    },
  })
  const into = Object.assign(counting, { bytes: 0 })
  return into
}
const runs = await inTurn(
  [
    {
      name: 'pouch-sdk',
      run: async () => {
        const { exitCode } = await engine.containers.run({ image, command: ['true'], networkMode: 'none' })
        if (exitCode !== 0) throw new Error(`true exited with ${exitCode}`)
      },
    },
    {
      name: 'dockerode',
      run: async () => {
        const container = await docker.createContainer({
          Image: image,
          Cmd: ['true'],
          AttachStdout: true,
          AttachStderr: true,
          HostConfig: { NetworkMode: 'none' },
        })
        const stream = await container.attach({ stream: true, stdout: true, stderr: true, hijack: true })
        docker.modem.demuxStream(stream, sink(), sink())
        stream.resume()
        const ended = once(stream, 'end')
        await container.start()
        const { StatusCode } = await container.wait()
        await ended
        await container.remove()
        if (StatusCode !== 0) throw new Error(`true exited with ${StatusCode}`)
      },
    },
  ],
  40,
)
figures.push(...compare('run of true on dockerd', runs, 1.05))

// From here on a fake daemon that answers at once, with what the real one says of a container.
const id = await dockerd.docker('create', '--network=none', image, 'true')
const inspection = join(directory, 'inspection.json')
const [one] = JSON.parse(await dockerd.docker('inspect', id)) as [Record<string, unknown>]
await writeFile(inspection, JSON.stringify({ ...one, State: { ...(one['State'] as object), Status: 'running', Running: true, Pid: 1 } }))
await engine.close()
await dockerd.close()
const program = await compile('bench/parts/fake-daemon.ts')
const socketPath = join(directory, 'fake.sock')
const fake = spawn(process.execPath, [program.path, socketPath, inspection], { stdio: ['ignore', 'pipe', 'inherit'] })
await once(fake.stdout, 'data')
const backend = await connectHttp({ socketPath })
const theirs = new Docker({ socketPath })

const attachOurs = async (frame: number, total: number): Promise<void> => {
  const attachment = await backend.streams.attach(`${frame}-${total}`)
  let bytes = 0
  for await (const chunk of attachment.output) bytes += chunk.bytes.length
  await attachment.close()
  if (bytes < total) throw new Error(`${bytes} of ${total} bytes`)
}
// Before anything else has made this process large.
const before = process.memoryUsage.rss()
let highest = before
const watch = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage.rss())
}, 10)
await attachOurs(32 << 10, 1 << 30)
clearInterval(watch)
figures.push({ name: 'output of 1 GiB: added memory', value: (highest - before) / (1 << 20), unit: 'MiB', goal: 80 })

const bare = new Pool('http://localhost', { socketPath, connections: 1 })
const calls = 200
const repeated = (call: () => Promise<unknown>) => async () => {
  for (let time = 0; time < calls; time += 1) await call()
}
const inspections = await inTurn(
  [
    { name: 'pouch-sdk', run: repeated(() => backend.containers.get(id)) },
    {
      name: 'bare exchange',
      run: repeated(async () => (await bare.request({ method: 'GET', path: `/v1.41/containers/${id}/json` })).body.text()),
    },
    { name: 'dockerode', run: repeated(() => theirs.getContainer(id).inspect()) },
  ],
  15,
)
const each = (name: string): number => median(inspections.get(name) ?? []) / calls
figures.push({ name: 'inspect: over the bare exchange', value: each('pouch-sdk') - each('bare exchange'), unit: 'ms', goal: 1 })
figures.push({ name: 'inspect: dockerode over the bare exchange', value: each('dockerode') - each('bare exchange'), unit: 'ms' })

const attachTheirs = async (frame: number, total: number): Promise<void> => {
  const stream = await theirs.getContainer(`0${frame}-${total}`).attach({ stream: true, stdout: true, stderr: true, hijack: true })
  const out = sink()
  theirs.modem.demuxStream(stream, out, sink())
  await once(stream, 'end')
  if (out.bytes < total) throw new Error(`${out.bytes} of ${total} bytes`)
}
for (const [label, frame, total, goal] of [
  ['output in frames of 100 bytes', 100, 32 << 20, 1 / 3],
  ['output in frames of 32 KiB', 32 << 10, 256 << 20, 1],
] as const) {
  const times = await inTurn(
    [
      { name: 'pouch-sdk', run: () => attachOurs(frame, total) },
      { name: 'dockerode', run: () => attachTheirs(frame, total) },
    ],
    7,
  )
  figures.push(...compare(label, times, goal))
}

await backend.close()
await bare.destroy()
fake.kill('SIGTERM')
await once(fake, 'exit')
await program.dispose()
await rm(directory, { recursive: true, force: true })

await report('http', figures)
