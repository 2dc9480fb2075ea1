// The life of containers on pouchd, as it was recorded.
import { describe, expect, it } from 'vitest'
import { maskedPaths } from '../../../../../src/oci/masked-paths.js'
import { collect } from '../../../../../src/conformance/suite.js'
import { pouchdVersions, withPouchd } from '../../../../setup/pouchd.js'
import { type Recorded, recordings } from '../../../../setup/replay.js'

const life = await recordings('pouchd-1.3.0-life')
const newer = await recordings('pouchd-1.3.1-life')
const id = 'f244130703f78ee68e25e95406100f2133090656f1ffd1e16eca3e14c9939b90'
const busybox = 'registry.hub.docker.com/library/busybox:latest'

/** Of every container, whatever it asks for. */
const defaults = {
  Env: [],
  ExposedPorts: {},
  Labels: {},
  OpenStdin: false,
  StdinOnce: false,
  StopTimeout: 10,
  Tty: false,
}
const hostDefaults = {
  Binds: [],
  Devices: [],
  ExtraHosts: [],
  MaskedPaths: maskedPaths,
  NetworkMode: 'bridge',
  PidMode: '',
  PortBindings: {},
  Privileged: false,
  ReadonlyRootfs: false,
  SecurityOpt: [],
  ShmSize: 64 << 20,
  Ulimits: [],
}

describe.each(pouchdVersions)('pouchd %s', (version) => {
  it("is told all of a container in its own words, volumes as binds and Docker's fields left out that do nothing", () =>
    withPouchd(version, async ({ backend, expect: asks }) => {
      asks('POST /containers/create', life('created'), {
        query: { name: 'c1' },
        headers: { 'content-type': 'application/json' },
        body: {
          ...defaults,
          Image: busybox,
          Hostname: 'hh',
          Env: ['X=1'],
          Cmd: ['sleep', '60'],
          Labels: { a: 'b' },
          WorkingDir: '/tmp',
          HostConfig: {
            ...hostDefaults,
            Memory: 64 << 20,
            CpuShares: 512,
            CpuPeriod: 100_000,
            CpuQuota: 50_000,
            CapAdd: ['NET_ADMIN'],
            Binds: ['bv:/data:rw', '/etc:/etc/host:ro,rprivate'],
            RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
          },
        },
      })
      const made = await backend.containers.create({
        image: busybox,
        name: 'c1',
        command: ['sleep', '60'],
        env: { X: '1' },
        labels: { a: 'b' },
        hostname: 'hh',
        workingDir: '/tmp',
        security: { capAdd: ['cap_net_admin'] },
        resources: { memoryBytes: 64 << 20, cpuShares: 512, cpus: 0.5 },
        restart: { policy: 'always' },
        mounts: [
          { type: 'volume', source: 'bv', target: '/data' },
          { type: 'bind', source: '/etc', target: '/etc/host', readOnly: true },
        ],
      })
      expect(made).toBe(id)
    }))

  it.each([
    { answer: 'name taken', code: 'already_exists', message: 'container name "c1" is taken' },
    { answer: 'bad name', code: 'invalid_argument', message: /Invalid container name/ },
    { answer: 'no image', code: 'not_found', message: /image "busybox" is not here/ },
  ])('create rejects with $code for "$answer", whatever the status is', ({ answer, code, message }) =>
    withPouchd(version, async ({ backend, expect: asks }) => {
      const body = { ...defaults, Image: 'busybox', HostConfig: hostDefaults }
      asks('POST /containers/create', life(answer), { query: { name: 'c1' }, body })
      await expect(backend.containers.create({ image: 'busybox', name: 'c1' })).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message),
      })
    }),
  )

  it('tells of a container what it was made of, and its state by all of what the daemon says', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect created'))
      expect(await containers.get('c1')).toMatchObject({
        id,
        name: 'c1',
        image: busybox,
        labels: { a: 'b' },
        state: { status: 'created' },
        spec: { hostname: 'hh', workingDir: '/tmp', env: { X: '1' }, resources: { memoryBytes: 64 << 20, cpuShares: 512 } },
        mounts: [{ type: 'volume', source: 'bv', target: '/data' }],
      })
      asks('GET /containers/c1/json', life('inspect running'))
      expect((await containers.get('c1')).state).toMatchObject({ status: 'running', pid: 32_090 })
      // It does not run, for this daemon.
      asks('GET /containers/c1/json', life('inspect paused'))
      expect((await containers.get('c1')).state).toMatchObject({ status: 'paused', pid: 32_090 })
      for (const [name, answer, exitCode] of [
        ['c1', 'inspect stopped', 3],
        ['e7', 'inspect exited', 7],
      ] as const) {
        asks(`GET /containers/${name}/json`, life(answer))
        expect((await containers.get(name)).state).toMatchObject({ status: 'exited', exit: { exitCode, lost: false } })
      }
      asks('GET /containers/nope/json', life('absent'))
      await expect(containers.get('nope')).rejects.toMatchObject({ code: 'not_found' })
    }))

  it('lists by asking of each what the list does not tell, and filters here what the daemon filters otherwise', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/json', life('list all'), { query: { all: '1' } })
      asks(`GET /containers/${id}/json`, life('inspect stopped'))
      const listed = await collect(containers.list({ status: ['exited'], labels: { a: 'b', c: 'd' }, names: ['c1'] }))
      expect(listed.map((one) => [one.id, one.state.status])).toEqual([[id, 'exited']])
      asks('GET /containers/json', life('list all'), { query: { all: '0' } })
      expect(await collect(containers.list({ labels: { a: 'other' } }))).toEqual([])
    }))

  it('starts what runs already without an error, and looks whether it is rich', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      for (const answer of ['started', 'started again']) {
        asks('POST /containers/c1/start', life(answer))
        asks('GET /containers/c1/json', life('inspect running'))
        expect(await containers.start('c1')).toBeUndefined()
      }
    }))

  it('a command that is not there is failed_precondition with 127, though the daemon says 500', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('POST /containers/fail/start', life('start of a missing command'))
      await expect(containers.start('fail')).rejects.toMatchObject({ code: 'failed_precondition', exitCode: 127 })
      asks('GET /containers/fail/json', life('inspect after a failed start'))
      expect((await containers.get('fail')).state.status).toBe('created')
    }))

  it("a stop is one of the daemon's, with whole seconds, where there are no signals; else it is a signal and a wait", () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      if (version === '1.3.0') asks(`POST /containers/${id}/stop`, life('stopped'), { query: { t: '3' } })
      else {
        asks('POST /containers/c1/kill', newer('killed'), { query: { signal: 'SIGTERM' } })
        asks('POST /containers/c1/wait', life('wait'))
      }
      asks('GET /containers/c1/json', life('inspect stopped'))
      await containers.stop('c1', { graceMs: 2_500 })
    }))

  it("a stop at once is a SIGKILL where there is one, else one of the daemon's with a second, since 0 would be ten", () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      if (version === '1.3.0') asks(`POST /containers/${id}/stop`, life('stopped'), { query: { t: '1' } })
      else {
        asks('POST /containers/c1/kill', newer('killed'), { query: { signal: 'SIGKILL' } })
        asks('POST /containers/c1/wait', life('wait'))
      }
      asks('GET /containers/c1/json', life('inspect stopped'))
      await containers.stop('c1', { graceMs: 0 })
    }))

  it("with a restart policy a stop is one of the daemon's, since only so the policy rests", () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      const withPolicy = (recorded: Recorded): Recorded => {
        const body = recorded.body as { readonly HostConfig: object }
        return { ...recorded, body: { ...body, HostConfig: { ...body.HostConfig, RestartPolicy: { Name: 'always' } } } }
      }
      asks('GET /containers/c1/json', withPolicy(life('inspect running')))
      if (version === '1.3.1') asks(`POST /containers/${id}/kill`, newer('killed'), { query: { signal: 'SIGKILL' } })
      asks(`POST /containers/${id}/stop`, life('stopped'), { query: { t: '1' } })
      asks('GET /containers/c1/json', withPolicy(life('inspect stopped')))
      await containers.stop('c1', { graceMs: 0 })
    }))

  it('a stop of what does not run asks nothing of it', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      for (let looks = 0; looks < 2; looks += 1) asks('GET /containers/c1/json', life('inspect stopped'))
      await containers.stop('c1')
      asks('GET /containers/nope/json', life('absent'))
      await expect(containers.stop('nope')).rejects.toMatchObject({ code: 'not_found' })
    }))

  it('a wait listens while the container runs, and is told its end by looking', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks(`POST /containers/${id}/wait`, life('wait'))
      asks('GET /containers/c1/json', life('inspect stopped'))
      expect(await containers.wait('c1')).toMatchObject({ exitCode: 3, lost: false, exitedAt: new Date('2026-11-20T17:07:27.597Z') })
      asks('GET /containers/e7/json', life('inspect exited'))
      expect(await containers.wait('e7')).toMatchObject({ exitCode: 7 })
      asks('GET /containers/nope/json', life('absent'))
      await expect(containers.wait('nope')).rejects.toMatchObject({ code: 'not_found' })
    }))

  it('pause and resume are success when it is so already, by whoever did it', () =>
    withPouchd(version, async ({ backend: { control }, expect: asks }) => {
      asks('GET /containers/c1/json', life('inspect running'))
      asks('POST /containers/c1/pause', life('done'))
      await control.pause('c1')
      asks('GET /containers/c1/json', life('inspect running'))
      asks('POST /containers/c1/pause', life('pause again'))
      asks('GET /containers/c1/json', life('inspect paused'))
      await control.pause('c1')
      asks('GET /containers/c1/json', life('inspect paused'))
      asks('POST /containers/c1/unpause', life('resume again'))
      asks('GET /containers/c1/json', life('inspect running'))
      await control.resume('c1')
      asks('GET /containers/c1/json', life('inspect stopped'))
      await expect(control.pause('c1')).rejects.toMatchObject({ code: 'failed_precondition' })
    }))

  it('a rename to its own name is success, though the daemon calls it taken, and by itself', () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('POST /containers/c1/rename', life('done'), { query: { name: 'c2' } })
      await containers.rename('c1', 'c2')
      asks('POST /containers/c1/rename', life('name taken by itself'), { query: { name: 'c1' } })
      asks('GET /containers/c1/json', life('inspect running'))
      await containers.rename('c1', 'c1')
      asks('POST /containers/c1/rename', life('name taken by itself'), { query: { name: 'other' } })
      asks('GET /containers/c1/json', life('inspect running'))
      await expect(containers.rename('c1', 'other')).rejects.toMatchObject({ code: 'already_exists' })
    }))

  it('top and stats of what does not run are failed_precondition, though one of them is a 200', () =>
    withPouchd(version, async ({ backend: { control }, expect: asks }) => {
      asks('GET /containers/c1/top', life('top not running'), { query: { ps_args: '-eo pid,ppid,uid,args' } })
      asks('GET /containers/c1/json', life('inspect stopped'))
      await expect(control.top('c1')).rejects.toMatchObject({ code: 'failed_precondition' })
      asks('GET /containers/c1/json', life('inspect stopped'))
      await expect(collect(control.stats('c1'))).rejects.toMatchObject({ code: 'failed_precondition' })
    }))

  it("a running container is removed by force only, after a stop of ours, since the daemon's own takes ten seconds", () =>
    withPouchd(version, async ({ backend: { containers }, expect: asks }) => {
      asks('DELETE /containers/c1', life('remove running'), { query: { force: '0', v: '0' } })
      await expect(containers.remove('c1')).rejects.toMatchObject({ code: 'failed_precondition' })
      asks('GET /containers/c1/json', life('inspect running'))
      if (version === '1.3.0') asks(`POST /containers/${id}/stop`, life('stopped'), { query: { t: '1' } })
      else {
        asks('POST /containers/c1/kill', newer('killed'), { query: { signal: 'SIGKILL' } })
        asks('POST /containers/c1/wait', life('wait'))
      }
      asks('GET /containers/c1/json', life('inspect stopped'))
      asks('DELETE /containers/c1', life('removed'), { query: { force: '1', v: '1' } })
      await containers.remove('c1', { force: true, volumes: true })
      asks('DELETE /containers/c1', life('remove absent'), { query: { force: '0', v: '0' } })
      await expect(containers.remove('c1')).rejects.toMatchObject({ code: 'not_found' })
    }))
})

it('a signal is unsupported on 1.3.0, which knows no such path, and nothing is asked', () =>
  withPouchd('1.3.0', async ({ backend }) => {
    await expect(backend.containers.kill('c1', 'SIGHUP')).rejects.toMatchObject({ code: 'unsupported' })
  }))

it('a signal goes by its name on 1.3.1, and its refusals have a code', () =>
  withPouchd('1.3.1', async ({ backend: { containers }, expect: asks }) => {
    asks('POST /containers/kk/kill', newer('killed'), { query: { signal: 'SIGHUP' } })
    await containers.kill('kk', 'SIGHUP')
    asks('POST /containers/kk/kill', newer('kill exited'), { query: { signal: 'SIGKILL' } })
    await expect(containers.kill('kk', 'SIGKILL')).rejects.toMatchObject({ code: 'failed_precondition' })
    asks('POST /containers/nope/kill', newer('kill absent'), { query: { signal: 'SIGKILL' } })
    await expect(containers.kill('nope', 'SIGKILL')).rejects.toMatchObject({ code: 'not_found' })
  }))

it('the end by a signal of ours is told as one, and not that of another', () =>
  withPouchd('1.3.1', async ({ backend: { containers }, expect: asks }) => {
    asks('GET /containers/kk/json', newer('inspect exited'))
    expect(await containers.wait('kk')).toMatchObject({ exitCode: 137, signal: undefined })
  }))
