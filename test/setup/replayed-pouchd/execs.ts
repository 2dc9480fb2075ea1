// Further processes of the replayed pouchd.
import { randomBytes } from 'node:crypto'
import { MemoryProcess } from '../../../src/conformance/memory/process.js'
import type { Recorded } from '../replay.js'
import { frame, head, type RawRequest, type Wire } from '../scripted-daemon.js'
import { recorded, renamed, tell, tellBody } from './answers.js'
import { type Box, c1 } from './box.js'
import { exchange } from './streams.js'

interface Made {
  readonly id: string
  readonly box: Box
  readonly body: { readonly Cmd: readonly string[]; readonly Tty?: boolean; readonly AttachStdin?: boolean; readonly User?: string }
  process: MemoryProcess | undefined
  exitCode: number
}
const recordedId = (recorded('exec', 'inspect missing').body as { readonly ID: string }).ID
const detachedId = (recorded('exec', 'inspect missing, detached').body as { readonly ID: string }).ID

export class Execs {
  readonly #made: Map<string, Made> = new Map()
  readonly #missing: (command: readonly string[]) => boolean
  constructor(missing: (command: readonly string[]) => boolean) {
    this.#missing = missing
  }

  create(wire: Wire, { body }: RawRequest, box: Box): Promise<void> {
    if (box.status !== 'running') return tell(wire, renamed(recorded('exec', 'container paused'), { [c1.id]: box.id }))
    const id = randomBytes(32).toString('hex')
    this.#made.set(id, { id, box, body: JSON.parse(body.toString()) as Made['body'], process: undefined, exitCode: 0 })
    return tellBody(wire, recorded('exec', 'created'), { Id: id })
  }
  inspect(wire: Wire, id: string): Promise<void> {
    const exec = this.#made.get(id)
    if (exec === undefined) return this.#absent(wire, id)
    const running = exec.process !== undefined && exec.process.exit === undefined
    const answer = recorded('exec', running ? 'inspect running' : exec.process === undefined ? 'inspect created' : 'inspect exited 5')
    const { Cmd, Tty = false, User = '' } = exec.body
    const body = answer.body as { readonly ProcessConfig: object }
    return tellBody(wire, answer, {
      ...body,
      ID: id,
      ContainerID: exec.box.id,
      ExitCode: exec.process?.exit?.exitCode ?? exec.exitCode,
      ProcessConfig: { ...body.ProcessConfig, entrypoint: Cmd[0] ?? '', arguments: Cmd.slice(1), tty: Tty, user: User },
    })
  }
  async start(wire: Wire, { body }: RawRequest, id: string): Promise<void> {
    const exec = this.#made.get(id)
    if (exec === undefined) return this.#absent(wire, id)
    const { Detach, Tty } = JSON.parse(body.toString()) as { readonly Detach?: boolean; readonly Tty?: boolean }
    if (exec.box.status !== 'running') return tell(wire, renamed(recorded('exec', 'container paused'), { [c1.id]: exec.box.id }))
    if (this.#missing(exec.body.Cmd)) return this.#refuse(wire, exec, Detach === true)
    this.#begin(exec, Tty === true)
    if (Detach === true) return tell(wire, recorded('exec', 'started detached'))
    const answer = recorded('exec', Tty === true ? 'started with a terminal' : 'started, 101')
    await wire.write(head(answer.status, answer.headers))
    if (exec.process !== undefined) await exchange(wire, exec.process.attach(0), exec.body.AttachStdin === true, Tty !== true)
  }
  resize(wire: Wire, { query }: RawRequest, id: string): Promise<void> {
    const exec = this.#made.get(id)
    if (exec === undefined) return this.#absent(wire, id)
    if (exec.process === undefined) return tell(wire, recorded('exec', 'resized early'))
    exec.process.resize({ columns: Number(query.get('w')), rows: Number(query.get('h')) })
    return tell(wire, recorded('attach', 'resized'))
  }

  #begin(exec: Made, tty: boolean): void {
    const { body, box } = exec
    const process = new MemoryProcess(0, body.Cmd, { tty, stdin: body.AttachStdin === true, attach: true }, false)
    exec.process = process
    void box.process?.exited.then(() => {
      process.kill('SIGKILL')
    })
  }
  /** In the words that were recorded: as output, or as an answer. */
  #refuse(wire: Wire, exec: Made, detached: boolean): Promise<void> {
    exec.exitCode = 126
    const names = { [detachedId]: exec.id, '/nonexistent': exec.body.Cmd[0] ?? '' }
    if (detached) return tell(wire, renamed(recorded('exec', 'started missing, detached'), names))
    const answer = recorded('exec', 'started missing')
    const said = Buffer.from(answer.bodyBase64 ?? '', 'base64')
      .subarray(8)
      .toString()
    const text = said.replaceAll(recordedId, exec.id).replaceAll('/nonexistent', exec.body.Cmd[0] ?? '')
    return wire.write(head(answer.status, answer.headers), frame('stdout', text)).then(() => void wire.socket.end())
  }
  #absent(wire: Wire, id: string): Promise<void> {
    const answer: Recorded = renamed(recorded('exec', 'absent'), { nope: id })
    return tell(wire, answer)
  }
}
