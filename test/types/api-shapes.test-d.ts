// What a user writes, in the words of the documentation: compiled, never run.
import { createReadStream, createWriteStream } from 'node:fs'
import {
  connect,
  type Container,
  type ContainerInfo,
  type ContainerSpec,
  Engine,
  type EngineEvent,
  EngineError,
  type ExitStatus,
  isEngineError,
  type LogEntry,
  type Network,
  type NetworkSpec,
  type RegistryAuth,
  type StatsSample,
  type Volume,
  type VolumeSpec,
} from 'pouch-sdk'
import { connectContainerd, startContainerd } from 'pouch-sdk/containerd'
import { oci, shim } from 'pouch-sdk/drivers'
import { connectHttp } from 'pouch-sdk/http'
import { openLocal } from 'pouch-sdk/local'
import { ready, session } from 'pouch-sdk/testing'
import { describe, expectTypeOf, it } from 'vitest'

declare const engine: Engine
declare const web: Container
declare const signal: AbortSignal
declare const bytes: AsyncIterable<Uint8Array>
declare const auth: RegistryAuth

const entrypoint = ['/e']
const command = ['c']
const full: ContainerSpec = {
  image: 'registry.example/web:3',
  name: 'web',
  entrypoint,
  command,
  env: { PORT: '80' },
  workingDir: '/srv',
  user: '1000:1000',
  tty: false,
  init: true,
  labels: { team: 'a' },
  hostname: 'web',
  stopSignal: 'SIGQUIT',
  ports: [{ containerPort: 80, hostIp: '127.0.0.1' }],
  networks: [{ name: 'back', aliases: ['web'], ipv4: '198.18.7.9' }],
  mounts: [
    { type: 'volume', source: 'data', target: '/data' },
    { type: 'bind', source: '/etc/app', target: '/etc/app', readOnly: true },
    { type: 'tmpfs', target: '/tmp', sizeBytes: 64 << 20 },
  ],
  resources: { memoryBytes: 512 << 20, cpus: 1.5, pids: 200, cpuset: '0', ulimits: { nofile: { soft: 1024, hard: 4096 } } },
  security: { privileged: false, capAdd: ['NET_ADMIN'], capDrop: ['MKNOD'], readOnlyRoot: true, noNewPrivileges: true, seccomp: 'default' },
  restart: { policy: 'on-failure', maxRetries: 5 },
  health: { command: ['wget', '-q', 'localhost'], intervalMs: 1_000, retries: 5 },
  runtime: { name: 'crun' },
  pull: 'missing',
  platform: 'linux/amd64',
  extraHosts: { db: '198.18.7.2', me: 'host-gateway' },
  dns: ['198.18.7.1'],
  devices: ['/dev/fuse'],
  sysctls: { 'net.core.somaxconn': '1024' },
  groups: ['video'],
  pidMode: 'host',
  ipcMode: 'private',
  shmBytes: 64 << 20,
  cgroupParent: '/ci',
  log: { driver: 'json-file', options: { maxBytes: 10 << 20, maxFiles: 3 } },
}

describe('getting an engine', () => {
  it('takes the forms of the documentation', () => {
    async function forms(ca: string, cert: string, key: string): Promise<void> {
      expectTypeOf(await connect()).toEqualTypeOf<Engine>()
      await connect('unix:///var/run/pouchd.sock')
      await connect('tcp://10.0.0.5:2376', { tls: { ca, cert, key } })
      await connect('containerd:///run/containerd/containerd.sock?namespace=ci', { root: '/var/lib/ci', signal })
      await connect(undefined, {
        registries: { hosts: { 'registry.example': { mirrors: ['mirror.example'] } } },
        onTrace: ({ name }) => name,
      })
      // @ts-expect-error no such option
      await connect('local:///x', { rot: '/x' })
    }
    expectTypeOf(forms).toBeFunction()
  })
  it("takes a room of one's own", () => {
    async function rooms(address: string): Promise<void> {
      const backend = await connectContainerd({
        address,
        namespace: 'ci',
        root: '/var/lib/ci',
        runtimes: { runc: oci('runc'), crun: oci('crun'), kata: shim('io.containerd.kata.v2') },
      })
      await using own = new Engine(backend)
      await using started = new Engine(await startContainerd({ root: '/var/lib/ci' }))
      expectTypeOf(own).toEqualTypeOf(started)
      await openLocal({ root: '/x' })
      await connectHttp({ socketPath: '/run/x.sock' })
      await connectHttp({ url: 'tcp://h:1', tls: { ca: 'x' } })
      // @ts-expect-error the daemon has its own drivers
      await connectHttp({ socketPath: '/run/x.sock', networks: [] })
      // @ts-expect-error a root is needed
      await startContainerd({})
    }
    expectTypeOf(rooms).toBeFunction()
  })
})

describe('containers', () => {
  it('have every field of a spec, and one root', () => {
    expectTypeOf(full).toExtend<ContainerSpec>()
    const bare: ContainerSpec = { rootfs: '/srv/root', networkMode: { netns: '/run/netns/x' }, diskQuota: { '/': 10 << 20 } }
    expectTypeOf(bare).toExtend<ContainerSpec>()
    const pouch: ContainerSpec = {
      image: 'x',
      id: 'a'.repeat(64),
      annotations: { 'a.b/c': 'd' },
      lxcfs: true,
      rich: { mode: 'systemd', initScript: '/usr/local/bin/prepare --quick' },
      resources: { intelRdt: { l3CacheSchema: 'L3:0=f' } },
    }
    expectTypeOf(pouch).toExtend<ContainerSpec>()
    // @ts-expect-error no such mode
    const mode: ContainerSpec = { image: 'x', rich: { mode: 'runit' } }
    expectTypeOf(mode).toBeObject()
    // @ts-expect-error neither image nor rootfs
    const neither: ContainerSpec = { name: 'x' }
    // @ts-expect-error both
    const both: ContainerSpec = { image: 'x', rootfs: '/y' }
    expectTypeOf([neither, both]).toBeArray()
  })
  it('have every verb', () => {
    async function verbs(): Promise<void> {
      const run = await engine.containers.run(
        { image: 'busybox:1.36', command: ['echo', 'hello'] },
        { check: true, signal, stdin: 'x', onOutput: ({ bytes: b }) => void b },
      )
      expectTypeOf(run.exitCode).toEqualTypeOf<number>()
      expectTypeOf(run.stdout).toEqualTypeOf<Buffer>()
      const created = await engine.containers.create(full, { signal })
      await using throwaway = await engine.containers.createOwned({ image: 'redis:7' })
      expectTypeOf(throwaway).toExtend<Container>()
      await created.start()
      await web.waitUntilHealthy()
      expectTypeOf(await web.inspect()).toEqualTypeOf<ContainerInfo>()
      expectTypeOf(await web.publishedPort(80)).toExtend<{ host: string; port: number }>()
      const { exitCode } = await web.exec(['cat', '/etc/os-release'])
      expectTypeOf(exitCode).toEqualTypeOf<number>()
      await using shell = await web.spawn(['sh'], { tty: true, stdin: true })
      await shell.resize({ columns: 80, rows: 24 })
      await using io = await web.attach({ stdin: true })
      await io.write(Buffer.from('x'))
      for await (const entry of web.logs({ follow: true, tail: 100 })) expectTypeOf(entry).toEqualTypeOf<LogEntry>()
      for await (const sample of web.stats()) expectTypeOf(sample).toEqualTypeOf<StatsSample>()
      await web.files.write('/etc/motd', 'hello\n', { mode: 0o644 })
      await web.files.copyIn('./fixtures', '/data')
      await web.files.copyOut('/var/log', './out')
      await web.files.write('/etc/motd', 'hello\n', { mode: 0o644 })
      await web.files.copyIn('./fixtures', '/data')
      await web.files.copyOut('/var/log', './out')
      await web.update({ resources: { memoryBytes: 1 << 30 } })
      await web.update({ env: { PORT: '81', OLD: null }, labels: { team: 'b', old: null }, diskQuota: { '/': 1 << 30 } })
      // @ts-expect-error fixed once a container is made
      await web.update({ resources: { intelRdt: { l3CacheSchema: 'L3:0=f' } } })
      await web.pause()
      await web.resume()
      await web.kill('SIGHUP')
      await web.restart()
      await web.upgrade('registry.example/web:4')
      await web.upgrade('registry.example/web:4', { entrypoint: ['/e'], command: ['c'], healthyWithinMs: 0 })
      await web.commit('web:patched')
      await web.stop({ graceMs: 2_000 })
      await web.remove({ force: true, volumes: true })
      expectTypeOf(await web.wait({ until: 'next-exit' })).toEqualTypeOf<ExitStatus>()
      expectTypeOf(await engine.containers.get('web')).toEqualTypeOf<Container>()
      expectTypeOf(await engine.containers.find('web')).toEqualTypeOf<Container | undefined>()
      for await (const c of engine.containers.list({ all: true, labels: { team: 'a' }, names: ['web'], status: ['running'] }))
        expectTypeOf(c.id).toBeString()
      // @ts-expect-error SIG is part of a signal's name
      await web.kill('HUP')
    }
    expectTypeOf(verbs).toBeFunction()
  })
  it('have a state that is told apart by its status', () => {
    const of = ({ state }: ContainerInfo): unknown => {
      switch (state.status) {
        case 'created':
          return undefined
        case 'running':
        case 'paused':
          return [state.pid, state.startedAt]
        case 'exited':
          return state.exit.exitCode
        default:
          return state satisfies never
      }
    }
    expectTypeOf(of).toBeFunction()
  })
})

describe('images, networks, volumes and the engine', () => {
  it('have every verb', () => {
    async function verbs(net: Network, volume: Volume): Promise<void> {
      const image = await engine.images.pull('registry.example/app:1', {
        platform: 'linux/amd64',
        auth,
        onProgress: ({ totalBytes }) => totalBytes,
      })
      await engine.images.load(createReadStream('app.tar'))
      await engine.images.import(bytes, { reference: 'base:1', config: {} })
      await image.push('registry.example/mirror/app:1', { onProgress: () => {} })
      await image.save(createWriteStream('out.tar'))
      await image.save(createWriteStream('out.tar'))
      await image.tag('app:latest')
      await image.history()
      await image.remove()
      await engine.images.prune()
      const back: NetworkSpec = { name: 'back', driver: 'bridge', subnets: ['198.18.7.0/24'], internal: false }
      await engine.networks.create(back)
      await net.connect(web, { aliases: ['api'] })
      await net.disconnect(web)
      await net.remove()
      const data: VolumeSpec = { name: 'data', driver: 'directory', options: {} }
      await engine.volumes.create(data)
      await volume.remove()
      for await (const event of engine.events({ types: ['container'], since: await engine.cursor() }))
        expectTypeOf(event).toEqualTypeOf<EngineEvent>()
      engine.on('container.exit', (event) => event.subject.id)
      await engine.info()
      await engine.diskUsage()
      await engine.check()
      await engine.updateDaemon({ labels: { rack: '7' } }, { signal })
      // @ts-expect-error no such setting
      await engine.updateDaemon({ mirrors: [] })
      await engine.repair()
      expectTypeOf(engine.supports('checkpoint')).toBeBoolean()
      // @ts-expect-error no such capability
      engine.supports('checkpoints')
      await engine.close()
    }
    expectTypeOf(verbs).toBeFunction()
  })
  it('fail with errors of a closed set of codes', () => {
    const handled = (error: unknown): string => (isEngineError(error, 'not_found') ? error.message : '')
    expectTypeOf(handled).toBeFunction()
    expectTypeOf(new EngineError('not_found', 'x').exitCode).toEqualTypeOf<number | undefined>()
    // @ts-expect-error no such code
    isEngineError(new Error('x'), 'missing')
  })
})

describe('what harnesses use', () => {
  it('has sessions and readiness', () => {
    async function test(): Promise<void> {
      await using mine = session(engine)
      const database = await mine.start({ image: 'postgres:16' }, { signal })
      expectTypeOf(await ready.log(database, /ready to accept/, { signal })).toEqualTypeOf<LogEntry>()
      expectTypeOf(await ready.command(database, ['pg_isready'], { signal, intervalMs: 50 })).toBeVoid()
    }
    expectTypeOf(test).toBeFunction()
  })
})
