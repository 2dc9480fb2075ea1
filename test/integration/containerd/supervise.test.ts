import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { superviseContainerd } from '../../../src/backends/containerd/supervise.js'
import { MemoryLocks } from '../../../src/conformance/memory/locks.js'
import { type Programs, bundleProgram } from '../../setup/child-program.js'

interface Started {
  readonly pid: number
  readonly address: string
  readonly ms: number
  readonly repaired: readonly string[]
}

let programs: Programs
let root: string
beforeAll(async () => {
  programs = await bundleProgram('supervise')
})
afterAll(() => programs.close())
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

const isAlive = async (pid: number): Promise<boolean> => !/\) Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') Z '))
const untilDead = async (pid: number): Promise<void> => {
  while (await isAlive(pid))
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
}
const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8)

it('a supervised containerd answers, keeps all of its own below the root, and is gone when closed', async () => {
  const child = programs.start([root], { isolated: true })
  const { pid, address } = await child.next<Started>()
  expect(await isAlive(pid)).toBe(true)
  expect([await mode(address), await mode(join(root, 'daemon')), await mode(join(root, 'daemon/log'))]).toEqual(['600', '700', '600'])
  expect(await child.next()).toEqual({ second: 'failed_precondition' })
  child.tell('close')
  expect(await child.next()).toMatchObject({ end: { signal: null }, run: [] })
  expect(await isAlive(pid)).toBe(false)
  expect(await child.exited).toBe(0)
})

it('it ends with its supervisor, whose SIGKILL nobody could answer, and the next one takes over', async () => {
  const child = programs.start([root], { isolated: true })
  const first = await child.next<Started>()
  await child.next()
  const other = programs.start([root], { isolated: true })
  expect(await other.next()).toMatchObject({ code: 'failed_precondition' })
  await child.kill()
  await untilDead(first.pid)
  const again = programs.start([root], { isolated: true })
  const second = await again.next<Started>()
  expect(second.pid).not.toBe(first.pid)
  expect(second.repaired).toEqual([])
  await again.kill()
  await untilDead(second.pid)
})

it('one that outlived its supervisor is ended, and state of another boot is forgotten', async () => {
  const child = programs.start([root], { isolated: true })
  const { pid } = await child.next<Started>()
  await child.kill()
  await untilDead(pid)
  await writeFile(join(root, 'daemon/state/of-a-task'), '')
  await writeFile(join(root, 'daemon/boot'), '00000000-0000-0000-0000-000000000000')
  const again = programs.start([root], { isolated: true })
  const { repaired } = await again.next<Started>()
  expect(repaired).toHaveLength(1)
  expect(existsSync(join(root, 'daemon/state/of-a-task'))).toBe(false)
  await again.kill()
})

it('a containerd that ends while it starts is an error with the end of its log, and leaves the root free', async () => {
  const bin = join(root, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'containerd'), '#!/bin/sh\necho the disk is on fire >&2\nexit 3\n', { mode: 0o755 })
  const failing = programs.start([root], { isolated: true, env: { PATH: `${bin}:${process.env['PATH']}` } })
  expect(await failing.next()).toEqual({ code: 'unavailable', message: 'containerd ended with 3 while it started: the disk is on fire' })
  expect(await failing.exited).toBe(0)
  const child = programs.start([root], { isolated: true })
  expect((await child.next<Started>()).repaired).toEqual([])
  await child.kill()
})

it('a root whose sockets would have too long a path is invalid_argument, and an abort leaves nothing running', async () => {
  await expect(superviseContainerd({ root: `/${'x'.repeat(100)}`, locks: new MemoryLocks() })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
  const reason = new Error('enough')
  await expect(superviseContainerd({ root, locks: new MemoryLocks(), signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(existsSync(join(root, 'daemon'))).toBe(false)
})
