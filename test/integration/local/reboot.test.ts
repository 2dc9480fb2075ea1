// What is left of a root when the machine went down: records, locks and states of another boot, pids that are others' now.
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleProgram, type Programs } from '../../setup/child-program.js'
import { busyboxImage, putImage } from '../../setup/images.js'
import { cgroupsBelow, filesBelow, mountsBelow, processesNaming, removeCgroup } from '../../setup/outside.js'
import type { Found, RebootProgram } from '../../setup/programs/reboot.js'
import { type RunningRegistry, startRegistry } from '../../setup/registry.js'

const cgroupParent = `/pouch-sdk-reboot-${process.pid}`
const otherBoot = '11111111-2222-4333-8444-555555555555'
let registry: RunningRegistry
let programs: Programs
let scratch: string
beforeAll(async () => {
  registry = await startRegistry()
  await putImage(registry.url, 'busybox', 'latest', await busyboxImage())
  programs = await bundleProgram('reboot')
  scratch = await mkdtemp(join(tmpdir(), 'pouch-sdk-reboot-'))
})
afterAll(async () => {
  await programs.close()
  await registry.close()
  await rm(scratch, { recursive: true, force: true })
  await removeCgroup(cgroupParent)
})

/** All that runs for this root ends at once, and its cgroups and mounts with it, as when the power goes. */
async function powerOff(root: string, ids: readonly string[]): Promise<void> {
  const inGroups = async (): Promise<number[]> => {
    const groups = await cgroupsBelow(cgroupParent)
    const texts = await Promise.all(groups.map((group) => readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '')))
    return texts.join('\n').split('\n').filter(Boolean).map(Number)
  }
  // A shim is called by the container, not by the root.
  const named = async (): Promise<number[]> => {
    const lines = await Promise.all([root, ...ids.map((id) => `-id ${id}-`)].map(processesNaming))
    return lines.flat().map((line) => Number.parseInt(line, 10))
  }
  for (const pid of await named()) killUnlessGone(pid)
  const ended = async (): Promise<number[]> => {
    const pids = [...(await inGroups()), ...(await named())]
    for (const pid of pids) killUnlessGone(pid)
    return pids
  }
  await expect.poll(ended, { timeout: 20_000 }).toEqual([])
  // A runtime that has lost its owner takes its group away, too.
  for (const group of await cgroupsBelow(cgroupParent))
    await rmdir(group).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
}
function killUnlessGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
/** In the new boot the numbers of the old one's processes are given to somebody else, down to the start time. */
async function giveNumbersTo(root: string, pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  let changed = 0
  for (const path of await filesBelow(join(root, 'tasks'))) {
    const file = join(root, 'tasks', path)
    if (path.endsWith('/started')) await writeFile(file, `${pid} ${startTime}`)
    else if (path.endsWith('/state.json')) {
      const state = JSON.parse(await readFile(file, 'utf8')) as { claimant: object }
      await writeFile(file, JSON.stringify({ ...state, claimant: { ...state.claimant, pid, startTime } }))
    } else continue
    changed += 1
  }
  return changed
}

for (const runtime of ['crun', 'runc']) {
  it(`after a reboot what ran with ${runtime} is lost, what had ended keeps its code, owned containers are gone, and all of it can be used`, async () => {
    const root = join(scratch, runtime)
    const about = { room: { kind: 'local', root, runtime }, image: `${registry.host}/busybox:latest`, cgroupParent } as const
    const before = programs.start([JSON.stringify({ ...about, half: 'before' } satisfies RebootProgram)])
    const ids = await before.next<readonly string[]>()
    await before.kill()
    await powerOff(root, ids)
    const innocent = spawn('sleep', ['1000'], { stdio: 'ignore' })
    try {
      expect(await giveNumbersTo(root, innocent.pid ?? -1)).toBeGreaterThan(2)
      const oldState = await readdir(join(root, 'runtimes/state'))

      const after = programs.start([JSON.stringify({ ...about, half: 'after' } satisfies RebootProgram)], { bootId: otherBoot })
      expect(await after.next<Found>()).toEqual({
        states: { ended: { exitCode: 7, lost: false }, created: 'created', running: { exitCode: 255, lost: true } },
        repaired: [],
        failed: [],
        lines: ['begun', 'begun'],
      })
      expect(await after.exited).toBe(0)

      expect({ exitCode: innocent.exitCode, killer: innocent.signalCode }).toEqual({ exitCode: null, killer: null })
      expect(await processesNaming(root)).toEqual([])
      expect(await mountsBelow(root)).toEqual([])
      expect(await filesBelow(root).then((paths) => paths.filter((path) => /^(?:containers|tasks|locks|owners)\/[^.]/.test(path)))).toEqual(
        [],
      )
      const newState = await readdir(join(root, 'runtimes/state'))
      expect(newState.filter((name) => oldState.includes(name))).toEqual([])
      expect(await filesBelow(join(root, 'runtimes/state')).then((paths) => paths.filter((path) => /[0-9a-f]{64}/.test(path)))).toEqual([])
    } finally {
      innocent.kill('SIGKILL')
    }
  })
}
