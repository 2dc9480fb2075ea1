// The life of containers on the replayed pouchd: their state chooses the recorded answer.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Signal } from '../../../src/model/process.js'
import type { Recorded } from '../replay.js'
import type { RawRequest, Wire } from '../scripted-daemon.js'
import { recorded, recordedNewer, renamed, tell, tellBody } from './answers.js'
import { Box, c1 } from './box.js'
import type { EventLog } from './events.js'
import { type Images, wholeName } from './images.js'

type Fields = Readonly<Record<string, unknown>>
const failedId = (recorded('life', 'inspect after a failed start').body as { readonly Id: string }).Id
const killedId = (recordedNewer.life('inspect exited').body as { readonly Id: string }).Id

export class Containers {
  readonly boxes: Map<string, Box> = new Map()
  readonly #images: Images
  readonly #events: EventLog
  readonly #missing: (command: readonly string[]) => boolean
  constructor(images: Images, events: EventLog, missing: (command: readonly string[]) => boolean) {
    this.#images = images
    this.#events = events
    this.#missing = missing
  }

  /** By id, name, or a beginning of one id only. */
  find(ref: string): Box | undefined {
    const boxes = [...this.boxes.values()]
    const named = this.boxes.get(ref) ?? boxes.find(({ name }) => name === ref)
    const begun = boxes.filter(({ id }) => id.startsWith(ref))
    return named ?? (begun.length === 1 ? begun[0] : undefined)
  }
  list(wire: Wire, { query }: RawRequest): Promise<void> {
    const boxes = [...this.boxes.values()].filter((box) => query.get('all') === '1' || box.isRunning)
    return tellBody(
      wire,
      recorded('life', 'list all'),
      boxes.map((box) => box.listed()),
    )
  }
  async create(wire: Wire, { query, body: bytes }: RawRequest): Promise<void> {
    const body = JSON.parse(bytes.toString()) as Fields & { readonly Image: string; readonly HostConfig: Fields }
    const id = query.get('specificId') ?? randomBytes(32).toString('hex')
    const name = query.get('name') ?? id.slice(0, 6)
    const image = this.#images.find(body.Image)
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return tell(wire, renamed(recorded('life', 'bad name'), { 'bad!name': name }))
    if (image === undefined)
      return tell(wire, renamed(recorded('life', 'no image'), { 'registry.hub.docker.com/library/nope:1': wholeName(body.Image) }))
    if (!/^[0-9a-f]{64}$/.test(id)) return tell(wire, recorded('life', 'id is none'))
    if ([...this.boxes.values()].some((box) => box.name === name)) return tell(wire, renamed(recorded('life', 'name taken'), { c1: name }))
    const memory = Number(body.HostConfig['Memory'] ?? 0)
    if (memory > 0 && memory < 4 << 20) return tell(wire, recorded('life', 'too little memory'))
    const box = new Box({ id, name, image, body }, this.#events)
    this.boxes.set(id, box)
    return tellBody(wire, recorded('life', 'created'), { ...(recorded('life', 'created').body as object), Id: id, Name: name })
  }

  start(wire: Wire, box: Box): Promise<void> {
    if (box.status === 'running') return tell(wire, recorded('life', 'started again'))
    if (this.#missing(box.args)) {
      box.failToStart()
      const names = { [failedId]: box.id, '/nonexistent': box.args[0] ?? '' }
      return tell(wire, renamed(recorded('life', 'start of a missing command'), names))
    }
    box.start()
    return tell(wire, recorded('life', 'started'))
  }
  async stop(wire: Wire, box: Box, { query }: RawRequest): Promise<void> {
    await box.stop((Number(query.get('t') ?? 0) || 10) * 1_000)
    await tell(wire, recorded('life', 'stopped'))
  }
  kill(wire: Wire, box: Box, { query }: RawRequest): Promise<void> {
    const signal = query.get('signal') ?? ''
    if (!box.isRunning) return tell(wire, renamed(recordedNewer.life('kill exited'), { [killedId]: box.id }))
    try {
      box.process?.kill(signal as Signal)
    } catch {
      return tell(wire, renamed(recordedNewer.life('no such signal'), { SIGNOPE: signal }))
    }
    return tell(wire, recordedNewer.life('killed'))
  }
  async wait(wire: Wire, box: Box): Promise<void> {
    const code = box.isRunning ? (await box.process?.exited)?.exitCode : box.exitCode
    // No daemon is so quick that an end and what is asked after it fall into one millisecond.
    await sleep(2)
    await tellBody(wire, recorded('life', 'wait'), { StatusCode: code })
  }
  freeze(wire: Wire, box: Box, verb: 'pause' | 'unpause'): Promise<void> {
    const [before, after] = verb === 'pause' ? (['running', 'paused'] as const) : (['paused', 'running'] as const)
    if (box.status !== before) {
      const answer = recorded('life', verb === 'pause' ? 'pause again' : 'resume again')
      return tell(wire, renamed(answer, verb === 'pause' ? { paused: box.status } : { [c1.id]: box.id, '(running)': `(${box.status})` }))
    }
    box.status = after
    if (box.process !== undefined) box.process.paused = after === 'paused'
    box.tells(verb)
    return tell(wire, recorded('life', 'done'))
  }
  rename(wire: Wire, box: Box, { query }: RawRequest): Promise<void> {
    const name = query.get('name') ?? ''
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return tell(wire, renamed(recorded('life', 'bad name'), { 'bad!name': name }))
    if (this.find(name) !== undefined) return tell(wire, renamed(recorded('life', 'name taken by itself'), { c1: name }))
    box.name = name
    box.tells('rename')
    return tell(wire, recorded('life', 'done'))
  }
  update(wire: Wire, box: Box, { body }: RawRequest): Promise<void> {
    const {
      Label = [],
      Env = [],
      ...limits
    } = JSON.parse(body.toString()) as { readonly Label?: string[]; readonly Env?: string[] } & Fields
    box.host = { ...box.host, ...limits }
    box.config = {
      ...box.config,
      Labels: changed(box.config['Labels'] as Labels, Label),
      Env: changedEnv(box.config['Env'] as string[], Env),
    }
    box.tells('update')
    return tell(wire, recorded('attach', 'resized'))
  }
  remove(wire: Wire, box: Box, { query }: RawRequest): Promise<void> {
    if (box.isRunning && query.get('force') !== '1') return tell(wire, renamed(recorded('life', 'remove running'), { [c1.id]: box.id }))
    box.process?.kill('SIGKILL')
    this.boxes.delete(box.id)
    box.tells('destroy')
    return tell(wire, recorded('life', 'removed'))
  }
  absent(wire: Wire, ref: string): Promise<void> {
    const answer: Recorded = recorded('life', 'absent')
    return tell(wire, renamed(answer, { nope: ref }))
  }
}

type Labels = Readonly<Record<string, string>>
function changed(labels: Labels, changes: readonly string[]): Labels {
  const all = new Map(Object.entries(labels))
  for (const change of changes) {
    const [key = '', ...rest] = change.split('=')
    if (rest.join('=') === '') all.delete(key)
    else all.set(key, rest.join('='))
  }
  return Object.fromEntries(all)
}
function changedEnv(env: readonly string[], changes: readonly string[]): readonly string[] {
  const kept = env.filter((one) => !changes.some((change) => change.split('=')[0] === one.split('=')[0]))
  return [...kept, ...changes.filter((change) => change.includes('='))]
}
