// What only pouchd can, as it was recorded: rich containers, quotas, annotations, upgrades, changes of what is there, checkpoints.
import { describe, expect, it } from 'vitest'
import { maskedPaths } from '../../../../../src/oci/masked-paths.js'
import type { ContainerSettings } from '../../../../../src/model/container-spec.js'
import type { ContainerChange } from '../../../../../src/model/container.js'
import { pouchdSystem, withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const own = await recordings('pouchd-1.3.0-pouch-own')
const life = await recordings('pouchd-1.3.0-life')
const images = await recordings('pouchd-1.3.0-images')
const checkpoint = await recordings('pouchd-1.3.0-checkpoint')
const rich = '4c6fe6efb115812980650f4c6bcfadb229eadbd5d352dcac4af11c3273df9d18'

interface Body {
  readonly HostConfig: object
}
/** A create of `spec` that must send `more` beside what every container has. */
async function creates(answer: string, spec: Partial<ContainerSettings>, more: object, host: object = {}): Promise<string | undefined> {
  let made: string | undefined
  await withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('POST /containers/create', own(answer), {
      query: { name: 'own', ...('id' in spec && { specificId: spec.id }) },
      body: (bytes: Buffer) => {
        const { HostConfig, ...body } = JSON.parse(bytes.toString()) as Body
        expect(body).toMatchObject(more)
        expect(HostConfig).toMatchObject(host)
      },
    })
    made = await backend.containers.create({ image: 'busybox', name: 'own', ...spec })
  })
  return made
}

describe('a container', () => {
  it('is rich by a switch, a mode and a script', async () => {
    const spec = { rich: { mode: 'dumb-init', initScript: '/bin/prepare now' } } as const
    expect(await creates('rich created', spec, { Rich: true, RichMode: 'dumb-init', InitScript: '/bin/prepare now' })).toBe(rich)
  })

  it('has its id, annotations, quotas, a slice of the cache and a network namespace in words of their own', async () => {
    const id = 'ab'.repeat(32)
    await creates('annotated', { id, annotations: { 'com.x': 'y' } }, { SpecAnnotation: { 'com.x': 'y' } })
    await creates('annotated', { diskQuota: { '/': 10 << 20, '/data': 1 << 20 } }, { DiskQuota: { '/': '10485760B', '/data': '1048576B' } })
    await creates('annotated', { resources: { intelRdt: { l3CacheSchema: 'L3:0=ffff0' } } }, {}, { IntelRdtL3Cbm: 'L3:0=ffff0' })
    await creates('netns created', { networkMode: { netns: '/var/run/netns/none' } }, {}, { NetworkMode: 'netns:/var/run/netns/none' })
  })

  it('hides what tells of the host, also where the daemon would not', () => creates('annotated', {}, {}, { MaskedPaths: maskedPaths }))

  it('that the daemon has no tools for is unsupported', () =>
    withPouchd('1.3.0', async ({ backend: { containers }, expect: asks }) => {
      asks('POST /containers/create', own('no quota tools'), { query: { name: 'dq' }, body: () => {} })
      const create = containers.create({ image: 'busybox', name: 'dq', diskQuota: { '/': 10 << 20 } })
      await expect(create).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('repquota') })
      asks('POST /containers/rdt/start', own('no RDT'))
      await expect(containers.start('rdt')).rejects.toMatchObject({ code: 'unsupported' })
    }))

  it.each([
    { spec: { rich: { mode: 'systemd' } }, code: 'invalid_argument' },
    { spec: { rich: { mode: 'tini' } }, code: 'unsupported' },
    { spec: { health: { command: ['true'] } }, code: 'unsupported' },
    { spec: { init: true }, code: 'unsupported' },
    { spec: { stopSignal: 'SIGINT' }, code: 'unsupported' },
    { spec: { mounts: [{ type: 'tmpfs', target: '/t' }] }, code: 'unsupported' },
    { spec: { mounts: [{ type: 'bind', source: 'relative', target: '/t' }] }, code: 'invalid_argument' },
    { spec: { restart: { policy: 'on-failure' } }, code: 'unsupported' },
    { spec: { groups: ['video'] }, code: 'unsupported' },
    { spec: { lxcfs: true }, code: 'unsupported' },
  ] as const)('that would be taken and not be made so is $code, and nothing is asked: $spec', ({ spec, code }) =>
    withPouchd('1.3.0', async ({ backend }) => {
      await expect(backend.containers.create({ image: 'busybox', ...(spec as Partial<ContainerSettings>) })).rejects.toMatchObject({ code })
    }),
  )

  it('that is rich on a runtime that puts no init in front of its command is stopped again, and that is told', () =>
    withPouchd('1.3.0', async ({ backend: { containers }, expect: asks }) => {
      asks(`POST /containers/${rich}/start`, life('started'))
      asks(`GET /containers/${rich}/json`, own('rich running'), { repeats: true })
      const { Pid } = (own('rich running').body as { readonly State: { readonly Pid: number } }).State
      const processes = [[String(Pid), '1', '0', 'sh -c trap exit TERM; while true; do sleep 0.2; done']]
      const top = { ...life('wait'), body: { Titles: ['PID', 'PPID', 'UID', 'COMMAND'], Processes: processes } }
      asks(`GET /containers/${rich}/top`, top, { query: { ps_args: '-eo pid,ppid,uid,args' } })
      asks(`POST /containers/${rich}/stop`, life('stopped'), { query: { t: '1' } })
      await expect(containers.start(rich)).rejects.toMatchObject({
        code: 'failed_precondition',
        message: expect.stringContaining('"sh" its first process'),
      })
    }))
})

describe('a change', () => {
  const changes = async (change: ContainerChange, ...bodies: readonly object[]): Promise<void> =>
    withPouchd('1.3.0', async ({ backend, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      for (const body of bodies) asks('POST /containers/c1/update', own('updated'), { body })
      await backend.control.update('c1', change)
    })

  it('of limits goes before one of labels and variables, which stay when the limits are refused', () =>
    changes(
      {
        resources: { memoryBytes: 128 << 20, cpuShares: 256 },
        labels: { c: 'd', a: null },
        env: { Y: '2', X: null },
        restart: { policy: 'always' },
      },
      { Memory: 128 << 20, MemorySwap: 256 << 20, CpuShares: 256 },
      { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 }, Label: ['c=d', 'a='], Env: ['Y=2', 'X'] },
    ))

  it('of a quota is one of its own', () => changes({ diskQuota: { '/': 10 << 20 } }, { DiskQuota: { '/': '10485760B' } }))

  it('of limits that cannot be is invalid_argument, of quotas without tools unsupported, of what is absent not_found', () =>
    withPouchd('1.3.0', async ({ backend: { control }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks('POST /containers/c1/update', own('too little memory'), { body: { Memory: 1_000, MemorySwap: 2_000 } })
      await expect(control.update('c1', { resources: { memoryBytes: 1_000 } })).rejects.toMatchObject({ code: 'invalid_argument' })
      asks('GET /containers/c1/json', life('inspect running'))
      asks('POST /containers/c1/update', own('no quota tools at an update'), { body: { DiskQuota: { '/': '1048576B' } } })
      await expect(control.update('c1', { diskQuota: { '/': 1 << 20 } })).rejects.toMatchObject({ code: 'unsupported' })
      // It went away between the look and the change.
      asks('GET /containers/c1/json', life('inspect running'))
      asks('POST /containers/c1/update', own('update of what is absent'), { body: { Label: ['a=b'] } })
      await expect(control.update('c1', { labels: { a: 'b' } })).rejects.toMatchObject({ code: 'not_found' })
    }))

  it('is told by the next look', () =>
    withPouchd('1.3.0', async ({ backend, expect: asks }) => {
      asks('GET /containers/c1/json', own('inspect after updates'))
      const { labels, spec } = await backend.containers.get('c1')
      expect([labels, spec.env?.['Y'], spec.annotations, spec.resources]).toEqual([
        { a: 'b', c: 'd' },
        '2',
        { k: 'v' },
        { memoryBytes: 128 << 20, memorySwapBytes: 128 << 20, cpuShares: 256 },
      ])
    }))

  it('of the daemon is its labels, and the proxy that is there goes along', () =>
    withPouchd('1.3.0', async ({ backend: { system }, expect: asks }) => {
      asks('GET /info', pouchdSystem('info'))
      asks('POST /daemon/update', own('daemon updated'), { body: { Labels: ['x=y'], ImageProxy: '' } })
      await system.updateDaemon({ labels: { x: 'y' } })
      asks('GET /info', own('info after an update'))
      expect((await system.info()).labels).toMatchObject({ x: 'y', tier: 'demo' })
    }))
})

describe('an upgrade', () => {
  const none = life('list none')
  it('is to an image that is there, by its name, and its refusals have a code', () =>
    withPouchd('1.3.0', async ({ backend: { containerImages }, expect: asks }) => {
      for (const [answer, code] of [
        ['upgraded', undefined],
        ['upgrade to the same', 'failed_precondition'],
        ['upgrade to what is absent', 'not_found'],
      ] as const) {
        asks('GET /images/busybox:1.28/json', images('busybox'))
        asks('GET /containers/json', none, { query: { all: '1' } })
        asks('POST /containers/c1/upgrade', own(answer), { body: { Image: 'busybox:1.28', Cmd: ['true'] } })
        const upgrade = containerImages.upgrade('c1', 'docker.io/library/busybox:1.28', { command: ['true'] })
        if (code === undefined) await upgrade
        else await expect(upgrade).rejects.toMatchObject({ code })
      }
    }))
})

describe('a checkpoint', () => {
  it('is a directory and the name in it, and without CRIU unsupported', () =>
    withPouchd('1.3.0', async ({ backend: { containerImages }, expect: asks }) => {
      const body = { CheckpointID: 'cp1', CheckpointDir: '/var/points', Exit: true }
      asks('POST /containers/ex/checkpoints', checkpoint('no criu'), { body })
      await expect(containerImages.checkpoint('ex', '/var/points/cp1')).rejects.toMatchObject({ code: 'unsupported' })
      asks('POST /containers/nope/checkpoints', checkpoint('no container'), { body: { ...body, Exit: false } })
      await expect(containerImages.checkpoint('nope', '/var/points/cp1', { leaveRunning: true })).rejects.toMatchObject({
        code: 'not_found',
      })
    }))

  it('is not restored where the container runs, which the daemon takes for success', () =>
    withPouchd('1.3.0', async ({ backend: { containerImages }, expect: asks }) => {
      asks('POST /containers/ex/start', checkpoint('runs already'), { query: { checkpoint: 'cp1', 'checkpoint-dir': '/var/points' } })
      await expect(containerImages.restore('ex', '/var/points/cp1')).rejects.toMatchObject({ code: 'failed_precondition' })
    }))
})
