// Two halves of a life of one root, before and after the machine went down. Its one argument is JSON.
import { Engine } from '../../../src/index.js'
import { openRoom, type Room } from '../open-room.js'

export interface RebootProgram {
  readonly room: Room
  readonly image: string
  readonly cgroupParent: string
  /** `before` makes containers of each kind, tells the ids of those that ran, and waits to be killed; `after` tells what it finds, uses it and removes it. */
  readonly half: 'before' | 'after'
}
export interface Found {
  /** By name. */
  readonly states: Readonly<Record<string, unknown>>
  /** Of `repair()` after opening. */
  readonly repaired: readonly string[]
  readonly failed: readonly string[]
  /** Of the one that ran, after it was started again. */
  readonly lines: readonly string[]
}

const { room, image, cgroupParent, half } = JSON.parse(process.argv[2] ?? '') as RebootProgram
const engine = new Engine(await openRoom(room))
const tell = (what: unknown): void => {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}
const sleeping = ['sh', '-c', 'echo begun; trap "exit 5" TERM; while :; do sleep 1; done']
if (half === 'before') {
  await engine.images.pull(image)
  const ended = await engine.containers.create({ image, cgroupParent, name: 'ended', command: ['sh', '-c', 'exit 7'] })
  await ended.start()
  await ended.wait()
  await engine.containers.create({ image, cgroupParent, name: 'created', command: sleeping })
  const running = await engine.containers.create({ image, cgroupParent, name: 'running', command: sleeping })
  await running.start()
  const owned = await engine.containers.createOwned({ image, cgroupParent, name: 'owned', command: sleeping })
  await owned.start()
  for await (const { text } of running.logs({ follow: true })) if (text === 'begun') break
  tell([ended, running, owned].map(({ id }) => id))
  setInterval(() => {}, 60_000)
} else {
  const states: Record<string, unknown> = {}
  for await (const { id } of engine.containers.list({ all: true })) {
    const { name, state } = await (await engine.containers.get(id)).inspect()
    states[name] = state.status === 'exited' ? { exitCode: state.exit.exitCode, lost: state.exit.lost } : state.status
  }
  const report = await engine.repair()
  const running = await engine.containers.get('running')
  await running.start()
  await running.stop()
  const lines: string[] = []
  for await (const { text } of running.logs()) lines.push(text)
  for await (const { id } of engine.containers.list({ all: true })) await (await engine.containers.get(id)).remove()
  await engine.close()
  tell({
    states,
    repaired: report.repaired,
    failed: report.failed.map(({ what, error }) => `${what}: ${String(error)}`),
    lines,
  } satisfies Found)
}
