// The examples as users run them, and discovery on a machine where nothing runs.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compile } from '../../scripts/compile.mjs'
import { connect } from '../../src/connect.js'
import type { Closeable } from '../../src/model/common.js'
import { closeable } from '../../src/util/closeable.js'
import { startTestContainerd, type TestContainerd } from '../setup/containerd.js'
import { startTestDockerd } from '../setup/dockerd.js'
import { busyboxImage, ociArchive } from '../setup/images.js'
import { daemonContents, filesBelow, processesNaming } from '../setup/outside.js'
import { startTestPodman } from '../setup/podman.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const namespace = 'examples'
let containerd: TestContainerd
let temporary: string
let url: string

beforeAll(async () => {
  await run(process.execPath, ['scripts/build.mjs', '--if-stale', '--no-types'], { cwd: repository })
  containerd = await startTestContainerd()
  temporary = await mkdtemp(join(tmpdir(), 'ex-'))
  url = `containerd://${containerd.address}?namespace=${namespace}&root=${join(temporary, 'root')}`
  await using engine = await connect(url)
  const archive = ociArchive([{ root: await busyboxImage(), name: 'docker.io/library/busybox:1.36' }])
  await engine.images.load(
    (async function* () {
      yield archive
    })(),
  )
})
afterAll(async () => {
  await containerd?.close()
  await rm(temporary, { recursive: true, force: true })
})

async function example(name: string, ...args: readonly string[]): Promise<string> {
  const program = name.endsWith('.mjs') ? { path: `examples/${name}`, dispose: async () => {} } : await compile(`examples/${name}`)
  try {
    const { stdout, stderr } = await run(process.execPath, [program.path, ...args], {
      cwd: repository,
      env: { ...process.env, POUCH_SDK_URL: url },
    })
    expect(stderr).toBe('')
    return stdout
  } finally {
    await program.dispose()
  }
}

describe('examples', () => {
  it('first.mjs prints what its container says, and no more', async () => {
    expect(await example('first.mjs')).toBe('hello\n')
  })

  it('exec-and-logs.ts shows exit codes and the log', async () => {
    expect((await example('exec-and-logs.ts')).split('\n')).toEqual([
      'exit code 0, process 1 is init',
      '8 bytes on stdout',
      '"false" exits with 1',
      expect.stringMatching(/exited with code 3: "no such thing"$/),
      'stdout ready in a moment',
      '',
    ])
  })

  it('cancel.ts leaves nothing of a run that was cut off', async () => {
    expect(await example('cancel.ts')).toBe('the run was cut off: TimeoutError\n0 containers are left\n')
  })

  it('errors.ts tells what went wrong', async () => {
    const lines = (await example('errors.ts')).split('\n')
    expect(lines[0]).toContain('"nobody"')
    expect(lines[1]).toMatch(/^1 ls: .*nowhere/)
    expect(lines[2]).toBe('127')
    expect(lines[3]).toMatch(/^container: "resources\.memoryBytes" ./)
  })

  it('own-containerd.ts starts one, tells what the machine can do, and ends it', async () => {
    const root = join(temporary, 'own')
    const output = await example('own-containerd.ts', root)
    expect(output).toMatch(/^runtime crun: yes /m)
    expect(await processesNaming(root)).toEqual([])
  })

  it('embedded.ts runs its containers with no daemon, and leaves none', async () => {
    const root = join(temporary, 'embedded')
    expect(await example('embedded.ts', root)).toMatch(/^\d+ containers a second\n$/)
    expect(await processesNaming(root)).toEqual([])
    expect(await filesBelow(join(root, 'records/containers'))).toEqual([])
  })

  it('leave no container, task or snapshot but those of the image', async () => {
    expect(await daemonContents(containerd.address, namespace)).toMatchObject({
      containers: [],
      tasks: [],
      leases: [],
      images: ['docker.io/library/busybox:1.36'],
      snapshots: [expect.stringMatching(/^sha256:/)],
    })
  })
})

describe('docker-to-pouch.ts', () => {
  const daemons: Readonly<Record<string, () => Promise<{ readonly url: string } & Closeable>>> = {
    dockerd: startTestDockerd,
    podman: startTestPodman,
    containerd: async () => ({ url, ...closeable(async () => {}) }),
  }
  it.each(Object.entries(daemons))('says the same on %s', async (_, start) => {
    await using daemon = await start()
    expect((await example('docker-to-pouch.ts', daemon.url)).split('\n')).toEqual([
      'run: hello, exit code 3',
      'logs: stdout serves',
      'exec: 12',
      `ps: running, ${64 << 20} bytes`,
      'pause: paused',
      'stop: exit code 0',
      'logs: stdout goes',
      'events: whole lives',
      '',
    ])
  })
})

describe('connect', () => {
  const variables = ['POUCH_SDK_URL', 'POUCH_HOST', 'DOCKER_HOST']
  const kept = variables.map((name) => [name, process.env[name]] as const)
  beforeAll(() => {
    for (const name of variables) delete process.env[name]
  })
  afterAll(() => {
    for (const [name, value] of kept) if (value !== undefined) process.env[name] = value
  })

  it('does without a daemon where nothing else can be used, also twice on one root', async () => {
    const root = join(temporary, 'found')
    {
      await using engine = await connect(undefined, { root })
      expect(engine.name).toBe('local')
      await using second = await connect(undefined, { root })
      expect(second.name).toBe('local')
    }
    expect(await processesNaming(root)).toEqual([])
  })
})
