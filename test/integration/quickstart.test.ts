// The quickstart as users run it: a program of its own, with no daemon.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compile } from '../../scripts/compile.mjs'
import { buildImage, busyboxImage, putImage } from '../setup/images.js'
import { cgroupsBelow, mountsBelow, processesNaming } from '../setup/outside.js'
import { type RunningRegistry, startRegistry } from '../setup/registry.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
let registry: RunningRegistry
let program: Awaited<ReturnType<typeof compile>>
let temporary: string

beforeAll(async () => {
  const built = await once(
    spawn(process.execPath, ['scripts/build.mjs', '--if-stale', '--no-types'], { cwd: repository, stdio: 'inherit' }),
    'exit',
  )
  expect(built).toEqual([0, null])
  program = await compile('examples/quickstart.ts')
  registry = await startRegistry()
  temporary = await mkdtemp(join(tmpdir(), 'qs-'))
})
afterAll(async () => {
  await program?.dispose()
  await registry?.close()
  await rm(temporary, { recursive: true, force: true })
})

interface Running {
  readonly child: ChildProcess
  /** Resolves when it has printed that; rejects when it ends without. */
  printed(text: string): Promise<void>
  readonly end: Promise<{ readonly code: number | null; readonly output: string }>
}
/** In a process group of its own, as a terminal gives it. */
function start(command: readonly string[], args: readonly string[] = []): Running {
  const [file = '', ...rest] = [...command, ...args]
  const child = spawn(file, rest, {
    cwd: repository,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
    detached: true,
  })
  let output = ''
  const more = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      output += bytes.toString()
      more.dispatchEvent(new Event('more'))
    })
  }
  const end = once(child, 'close').then(([code]: (number | null)[]) => ({ code: code ?? null, output }))
  return {
    child,
    end,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (output.includes(text)) resolve()
        }
        more.addEventListener('more', look)
        look()
        void end.then(() => {
          reject(new Error(`it ended without "${text}": ${output}`))
        })
      }),
  }
}
const quickstart = (...args: readonly string[]): Running => start([process.execPath, program.path], args)

const shimSockets = (): Promise<string[]> => readdir('/run/containerd/s').catch(() => [])
/** Of other tests, whose daemons were killed. */
let before: readonly string[] = []
beforeEach(async () => {
  before = await shimSockets()
})

/** A container's host name is how its id begins. Others on this machine may have control groups of theirs. */
async function expectNothingLeft(output: string): Promise<void> {
  const [, id] = /hello from (\w{12})/.exec(output) ?? []
  expect({
    files: await readdir(temporary),
    mounts: await mountsBelow(temporary),
    processes: await processesNaming(temporary),
    cgroups: id === undefined ? [] : (await cgroupsBelow('/')).filter((path) => path.includes(id)),
    shims: (await shimSockets()).filter((name) => !before.includes(name)),
  }).toEqual({ files: [], mounts: [], processes: [], cgroups: [], shims: [] })
}

describe('quickstart', () => {
  it('runs two containers of an image of its own, tells exit codes and times, and leaves nothing', async () => {
    const { code, output } = await start([process.execPath, 'scripts/run-example.mjs', 'examples/quickstart.ts']).end
    expect(output).toMatch(/^> open an engine\n {2}\d+\.\d\d s\n/m)
    expect(output).toMatch(/ {2}\| line 1\n {2}\| line 2\n {2}\| line 3\n/)
    expect(output).toMatch(/^ {2}\| to stderr$/m)
    expect(output).toMatch(/^ {2}\d+\.\d\d s, exit code 3$/m)
    expect(output).toMatch(/^> exec in it\n {2}\| \d+ is my id, 1 is: sleep 600 \n {2}\| uid=0\(root\).*\n {2}\d+\.\d\d s, exit code 7$/m)
    expect(output).toMatch(/nothing is left behind\n$/)
    expect(code).toBe(0)
    await expectNothingLeft(output)
  })

  it('pulls the image that it is given and shows how each layer goes', async () => {
    const image = await busyboxImage({ extra: [{ name: 'marker', body: 'second layer' }] })
    await putImage(registry.url, 'tour', '1', image)
    const { code, output } = await quickstart(`${registry.host}/tour:1`).end
    for (const { descriptor } of image.layers) {
      const name = descriptor.digest.slice(7, 19)
      expect(output).toMatch(new RegExp(`^ {2}${name} {2}download`, 'm'))
      expect(output).toMatch(new RegExp(`^ {2}${name} {2}done`, 'm'))
    }
    expect(output).toMatch(/exit code 3\n[\s\S]*exit code 7\n/)
    expect(output).toMatch(/nothing is left behind\n$/)
    expect(code).toBe(0)
    await expectNothingLeft(output)
  })

  it("runs the image's own command where there is no shell, and says so", async () => {
    const { layers } = await busyboxImage()
    const busybox = layers[0]!
    const config = { Entrypoint: ['/bin/busybox', 'echo'], Cmd: ['its own words'] }
    await putImage(registry.url, 'shell-less', '1', buildImage({ layers: [busybox, [{ name: 'bin/.wh.sh', body: '' }]], config }))
    const { code, output } = await quickstart(`${registry.host}/shell-less:1`).end
    expect(output).toContain('this image has no shell (exit code 127)')
    expect(output).toMatch(/ {2}\| its own words\n {2}\d+\.\d\d s, exit code 0\n/)
    expect(code).toBe(0)
    await expectNothingLeft(output)
  })

  it('says in one line that an image cannot be pulled, and cleans up', async () => {
    const { code, output } = await quickstart(`${registry.host}/nobody:1`).end
    expect(output).toMatch(/^not_found: .*nobody.*$/m)
    expect(output).toMatch(/nothing is left behind\n$/)
    expect(code).toBe(1)
    await expectNothingLeft(output)
  })

  it.each([
    ['its output is streamed', 'line 1\n'],
    ['the engine opens', '> open an engine\n'],
  ])('cleans up after Ctrl-C while %s', async (_, text) => {
    const running = quickstart()
    await running.printed(text)
    process.kill(-(running.child.pid ?? 0), 'SIGINT')
    const { code, output } = await running.end
    expect(output).toContain('SIGINT: cleaning up\n')
    expect(output).toMatch(/nothing is left behind\n$/)
    expect(output).not.toContain('exit code 7')
    expect(code).toBe(130)
    await expectNothingLeft(output)
  })

  it('names root as the missing right before it starts anything', async () => {
    const { code, output } = await start(['setpriv', '--reuid', '65534', '--clear-groups', process.execPath, program.path]).end
    expect(output).toMatch(/^mounts and cgroups need root, and this is user 65534: run "sudo npm run quickstart"$/m)
    expect(output).not.toContain('>')
    expect(code).toBe(1)
  })

  it('refuses more than one argument with its usage', async () => {
    expect(await quickstart('a', 'b').end).toMatchObject({
      code: 1,
      output: expect.stringContaining('usage: npm run quickstart [-- IMAGE]'),
    })
  })
})
