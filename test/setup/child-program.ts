// A program of ours as a process of its own, to be killed: TypeScript below `test/setup/programs`, bundled once.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'

export interface ChildProgram {
  readonly pid: number
  readonly process: ChildProcess
  /** The next line that it prints, as JSON. Throws with what it said on stderr when it has ended. */
  next<T>(): Promise<T>
  tell(line: string): void
  /** SIGKILL and wait. */
  kill(): Promise<void>
  /** Resolves with its exit code. */
  exited: Promise<number | null>
}
export interface StartOptions {
  /** In mount and network namespaces of its own with an empty /run. Default false. */
  readonly isolated?: boolean | undefined
  /** What it sees as the machine's boot: as after a restart of it. */
  readonly bootId?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}
export interface Programs extends Closeable {
  /** The bundle. */
  readonly file: string
  start(args: readonly string[], options?: StartOptions): ChildProgram
}

export async function bundleProgram(name: string): Promise<Programs> {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-program-'))
  const file = join(directory, `${name}.mjs`)
  await build({
    // From the root of the repository, where tests and benches run.
    entryPoints: [`test/setup/programs/${name}.ts`],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    banner: {
      js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(${JSON.stringify(import.meta.url)})`,
    },
    logLevel: 'error',
  })
  return {
    file,
    start(args, { isolated = false, bootId, env = {} } = {}) {
      const command = [process.execPath, file, ...args]
      const wrapping = isolated ? inNamespaces : bootId === undefined ? [] : inBoot(join(directory, `boot-${bootId}`), bootId)
      const [first = '', ...rest] = [...wrapping, ...command]
      return follow(spawn(first, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } }))
    },
    ...closeable(() => rm(directory, { recursive: true, force: true })),
  }
}

const inNamespaces = [
  ...['unshare', '--mount', '--net', '--propagation', 'private'],
  ...['sh', '-c', 'mount -t tmpfs tmpfs /run && ip link set lo up; exec "$0" "$@"'],
]
function inBoot(file: string, bootId: string): readonly string[] {
  writeFileSync(file, `${bootId}\n`)
  const script = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"'
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, file]
}

function follow(child: ChildProcess): ChildProgram {
  const said: string[] = []
  child.stderr?.on('data', (bytes: Buffer) => {
    said.push(bytes.toString())
  })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return {
    pid: child.pid ?? -1,
    process: child,
    exited,
    async next<T>() {
      const { done, value } = await lines.next()
      if (done === true) throw new Error(`the program ended with ${await exited}: ${said.join('')}`)
      return JSON.parse(value) as T
    },
    tell: (line) => {
      child.stdin?.write(`${line}\n`)
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
