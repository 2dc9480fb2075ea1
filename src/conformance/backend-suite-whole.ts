// The engine as a whole: its history, aborts, many at once, what it refuses, and that nothing is left.
import assert from 'node:assert/strict'
import type { ContainerSettings } from '../model/container-spec.js'
import type { EngineEvent } from '../model/event.js'
import type { Capability } from '../ports/backend/backend.js'
import { sleep } from '../util/abort.js'
import {
  type BackendCase,
  type BackendSubject,
  abortAfterTurns,
  aborted,
  discard,
  execute,
  forever,
  run,
  statusOf,
  uniqueName,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { shell } from './tasks/subject.js'

/** The events of one container from a cursor up to its removal, as far as every backend has them. */
async function lifeOf({ backend: { system } }: BackendSubject, id: string, since: string): Promise<readonly EngineEvent[]> {
  const seen: EngineEvent[] = []
  for await (const event of system.events({ since, types: ['container'], subjects: [id] })) {
    if (['create', 'start', 'exit', 'remove'].includes(event.action)) seen.push(event)
    if (event.action === 'remove') break
  }
  return seen
}
/** Whoever has not answered by then is not waited for after an abort, and may do what it was asked for all the same. */
const answeredMs = 5_000
const isUnanswered = (begun: number): boolean => performance.now() - begun > answeredMs
/** One that may come yet. */
async function removeNamed({ backend }: BackendSubject, name: string): Promise<void> {
  for (const deadline = performance.now() + answeredMs; performance.now() < deadline; await sleep(50))
    for await (const { id } of backend.containers.list({ all: true, names: [name] })) return discard(backend, id)
}
const actions = (events: readonly EngineEvent[]): readonly string[] => events.map(({ action }) => action)

const refusedFields: Readonly<Record<string, { readonly needs: Capability; readonly extra: Partial<ContainerSettings> }>> = {
  restart: { needs: 'restart_policy', extra: { restart: { policy: 'always' } } },
  health: { needs: 'health', extra: { health: { command: ['true'] } } },
  volume: { needs: 'volumes', extra: { mounts: [{ type: 'volume', source: 'data', target: '/data' }] } },
  networks: { needs: 'networks', extra: { networkMode: undefined, networks: [{ name: 'back' }] } },
  diskQuota: { needs: 'disk_quota', extra: { diskQuota: { '/': 1 << 30 } } },
  lxcfs: { needs: 'lxcfs', extra: { lxcfs: true } },
  rich: { needs: 'rich', extra: { rich: { mode: 'systemd' } } },
  intelRdt: { needs: 'intel_rdt', extra: { resources: { intelRdt: { l3CacheSchema: 'L3:0=1' } } } },
  init: { needs: 'init', extra: { init: true } },
  hooks: { needs: 'hooks', extra: { hooks: { poststop: [{ path: '/bin/true' }] } } },
  tmpfs: { needs: 'tmpfs', extra: { mounts: [{ type: 'tmpfs', target: '/t' }] } },
  stopSignal: { needs: 'stop_signal', extra: { stopSignal: 'SIGQUIT' } },
  retries: { needs: 'restart_on_failure', extra: { restart: { policy: 'on-failure', maxRetries: 2 } } },
}

export const wholeCases: readonly BackendCase[] = [
  {
    title: 'a cursor taken before misses none of create, start, exit and remove, in this order',
    needs: 'ordered_events',
    async run(subject) {
      const { containers, system } = subject.backend
      for (let time = 0; time < 3; time += 1) {
        const since = await system.cursor()
        const name = uniqueName()
        const id = await withContainer(subject, shell('exit 3'), { name }, async (made) => {
          await containers.start(made)
          await containers.wait(made)
          return made
        })
        const events = await lifeOf(subject, id, since)
        assert.deepEqual(actions(events), ['create', 'start', 'exit', 'remove'])
        assert.equal(events[2]?.attributes['exitCode'], '3')
        for (const { type, subject: about } of events) assert.deepEqual([type, about], ['container', { kind: 'container', id, name }])
        assert.deepEqual(actions(await lifeOf(subject, id, events[1]?.cursor ?? '')), ['exit', 'remove'])
      }
    },
  },
  {
    title: 'the history tells the end of a container that was removed by force, and of each run of a restarted one',
    place: 'ordered_events',
    async run(subject) {
      const { containers, system } = subject.backend
      const since = await system.cursor()
      const id = await withRunning(subject, forever, {}, async (made) => {
        await containers.restart(made, { graceMs: 0 })
        return made
      })
      assert.deepEqual(actions(await lifeOf(subject, id, since)), ['create', 'start', 'exit', 'start', 'exit', 'remove'])
    },
  },
  {
    title: 'events that are followed come as they happen, whichever process of the engine brings them about',
    async run(subject) {
      const { system } = subject.backend
      await using other = await subject.another()
      const since = await system.cursor()
      const name = uniqueName()
      const following = (async () => {
        for await (const event of system.events({ since, subjects: [name], actions: ['start'] })) return event
        return undefined
      })()
      await withRunning({ ...subject, backend: other }, forever, { name }, async (id) => {
        const event = await following
        assert.deepEqual([event?.action, event?.subject.id], ['start', id])
      })
    },
  },
  {
    title: 'events without follow end, since a time as well; an abort ends those that are followed',
    async run(subject) {
      const { system } = subject.backend
      const since = await system.cursor()
      const time = new Date()
      await withContainer(subject, forever, {}, async (id) => {
        const told = await collect(system.events({ since, follow: false, actions: ['create'] }))
        assert.deepEqual(
          told.map((event) => event.subject.id),
          [id],
        )
        assert((await collect(system.events({ since: time, follow: false, subjects: [id] }))).length > 0)
        assert.deepEqual(await collect(system.events({ since, follow: false, types: ['network'] })), [])
        assert.deepEqual(await collect(system.events({ follow: false })), [])
        assert.equal(await aborted(4, (signal) => collect(system.events({ signal }))), false)
      })
    },
  },
  {
    title: 'an aborted create rejects with the reason and leaves nothing, the name neither',
    async run(subject) {
      const { containers } = subject.backend
      const name = uniqueName()
      for (const turns of abortAfterTurns) {
        const begun = performance.now()
        const late = await aborted(turns, async (signal) =>
          discard(subject.backend, await containers.create(subject.spec(forever, { name }), { signal })),
        )
        if (isUnanswered(begun)) await removeNamed(subject, name)
        else if (!late) assert.deepEqual(await collect(containers.list({ all: true, names: [name] })), [], `after ${turns} turns`)
        await withContainer(subject, forever, { name }, async () => {})
      }
    },
  },
  {
    title: 'an aborted start rejects with the reason, and the container is as it was and starts again',
    async run(subject) {
      const { containers } = subject.backend
      for (const turns of abortAfterTurns) {
        await withContainer(subject, forever, {}, async (id) => {
          const begun = performance.now()
          const late = await aborted(turns, async (signal) => (await containers.start(id, { attach: { stdin: false }, signal }))?.close())
          const allowed = isUnanswered(begun) ? ['running', 'created'] : [late ? 'running' : 'created']
          assert(allowed.includes(await statusOf(subject, id)), `after ${turns} turns, late: ${late}`)
          await containers.start(id)
          assert.equal(await statusOf(subject, id), 'running')
        })
      }
    },
  },
  {
    title: 'an aborted wait, stop or exec rejects with the reason, and the container runs on',
    async run(subject) {
      const { containers, execs } = subject.backend
      const stopSignal = subject.backend.supports('stop_signal') ? 'SIGHUP' : undefined
      await withRunning(subject, forever, { stopSignal }, async (id) => {
        for (const turns of abortAfterTurns.slice(0, 8)) {
          for (const until of ['exit', 'next-exit', 'removed'] as const)
            assert.equal(await aborted(turns, (signal) => containers.wait(id, { until, signal })), false)
          // What is no real process 1 is ended by the SIGTERM of a daemon's own stop.
          if (subject.real || stopSignal !== undefined)
            assert.equal(await aborted(turns, (signal) => containers.stop(id, { graceMs: 50_000, signal })), false)
          const exec = await execs.create(id, { command: ['true'] })
          await aborted(turns, (signal) => execs.start(exec, { signal }))
          const running = await execs.create(id, { command: forever })
          await execs.start(running)
          assert.equal(await aborted(turns, (signal) => execs.wait(running, { signal })), false)
          assert.equal(await statusOf(subject, id), 'running')
        }
        assert.equal((await execute(subject, id, ['echo', 'still here'])).stdout, 'still here\n')
      })
    },
  },
  {
    title: 'a call that is aborted before it begins changes nothing',
    async run(subject) {
      const { containers, control, streams, execs, images } = subject.backend
      const reason = new Error('not at all')
      const options = { signal: AbortSignal.abort(reason) }
      await withRunning(subject, forever, {}, async (id) => {
        for (const [verb, act] of Object.entries({
          get: () => containers.get(id, options),
          list: () => collect(containers.list(options)),
          start: () => containers.start(id, options),
          stop: () => containers.stop(id, { graceMs: 0, ...options }),
          restart: () => containers.restart(id, { graceMs: 0, ...options }),
          ...(subject.backend.supports('kill') && { kill: () => containers.kill(id, 'SIGKILL', options) }),
          remove: () => containers.remove(id, { force: true, ...options }),
          attach: () => streams.attach(id, options),
          logs: () => collect(streams.logs(id, options)),
          pause: () => control.pause(id, options),
          update: () => control.update(id, { resources: { pids: 10 } }, options),
          ...(subject.backend.supports('top') && { top: () => control.top(id, options) }),
          stats: () => collect(control.stats(id, options)),
          exec: () => execs.create(id, { command: ['true'] }, options),
          image: () => images.get(subject.image, options),
          images: () => collect(images.list(options)),
        }))
          await assert.rejects(act(), (error) => error === reason, verb)
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: 'twenty containers at once each get their own output, exit and end',
    async run(subject) {
      const numbers = [...Array(20).keys()]
      const outcomes = await Promise.all(
        numbers.map((number) => run(subject, shell(`echo ${number}; exit ${number}`), { name: uniqueName() })),
      )
      assert.deepEqual(
        outcomes,
        numbers.map((number) => ({ stdout: `${number}\n`, stderr: '', exitCode: number })),
      )
    },
  },
  {
    title: 'verbs on one container at once come one after the other, and none breaks it',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await Promise.all([
          containers.start(id),
          containers.start(id),
          containers.stop(id, { graceMs: 0 }),
          containers.restart(id, { graceMs: 0 }),
          containers.start(id),
        ])
        // Between processes nobody promises whose turn is the last.
        await containers.start(id)
        assert.equal(await statusOf(subject, id), 'running')
        await Promise.all([containers.stop(id, { graceMs: 0 }), containers.stop(id, { graceMs: 0 })])
        assert.equal(await statusOf(subject, id), 'exited')
      })
    },
  },
  {
    title: 'a field that needs what this backend cannot is unsupported, and nothing is made',
    async run(subject) {
      const { containers } = subject.backend
      const label = uniqueName()
      for (const [field, { needs, extra }] of Object.entries(refusedFields)) {
        if (subject.backend.supports(needs)) continue
        await assert.rejects(
          containers.create(subject.spec(forever, { ...extra, labels: { [label]: '' } })),
          { code: 'unsupported' },
          field,
        )
      }
      assert.deepEqual(await collect(containers.list({ all: true, labels: { [label]: '' } })), [])
    },
  },
  {
    title: 'a method of a capability that this backend has not is unsupported',
    async run(subject) {
      const { backend } = subject
      const { containers, control, networks, volumes, files, containerImages, images, system } = backend
      await withRunning(subject, forever, {}, async (id) => {
        const methods: Partial<Record<Capability, () => Promise<unknown>>> = {
          top: () => control.top(id),
          stats: () => collect(control.stats(id)),
          pause: () => control.pause(id),
          rename: () => containers.rename(id, uniqueName()),
          kill: () => containers.kill(id, 'SIGHUP'),
          networks: () => networks.create({ name: uniqueName() }),
          network_connect: () => networks.connect('bridge', id),
          volumes: () => volumes.create({ name: uniqueName() }),
          files: () => files.stat(id, '/etc'),
          commit: () => containerImages.commit(id, 'suite/commit:1'),
          upgrade: () => containerImages.upgrade(id, subject.image),
          export: () => collect(containerImages.export(id)),
          changes: () => collect(containerImages.changes(id)),
          checkpoint: () => containerImages.checkpoint(id, '/nowhere'),
          image_push: () => images.push(subject.image, 'registry.example/suite/pushed:1'),
          image_save: () => collect(images.save([subject.image])),
          image_import: () => images.import((async function* () {})()),
          image_history: () => images.history(subject.image),
          image_prune: () => images.prune(),
          disk_usage: () => system.diskUsage(),
          build: () => images.build({ context: (async function* (): AsyncGenerator<Uint8Array, void, undefined> {})(), tags: [] }),
        }
        for (const [capability, act] of Object.entries(methods)) {
          if (!backend.supports(capability as Capability)) await assert.rejects(act(), { code: 'unsupported' }, capability)
        }
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: 'info tells what the engine is, check what the machine can',
    async run(subject) {
      const { system, name } = subject.backend
      const info = await system.info()
      assert.equal(info.backend, name)
      assert(info.version !== '' && info.kernel !== '' && info.cpus >= 1 && info.memoryBytes > 0)
      for (const { name: what, answer, why } of await system.check()) {
        assert(['yes', 'limited', 'no'].includes(answer), what)
        assert.notEqual(why, '', what)
      }
    },
  },
  {
    title: 'repair finds nothing where nobody crashed, and ends nothing that runs',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await withContainer(subject, forever, {}, async (created) => {
          assert.deepEqual(await subject.backend.system.repair(), { repaired: [], failed: [] })
          assert.deepEqual([await statusOf(subject, id), await statusOf(subject, created)], ['running', 'created'])
        })
      })
    },
  },
  {
    title: 'after all of this nothing is left but the one image',
    async run(subject) {
      const { containers, images } = subject.backend
      assert.deepEqual(await collect(containers.list({ all: true })), [])
      assert.deepEqual(
        (await collect(images.list())).map(({ names }) => names),
        [[subject.image]],
      )
      assert.deepEqual((await images.get(subject.image)).usedBy, [])
    },
  },
]
