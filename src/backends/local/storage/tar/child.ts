// GNU tar as the one that makes devices, fifos and attributes, for which Node has no calls. It works in a mount namespace of
// its own, where no symbolic link of the target leads anywhere: not even a fault of ours makes it write elsewhere.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import type { Readable, Writable } from 'node:stream'
import { EngineError, type ErrorCode } from '../../../../errors.js'
import type { CallOptions } from '../../../../model/common.js'
import { onAbort } from '../../../../util/abort.js'
import { programEnvironment, requireProgram, toMessage } from '../../../host/programs.js'

/** A kernel or a mount command without `nosymfollow` does without: names are resolved before tar sees them. */
const script = `
set -e
place=$1 root=$2
shift 2
if [ -n "$place" ]; then
  mount -n --bind -- "$root" "$place"
  mount -n -o remount,bind,nosymfollow -- "$place" 2>/dev/null || :
  root=$place
fi
cd -- "$root"
exec "$@"
`
const extractArgs = [
  '--extract',
  '--file=-',
  '--blocking-factor=128',
  '--absolute-names',
  '--numeric-owner',
  '--same-owner',
  '--same-permissions',
  '--delay-directory-restore',
  '--xattrs',
  '--xattrs-include=*',
  '--warning=no-timestamp',
] as const
const bufferBytes = 256 << 10
const mostComplaint = 4_000

export interface RunTarOptions extends CallOptions {
  /** An empty directory, on which the target is mounted in the namespace. `undefined`: it is one of another namespace, mounted so already. */
  readonly place: string | undefined
  readonly root: string
}

export async function spawnTar(args: readonly string[], { place, root, signal }: RunTarOptions): Promise<ChildProcess> {
  const [unshare, tar] = await Promise.all([requireProgram('unshare'), requireProgram('tar'), requireProgram('mount')])
  if (place !== undefined) await mkdir(place, { recursive: true, mode: 0o700 })
  signal?.throwIfAborted()
  return spawn(unshare, ['--mount', '--propagation', 'private', '--', '/bin/sh', '-c', script, 'sh', place ?? '', root, tar, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    cwd: '/',
    env: programEnvironment(),
  })
}

/** Unpacks what is written to it. Closed without an end, it is killed. */
export class TarExtract implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #stdin: Writable
  readonly #ended: Promise<void>
  readonly #killing: Disposable
  /** Written, and free to be filled again. */
  readonly #spare: Buffer[] = []
  #buffer: Buffer = Buffer.allocUnsafeSlow(bufferBytes)
  #filled = 0
  #draining: Promise<void> | undefined

  constructor(child: ChildProcess, signal: AbortSignal | undefined) {
    this.#child = child
    this.#stdin = child.stdin as Writable
    this.#stdin.on('error', () => {}) // its exit tells
    child.stdout?.resume()
    this.#ended = outcome(child)
    this.#ended.catch(() => {})
    this.#killing = onAbort(signal, () => {
      child.kill('SIGKILL')
    })
  }
  static async start(options: RunTarOptions): Promise<TarExtract> {
    return new TarExtract(await spawnTar(extractArgs, options), options.signal)
  }

  /** Small pieces are gathered. Waits only where a promise is returned. The bytes must stay as they are. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.byteLength > bufferBytes - this.#filled) {
      const first = this.#flush()
      if (bytes.byteLength >= bufferBytes / 4) return this.#send(bytes) ?? first
      this.#buffer.set(bytes, 0)
      this.#filled = bytes.byteLength
      return first
    }
    this.#buffer.set(bytes, this.#filled)
    this.#filled += bytes.byteLength
    return undefined
  }
  /** Resolves when all is unpacked. */
  async end(): Promise<void> {
    await this.#flush()
    this.#stdin.end()
    await this.#ended
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.#killing[Symbol.dispose]()
    this.#child.kill('SIGKILL')
    await this.#ended.catch(() => {})
  }

  #flush(): Promise<void> | undefined {
    if (this.#filled === 0) return undefined
    const buffer = this.#buffer
    const bytes = buffer.subarray(0, this.#filled)
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes)
    this.#filled = 0
    return this.#send(bytes, () => {
      this.#spare.push(buffer)
    })
  }
  #send(bytes: Uint8Array, written: () => void = () => {}): Promise<void> | undefined {
    return this.#stdin.write(bytes, written) ? undefined : this.#drained()
  }
  async #drained(): Promise<void> {
    this.#draining ??= drained(this.#stdin).finally(() => {
      this.#draining = undefined
    })
    await this.#draining
    // It has ended before its time.
    if (this.#stdin.destroyed) await this.#ended
  }
}

function drained(stream: Writable): Promise<void> {
  if (stream.destroyed || !stream.writableNeedDrain) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done).off('close', done)
      resolve()
    }
    stream.once('drain', done).once('close', done)
  })
}

/** Resolves when it has ended well and closed its pipes. */
export async function outcome(child: ChildProcess): Promise<void> {
  let complaint = ''
  ;(child.stderr as Readable).setEncoding('utf8').on('data', (text: string) => {
    if (complaint.length < mostComplaint) complaint += text
  })
  const [code, killer] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  if (code === 0) return
  const message = toMessage(complaint)
  throw new EngineError(codeOf(message, killer), `tar ended with ${String(code ?? killer)}: ${message}`)
}
function codeOf(message: string, killer: string | null): ErrorCode {
  if (/No space left|Wrote only|quota exceeded|Too many open files|Cannot allocate memory/i.test(message)) return 'resource_exhausted'
  if (/not permitted|Permission denied/i.test(message)) return 'permission_denied'
  // What we gave it was well-formed: it is the layer's contents that cannot be made.
  return killer === null && /tar: /.test(message) ? 'data_loss' : 'internal'
}
