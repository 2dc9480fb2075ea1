// A real registry (Debian's `docker-registry`) on loopback, with its own temporary root.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { freePort } from './free-port.js'

export interface RunningRegistry extends Closeable {
  /** `127.0.0.1:PORT`: the first part of a reference. */
  readonly host: string
  /** `http://127.0.0.1:PORT`. */
  readonly url: string
  /** What it has been asked for, from its own log; only with `accessLog`. */
  requests(): readonly LoggedRequest[]
}
export interface LoggedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
}

/** Resolves when it answers. Closing ends it and removes its root. */
export async function startRegistry({ accessLog = false }: { readonly accessLog?: boolean } = {}): Promise<RunningRegistry> {
  const root = await mkdtemp(join(tmpdir(), 'registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const config = join(root, 'config.json')
  await writeFile(
    config,
    JSON.stringify({
      version: '0.1',
      log: { level: 'error', accesslog: { disabled: !accessLog } },
      storage: { filesystem: { rootdirectory: join(root, 'data') } },
      http: { addr: host },
    }),
  )
  const child = spawn('docker-registry', ['serve', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  })
  let log = ''
  child.stdout.on('data', (bytes: Buffer) => {
    if (accessLog) log += bytes.toString()
  })
  let errors = ''
  child.stderr.on('data', (bytes: Buffer) => {
    errors = (errors + bytes.toString()).slice(-4096)
  })
  const ended = new Promise<string>((resolve) => {
    child.once('exit', (code) => {
      resolve(`exit code ${code}`)
    })
    child.once('error', (error) => {
      resolve(error.message)
    })
  })
  const close = async (): Promise<void> => {
    child.kill('SIGKILL')
    await ended
    await rm(root, { recursive: true, force: true })
  }
  try {
    await answers(`http://${host}/v2/`, ended, () => errors)
  } catch (error) {
    await close()
    throw error
  }
  const requests = (): readonly LoggedRequest[] =>
    [...log.matchAll(/"([A-Z]+) (\S+) HTTP\/1\.1" (\d+)/g)].map(([, method = '', path = '', status]) => ({
      method,
      path,
      status: Number(status),
    }))
  return { host, url: `http://${host}`, requests, ...closeable(close) }
}

async function answers(url: string, ended: Promise<string>, errors: () => string): Promise<void> {
  let gone: string | undefined
  void ended.then((how) => {
    gone = how
  })
  const deadline = performance.now() + 20_000
  while (gone === undefined && performance.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok === true) return
    await delay(20)
  }
  throw new Error(`docker-registry does not answer (${gone ?? 'it runs'}): ${errors()}`)
}
