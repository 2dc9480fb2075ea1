// Locks between real processes that are killed.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { link, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { compile } from '../../../scripts/compile.mjs'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'

let program: Awaited<ReturnType<typeof compile>>
let root: string
const children = new Set<ChildProcess>()

beforeAll(async () => {
  program = await compile('test/integration/host/lock-worker.ts')
})
afterAll(() => program.dispose())
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'locks-'))
})
afterEach(async () => {
  for (const child of children) await kill(child)
  await rm(root, { recursive: true })
})

function start(mode: string, launcher: readonly string[] = []): { child: ChildProcess; lines: AsyncIterator<string> } {
  const [file = '', ...args] = [...launcher, process.execPath, program.path, root, mode]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.add(child)
  return { child, lines: createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]() }
}
async function kill(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
const names = async (folder: string): Promise<string[]> => (await readdir(join(root, folder))).filter((name) => !name.startsWith('.'))

it('a waiter gets the lock of a holder that is killed, whatever children it leaves', async () => {
  const { child, lines } = start('hold')
  const [, pid] = ((await lines.next()).value as string).split(' ')
  await using locks = await openFileLocks(root)
  expect(await locks.tryAcquire('k')).toBeUndefined()
  const waiting = locks.acquire('k')
  await kill(child)
  await (await waiting).close()
  await (await locks.acquire('other')).close()
  expect(await names('locks')).toEqual([])
  process.kill(Number(pid))
})

it('nobody takes the lock of a process that lives in another pid namespace', async () => {
  const { child, lines } = start('hold', ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'])
  const [, pid] = ((await lines.next()).value as string).split(' ')
  expect(Number(pid)).toBeLessThan(100)
  await using locks = await openFileLocks(root)
  for (let tries = 0; tries < 5; tries += 1) expect(await locks.tryAcquire('k')).toBeUndefined()
  await expect(locks.acquire('k', { signal: AbortSignal.timeout(500) })).rejects.toMatchObject({ name: 'TimeoutError' })
  const waiting = locks.acquire('k')
  await kill(child)
  await (await waiting).close()
})

it('processes that count under one lock lose nothing, however they are killed', async () => {
  await writeFile(join(root, 'number'), '0'.padStart(10, '0'))
  let counted = 0
  let kills = 0
  const running: Promise<void>[] = []
  const run = async (killAfter: number | undefined): Promise<void> => {
    const { child, lines } = start('count')
    let own = 0
    for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
      counted += 1
      own += 1
      if (own === killAfter) {
        kills += 1
        child.kill('SIGKILL')
        running.push(run(kills < 12 ? 5 + (kills % 3) : undefined))
      }
      if (counted >= 400 && kills >= 12) child.stdin?.end()
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (child.signalCode === null) expect(child.exitCode).toBe(0)
  }
  for (const first of [3, 7, 11, undefined]) running.push(run(first))
  for (let n = 0; n < running.length; n += 1) await running[n]
  const number = Number(await readFile(join(root, 'number'), 'utf8'))
  // Who is killed between writing and telling has counted.
  expect(number).toBeGreaterThanOrEqual(counted)
  expect(number).toBeLessThanOrEqual(counted + kills)
  await (await openFileLocks(root)).close()
  expect([await names('owners'), await names('locks')]).toEqual([[], []])
})

it('processes that open and are killed all the time leave nothing that the next opening does not sweep', async () => {
  const running = Array.from({ length: 3 }, async (_, n) => {
    for (let round = 0; round < 4; round += 1) {
      const { child, lines } = start('open')
      for (let line = 0; line < 2 + ((n + round) % 4); line += 1) expect((await lines.next()).value).toBe('opened')
      await kill(child)
    }
  })
  await Promise.all(running)
  // A child of a killed one may hold its files a moment longer.
  const left = async (): Promise<unknown> => {
    await (await openFileLocks(root)).close()
    return [await names('owners'), await names('locks')]
  }
  await expect.poll(left, { timeout: 20_000 }).toEqual([[], []])
})

it('what a crash left before, between and after the steps of opening is swept', async () => {
  await (await openFileLocks(root)).close()
  await writeFile(join(root, 'owners/empty'), '')
  await writeFile(join(root, 'owners/with-links'), 'pid:[1]@0 1 1\n')
  for (const key of ['a', 'b']) await link(join(root, 'owners/with-links'), join(root, 'locks', key))
  await using first = await openFileLocks(root)
  const held = await first.acquire('c')
  await using second = await openFileLocks(root)
  expect(await names('locks')).toEqual(['c'])
  expect(await names('owners')).toHaveLength(2)
  expect(await second.tryAcquire('c')).toBeUndefined()
  await held.close()
})

it('a dead holder whose owner file is gone is found by its link', async () => {
  await using locks = await openFileLocks(root)
  await writeFile(join(root, 'locks/k'), 'pid:[1]@0 1 1\n')
  const [one, other] = await Promise.all([locks.tryAcquire('k'), openFileLocks(root)])
  expect(one).toBeDefined()
  expect(await other.tryAcquire('k')).toBeUndefined()
  await one?.close()
  await other.close()
})
