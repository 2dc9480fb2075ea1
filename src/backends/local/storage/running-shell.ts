// A shell at work: orders to it, and what it tells.
import { type ChildProcess, spawn } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { EngineError } from '../../../errors.js'
import { splitLines } from '../../../util/lines.js'
import { programEnvironment, requireProgram, toMessage } from '../../host/programs.js'
import { shellScript } from './shell-script.js'

export interface JobEnd {
  /** As a shell tells it: more than 128 for a signal. */
  readonly status: number
  /** What it complained about, in one line, when the status is not 0. */
  readonly said: string
}
/** tar at work. Let go of too early, it ends badly. */
export interface TarJob {
  /** What it reads. Destroyed when tar ends. */
  readonly input: Writable
  /** What it writes, where it makes an archive. */
  readonly output: Readable
  /** Rejects when the shell has gone before tar. */
  readonly ended: Promise<JobEnd>
}
/** Gone with the shell. */
export interface Shown {
  readonly name: string
  /** Where it is, as we see it. */
  readonly root: string
}
interface Waiting<T> {
  resolve(value: T): void
  reject(error: unknown): void
}

export class RunningShell {
  /** Resolves when it has ended. */
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  readonly #place: string
  readonly #jobs: Map<number, Waiting<JobEnd>> = new Map()
  #opening: Waiting<void> | undefined
  /** Orders are read one after the other. */
  #ordered: Promise<unknown> = Promise.resolve()
  #shown = 0
  #complaint = ''
  #hasGone = false

  private constructor(child: ChildProcess, place: string) {
    this.#child = child
    this.#place = place
    this.gone = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#complaint += error.message
        resolve()
      })
      child.once('close', resolve)
    })
    child.stdin?.on('error', () => {}) // its end tells
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2_000)
    })
    void this.#listen(child.stdout as Readable)
    void this.gone.then(() => {
      this.#hasGone = true
      for (const waiting of [this.#opening, ...this.#jobs.values()]) waiting?.reject(this.#failure())
    })
  }
  /** `directory` is the store's; `place` an empty one, made if need be. */
  static async start(directory: string, place: string): Promise<RunningShell> {
    const [unshare] = await Promise.all(['unshare', 'tar', 'mount', 'mkfifo', 'sync'].map(requireProgram))
    await mkdir(place, { recursive: true, mode: 0o700 })
    // Links in it would be looked up in our namespace.
    const real = await realpath(place)
    const args = ['--mount', '--propagation', 'private', '--', '/bin/sh', '-c', shellScript, 'sh', real, directory]
    // Its group is its own, so that it can end all that is in it.
    const child = spawn(unshare as string, args, { stdio: 'pipe', cwd: '/', env: programEnvironment(), detached: true })
    return new RunningShell(child, real)
  }

  /** Unpacks what is written to it to `path`, a directory of the store without spaces in its name. */
  extract(path: string): Promise<TarJob> {
    return this.#tar('extract', path)
  }
  /** An archive of those whose names are written to it, each with a zero byte after it. `shown` is what `show` has resolved with. */
  create({ name }: Shown): Promise<TarJob> {
    return this.#tar('create', `../${name}`)
  }
  /** These directories in `path`, as overlayfs puts them on each other, the topmost first; for reading, and without links that lead anywhere. */
  async show(path: string, lowers: readonly string[]): Promise<Shown> {
    this.#shown += 1
    const name = `shown.${this.#shown}`
    await this.#job(`show %d ${name} ${path} ${lowers.join(':')}`)
    return { name, root: `/proc/${this.#child.pid}/root${this.#place}/${name}` }
  }
  async hide({ name }: Shown): Promise<void> {
    await this.#job(`hide %d ${name}`)
  }
  /** Resolves when all that was written to the store's file system before is on the disk. */
  async sync(): Promise<void> {
    await this.#job('sync %d')
  }
  /** Whether this process is kept from ending by it. */
  keepAlive(isNeeded: boolean): void {
    const { stdin, stdout, stderr } = this.#child
    for (const one of [this.#child, stdin, stdout, stderr] as readonly (Pick<Socket, 'ref' | 'unref'> | null)[])
      if (isNeeded) one?.ref()
      else one?.unref()
  }
  async close(): Promise<void> {
    this.keepAlive(true)
    this.#child.stdin?.end()
    await this.gone
  }

  async #tar(order: string, path: string): Promise<TarJob> {
    const number = this.#number()
    const ended = this.#wait(number)
    const [input, output] = await this.#inTurn(async () => {
      const opened = new Promise<void>((resolve, reject) => {
        this.#opening = { resolve, reject }
      })
      this.#tell(`${order} ${number} ${path}`)
      try {
        await opened
        return [this.#open(3, constants.O_WRONLY), this.#open(4, constants.O_RDONLY)]
      } finally {
        this.#child.stdin?.write('\n')
      }
    })
    const destroy = (): void => void input?.destroy()
    ended.then(destroy, destroy)
    return { input: input as Socket, output: output as Socket, ended }
  }
  #open(descriptor: number, mode: number): Socket {
    const fd = openSync(`/proc/${this.#child.pid}/fd/${descriptor}`, mode | constants.O_NONBLOCK)
    const isInput = mode === constants.O_WRONLY
    return new Socket({ fd, readable: !isInput, writable: isInput }).on('error', () => {}) // tar's end tells
  }
  async #job(order: string): Promise<void> {
    const number = this.#number()
    const ended = this.#wait(number)
    await this.#inTurn(async () => this.#tell(order.replace('%d', String(number))))
    const { status, said } = await ended
    if (status !== 0) throw new EngineError('internal', `"${order.split(' ')[0]}" in the store ended with ${status}: ${said}`)
  }
  async #listen(stdout: Readable): Promise<void> {
    try {
      for await (const { text } of splitLines(stdout)) {
        const [word, number, status, ...said] = text.split(' ')
        if (word === 'open') this.#opening?.resolve()
        if (word !== 'ended') continue
        this.#jobs.get(Number(number))?.resolve({ status: Number(status), said: said.join(' ') })
        this.#jobs.delete(Number(number))
      }
    } catch {
      // it has gone
    }
  }
  #number(): number {
    let number = 1
    while (this.#jobs.has(number)) number += 1
    return number
  }
  #wait(number: number): Promise<JobEnd> {
    const ended = new Promise<JobEnd>((resolve, reject) => {
      this.#jobs.set(number, { resolve, reject })
    })
    ended.catch(() => {}) // also told to who opens
    return ended
  }
  #inTurn<T>(order: () => Promise<T>): Promise<T> {
    const done = this.#ordered.then(order)
    this.#ordered = done.catch(() => {})
    return done
  }
  #tell(line: string): void {
    if (this.#hasGone) throw this.#failure()
    this.#child.stdin?.write(`${line}\n`)
  }
  #failure(): EngineError {
    const message = toMessage(this.#complaint)
    const code = /not permitted|denied/i.test(message) ? 'permission_denied' : 'internal'
    return new EngineError(code, `the shell that unpacks layers has ended: ${message === '' ? 'it was killed' : message}`)
  }
}
