// Connections through `ssh`: a program on the other host joins its input and output to the daemon's socket there.
import { type ChildProcess, spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { EngineError } from '../../../errors.js'
import type { CallOptions } from '../../../model/common.js'
import { raceAbort } from '../../../util/abort.js'
import { SshFailure } from '../errors.js'
import type { Endpoint } from './endpoint.js'

export interface SshTarget {
  readonly host: string
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** Of the daemon there. Absent: where the program itself looks. */
  readonly socketPath?: string | undefined
}

/** What a new connection costs is worth keeping it. */
const keepAliveMs = 60_000
const connectSeconds = 30
const killMs = 2_000
const mostStderr = 4_096
/** ssh joins the words of a command by blanks, and a shell over there takes them apart again. */
const safePath = /^\/[A-Za-z0-9_@%+=:,./-]+$/
const noSuchCommand = 127

/** The programs that can do it, in the order in which they are tried; a shell answers 127 for what is not there. */
function commandsFor(socketPath: string | undefined): readonly (readonly string[])[] {
  if (socketPath === undefined)
    return [
      ['docker', 'system', 'dial-stdio'],
      ['podman', 'system', 'dial-stdio'],
      ['socat', '-', 'UNIX-CONNECT:/var/run/pouchd.sock'],
    ]
  return [
    ['docker', '--host', `unix://${socketPath}`, 'system', 'dial-stdio'],
    ['podman', '--url', `unix://${socketPath}`, 'system', 'dial-stdio'],
    ['socat', '-', `UNIX-CONNECT:${socketPath}`],
    ['nc', '-U', socketPath],
  ]
}

/** Throws `invalid_argument` for what ssh would take for an option. */
export function sshEndpoint(target: SshTarget): Endpoint {
  const { host, user, port, socketPath } = target
  if (host === '' || host.startsWith('-')) throw new EngineError('invalid_argument', `"${host}" is no name of a host`)
  if (user?.startsWith('-') === true) throw new EngineError('invalid_argument', `"${user}" is no name of a user`)
  if (socketPath !== undefined && !safePath.test(socketPath))
    throw new EngineError('invalid_argument', `the path "${socketPath}" has characters that a shell would take apart`)
  const options = [
    ...['-o', `ConnectTimeout=${connectSeconds}`, '-o', 'BatchMode=yes', '-T'],
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
  ]
  const children = new Set<ChildProcess>()
  let chosen: Promise<readonly string[]> | undefined
  let first: SshSocket | undefined

  const dial = (command: readonly string[]): SshSocket => {
    const child = spawn('ssh', [...options, '--', host, ...command], { stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    children.add(child)
    const gone = (): void => {
      children.delete(child)
    }
    child.once('exit', gone).once('error', gone)
    return new SshSocket(child)
  }
  const choose = async (): Promise<readonly string[]> => {
    let failure: unknown
    for (const command of commandsFor(socketPath)) {
      const socket = dial(command)
      try {
        await greet(socket)
        first = socket
        return command
      } catch (error) {
        socket.destroy()
        failure = error
        if (!(error instanceof SshFailure) || error.exitCode !== noSuchCommand) throw error
      }
    }
    throw failure
  }
  return {
    name: `ssh://${host}`,
    host: 'localhost',
    costly: true,
    keepAliveMs,
    async open({ signal }: CallOptions = {}) {
      // What an abort leaves under way is for the next one.
      chosen ??= choose().catch((error: unknown) => {
        chosen = undefined
        throw error
      })
      const command = await raceAbort(chosen, signal)
      const socket = first ?? dial(command)
      first = undefined
      return socket
    },
    async close() {
      first?.destroy()
      await Promise.all([...children].map(ended))
    },
  }
}

/** Asks for nothing but a head, and leaves the connection as it was: so it can go on being used. */
function greet(socket: SshSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = ''
    const done = (error?: Error | null): void => {
      socket.off('data', read).off('error', done).off('end', end)
      socket.pause()
      if (error) reject(error)
      else resolve()
    }
    const read = (chunk: Buffer): void => {
      head += chunk.toString('latin1')
      if (head.includes('\r\n\r\n')) done()
      else if (head.length > 64 * 1024) done(new Error('what it says is not HTTP'))
    }
    const end = (): void => {
      done(new Error('closed before it answered'))
    }
    socket.on('data', read).once('error', done).once('end', end)
    socket.write('HEAD /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n')
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve()
      return
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), killMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill()
  })
}

/** Input and output of a child as one connection. What undici and node:http ask of a socket beside a stream says nothing to it. */
class SshSocket extends Duplex {
  readonly #child: ChildProcess
  #stderr = ''
  #heard = false
  #ended = false

  constructor(child: ChildProcess) {
    super({ allowHalfOpen: true })
    this.#child = child
    const { stdin, stdout, stderr } = child
    stderr?.on('data', (chunk: Buffer) => {
      if (this.#stderr.length < mostStderr) this.#stderr += chunk.toString('utf8')
    })
    stdin?.on('error', () => {}) // told by the exit
    stdout?.on('readable', () => {
      this.#pump()
    })
    stdout?.once('end', () => {
      this.#ended = true
    })
    child.once('error', (error) => {
      this.destroy(error)
    })
    child.once('close', (code) => {
      if (code !== 0 && !this.#heard) this.destroy(new SshFailure(this.#stderr.trim(), code ?? undefined))
      else this.push(null)
    })
  }
  setTimeout(): this {
    return this
  }
  setNoDelay(): this {
    return this
  }
  setKeepAlive(): this {
    return this
  }
  ref(): this {
    this.#child.ref()
    return this
  }
  unref(): this {
    return this
  }

  override _read(): void {
    this.#pump()
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { stdin } = this.#child
    if (stdin === null || stdin.destroyed) done(new SshFailure(this.#stderr.trim(), this.#child.exitCode ?? undefined))
    else if (stdin.write(chunk)) done()
    else {
      const go = (): void => {
        stdin.off('drain', go).off('close', go)
        done()
      }
      stdin.once('drain', go).once('close', go)
    }
  }
  override _final(done: (error?: Error | null) => void): void {
    this.#child.stdin?.end(done)
  }
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#child.stdin?.destroy()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    this.#child.kill()
    done(error)
  }

  #pump(): void {
    if (this.#ended) return
    for (;;) {
      const chunk = this.#child.stdout?.read() as Buffer | null
      if (chunk === null) return
      this.#heard = true
      if (!this.push(chunk)) return
    }
  }
}
