// The embedding process is killed before each of its steps; the next engine on the same root leaves the machine as it was.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readText } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine } from '../../src/index.js'
import { bundleProgram, type Programs } from './child-program.js'
import { firstStep, stride, whichSteps } from './every-step.js'
import { busyboxImage, putImage } from './images.js'
import { openRoom, type Room } from './open-room.js'
import { cgroupsBelow, filesBelow, mountsBelow, processesLeft, removeCgroup, runDirectoryOf } from './outside.js'
import type { KilledProgram } from './programs/killed.js'
import { type RunningRegistry, startRegistry } from './registry.js'

export interface KillAnywhere {
  /** Asked when the tests run. */
  room(): Room
  /** What may have leaked beside files, mounts and control groups, as tools that are not ours see it. Nothing: empty lists. */
  left(): Promise<Readonly<Record<string, readonly string[]>>>
  /** Takes the image away without the engine, and all that it consists of; fails when it was not whole, or when something stays. */
  removeImage(image: string, expectWhole: boolean): Promise<void>
}
type Work = KilledProgram['work']

/** To be called where tests are defined. */
export function killAnywhere({ room, left, removeImage }: KillAnywhere): void {
  const cgroupParent = `/pouch-sdk-kill-${process.pid}`
  let registry: RunningRegistry
  let programs: Programs
  let image: string

  beforeAll(async () => {
    registry = await startRegistry()
    await putImage(registry.url, 'busybox', 'latest', await busyboxImage({ extra: [{ name: 'marker', body: 'second layer' }] }))
    image = `${registry.host}/busybox:latest`
    programs = await bundleProgram('killed')
  })
  afterAll(async () => {
    await programs?.close()
    await registry?.close()
    await removeCgroup(cgroupParent)
  })

  const start = (work: Work, dieAt: number) => {
    const argument: KilledProgram = { room: room(), image, cgroupParent, work, dieAt }
    return spawn(process.execPath, [programs.file, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'pipe'] })
  }
  /** `finished` is false when it was killed. */
  async function runProgram(work: Work, dieAt: number): Promise<{ readonly finished: boolean; readonly output: string }> {
    const child = start(work, dieAt)
    const [output, errors, [code, signal]] = await Promise.all([readText(child.stdout), readText(child.stderr), once(child, 'exit')])
    if (code !== 0 && signal !== 'SIGKILL') throw new Error(`the program failed at step ${dieAt} of "${work}": ${errors}`)
    return { finished: code === 0, output: output.trim() }
  }
  const open = async (): Promise<Engine> => new Engine(await openRoom(room()))

  /** What opening and a close leave. */
  async function leftAfterOpening(work: Work): Promise<Readonly<Record<string, readonly string[]>>> {
    const engine = await open()
    const containers: string[] = []
    for await (const { id } of engine.containers.list({ all: true })) {
      if (work === 'detached') await endDetached(engine, id)
      else containers.push(id)
    }
    const { root } = room()
    const run = await runDirectoryOf(root)
    await engine.close()
    return {
      ...(await left()),
      containers,
      mounts: [...(await mountsBelow(root)), ...(await mountsBelow(run))],
      // With the last engine it goes as a whole.
      run: await filesBelow(run),
      runProcesses: await processesLeft(run),
      files: (await filesBelow(root)).filter((path) => /^(?:containers|tasks|locks|owners|records\/[^/]+)\/[^.]/.test(path)),
      cgroups: await cgroupsBelow(cgroupParent),
    }
  }
  /** Only what is there, so that a failure names it. */
  async function leaks(work: Work): Promise<unknown> {
    return Object.fromEntries(Object.entries(await leftAfterOpening(work)).filter(([, found]) => found.length > 0))
  }

  /** Kills at the steps until the work finishes; returns how many steps it has. */
  async function killAtEach(work: Work, between: () => Promise<void>): Promise<number> {
    for (let dieAt = firstStep; ; dieAt += stride) {
      await between()
      const { finished, output } = await runProgram(work, dieAt)
      expect(await leaks(work), `killed before step ${dieAt}, "${output}"`).toEqual({})
      if (finished) return dieAt - 1
    }
  }
  async function pull(): Promise<void> {
    const engine = await open()
    await engine.images.pull(image)
    await engine.close()
  }

  describe('a killed process leaves nothing that the next engine does not put right', () => {
    it(`before ${whichSteps} of a pull`, async () => {
      const steps = await killAtEach('pull', () => removeImage(image, false))
      expect(steps).toBeGreaterThan(20)
      await removeImage(image, true)
    }, 600_000)

    for (const work of ['run', 'detached', 'exec'] as const) {
      it(`before ${whichSteps} of "${work}"`, async () => {
        await pull()
        const steps = await killAtEach(work, async () => {})
        expect(steps).toBeGreaterThan(20)
      }, 600_000)
    }

    it('at random moments of a pull and a run', async () => {
      for (let attempt = 0; attempt < 20; attempt++) {
        await removeImage(image, false)
        const child = start('run', Number.MAX_SAFE_INTEGER)
        const exited = once(child, 'exit')
        const timer = setTimeout(() => child.kill('SIGKILL'), 150 + Math.random() * 500)
        await exited
        clearTimeout(timer)
        expect(await leaks('run'), `attempt ${attempt}`).toEqual({})
      }
    }, 120_000)
  })
}

/** It outlives its maker: whole, with its output and its exit, or not started at all. */
async function endDetached(engine: Engine, id: string): Promise<void> {
  const container = await engine.containers.get(id)
  const { state } = await container.inspect()
  if (state.status === 'created') await container.start()
  expect((await container.wait()).exitCode).toBe(3)
  const lines: string[] = []
  for await (const { text } of container.logs()) lines.push(text)
  expect(lines).toEqual(['begun', 'done'])
  await container.remove()
}
