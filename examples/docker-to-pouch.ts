// What a program wants of Docker, and has unchanged from Podman and containerd: docker-to-pouch.ts [URL]
import { connect } from 'pouch-sdk'
import { busyboxRoot, findBusybox } from './parts/busybox-image.js'

const [url] = process.argv.slice(2)
const busybox = await findBusybox()
if (busybox === undefined) throw new Error('a static busybox is needed; on Debian: apt-get install busybox-static')

await using engine = await connect(url)
const before = engine.supports('event_history') ? await engine.cursor() : undefined

// docker import
const root = await busyboxRoot(busybox, AbortSignal.timeout(60_000))
const image = await engine.images.import(root, { reference: 'registry.example/docker-to-pouch:1', config: { env: { GREETING: 'hello' } } })
try {
  // docker run --rm
  const { exitCode, stdout } = await engine.containers.run({
    image: 'registry.example/docker-to-pouch:1',
    command: ['sh', '-c', 'echo $GREETING; exit 3'],
    networkMode: 'none',
  })
  console.log(`run: ${stdout.toString().trim()}, exit code ${exitCode}`)

  // docker create, docker start; removed at the end of the block
  await using server = await engine.containers.createOwned({
    image: 'registry.example/docker-to-pouch:1',
    command: ['sh', '-c', 'trap "echo goes; exit 0" TERM; echo serves; while true; do sleep 0.1; done'],
    labels: { example: 'docker-to-pouch' },
    networkMode: 'none',
    resources: { memoryBytes: 64 << 20, pids: 50 },
  })
  await server.start()
  for await (const entry of server.logs({ follow: true })) {
    console.log(`logs: ${entry.stream} ${entry.text}`)
    break
  }

  // docker exec, with what it reads from its stdin
  const counted = await server.exec(['wc', '-c'], { stdin: Buffer.from('twelve bytes') })
  console.log(`exec: ${counted.stdout.toString().trim()}`)

  // docker ps --filter
  for await (const one of engine.containers.list({ labels: { example: 'docker-to-pouch' } })) {
    const { state, spec } = await one.inspect()
    console.log(`ps: ${state.status}, ${spec.resources?.memoryBytes} bytes`)
  }

  // docker pause, docker unpause
  await server.pause()
  console.log(`pause: ${(await server.inspect()).state.status}`)
  await server.resume()

  // docker stop, docker wait, docker logs
  await server.stop({ graceMs: 5_000 })
  console.log(`stop: exit code ${(await server.wait()).exitCode}`)
  for await (const entry of server.logs({ tail: 1 })) console.log(`logs: ${entry.stream} ${entry.text}`)
} finally {
  await image.remove({ force: true })
}

// docker events --since
if (before !== undefined) {
  const actions: string[] = []
  for await (const { action } of engine.events({ since: before, follow: false, types: ['container'] })) actions.push(action)
  console.log(
    `events: ${['create', 'start', 'exit', 'remove'].every((action) => actions.includes(action)) ? 'whole lives' : actions.join(' ')}`,
  )
}
