// What a user may wish of a container and few backends can: an id of their own, annotations, a network namespace that is there, changes of
// environment, labels and quota.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { ContainerChange } from '../model/container.js'
import type { Capability } from '../ports/backend/backend.js'
import {
  type BackendCase,
  discard,
  execute,
  forever,
  refusesChange,
  run,
  say,
  statusOf,
  uniqueName,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { shell } from './tasks/subject.js'

const chosenId = (): string => randomBytes(32).toString('hex')

const changes: Readonly<Partial<Record<Capability, ContainerChange>>> = {
  label_update: { labels: { team: 'b' } },
  env_update: { env: { COLOUR: 'red' } },
  quota_update: { diskQuota: { '/': 1 << 30 } },
  restart_update: { restart: { policy: 'always' } },
}

export const wishCases: readonly BackendCase[] = [
  {
    title: 'a container has the id that was chosen for it, and its whole life under it',
    needs: 'chosen_id',
    async run(subject) {
      const { containers } = subject.backend
      const id = chosenId()
      await withContainer(subject, shell('exit 4'), { id }, async (made) => {
        assert.deepEqual([made, (await containers.get(id)).id, (await containers.get(id.slice(0, 20))).id], [id, id, id])
        await containers.start(id)
        assert.equal((await containers.wait(id)).exitCode, 4)
      })
      await assert.rejects(containers.get(id), { code: 'not_found' })
      await withContainer(subject, forever, { id }, async (again) => assert.equal(again, id))
    },
    async otherwise(subject) {
      const id = chosenId()
      await assert.rejects(subject.backend.containers.create(subject.spec(forever, { id })), { code: 'unsupported' })
      await assert.rejects(subject.backend.containers.get(id), { code: 'not_found' })
    },
  },
  {
    title: 'a chosen id that is taken is already_exists; the other lives on, and the name is free',
    needs: 'chosen_id',
    place: 'refusals',
    async run(subject) {
      const { containers } = subject.backend
      const [id, name] = [chosenId(), uniqueName()]
      await withRunning(subject, forever, { id }, async () => {
        await assert.rejects(containers.create(subject.spec(forever, { id, name })), { code: 'already_exists' })
        assert.equal(await statusOf(subject, id), 'running')
        assert.equal((await execute(subject, id, ['echo', 'here'])).stdout, 'here\n')
        await withContainer(subject, forever, { name }, async (other) => assert.equal((await containers.get(name)).id, other))
      })
      const made = await Promise.allSettled([1, 2, 3].map(() => containers.create(subject.spec(forever, { id }))))
      assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1)
      await containers.start(id)
      await discard(subject.backend, id)
    },
  },
  {
    title: 'annotations are told by inspect, and are no labels',
    needs: 'annotations',
    async run(subject) {
      await withContainer(subject, forever, { annotations: { 'example.wish': 'yes' } }, async (id) => {
        const { spec, labels } = await subject.backend.containers.get(id)
        assert.equal(spec.annotations?.['example.wish'], 'yes')
        assert.equal(labels['example.wish'], undefined)
      })
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.containers.create(subject.spec(forever, { annotations: { a: 'b' } })), { code: 'unsupported' })
    },
  },
  {
    title: 'with a network namespace that is there the container is in it, and leaves it as it was',
    needs: 'host',
    async run(subject) {
      const { containers } = subject.backend
      const script = 'readlink /proc/self/ns/net'
      await withRunning(subject, forever, {}, async (other) => {
        const { state } = await containers.get(other)
        assert(state.status === 'running' && state.pid !== undefined)
        const networkMode = { netns: `/proc/${state.pid}/ns/net` }
        if (!subject.backend.supports('netns_path')) {
          await assert.rejects(containers.create(subject.spec(forever, { networkMode })), { code: 'unsupported' })
          return
        }
        const theirs = await execute(subject, other, shell(script))
        for (let time = 0; time < 2; time += 1) assert.equal(`${await say(subject, script, { networkMode })}\n`, theirs.stdout)
        assert.notEqual(`${await say(subject, script)}\n`, theirs.stdout)
        // Whoever does not see the machine tells of it at the start.
        await assert.rejects(run(subject, ['true'], { networkMode: { netns: '/proc/self/ns/nothing' } }))
      })
    },
  },
  {
    title: 'a change of labels goes key by key, and null takes one away',
    needs: 'label_update',
    async run(subject) {
      const { containers, control } = subject.backend
      await withContainer(subject, forever, { labels: { team: 'a', stage: 'test', old: 'yes' } }, async (id) => {
        await control.update(id, { labels: { team: 'b', old: null, absent: null, more: 'x=y' } })
        const { labels, spec } = await containers.get(id)
        for (const told of [labels, spec.labels ?? {}])
          assert.deepEqual(
            ['team', 'stage', 'old', 'absent', 'more'].map((key) => told[key]),
            ['b', 'test', undefined, undefined, 'x=y'],
          )
        await containers.start(id)
        assert.equal((await containers.get(id)).labels['team'], 'b')
      })
    },
    otherwise: refusesChange({ labels: { team: 'b' } }),
  },
  {
    title: 'a change of the environment is seen by later execs and by the next start, and null takes a variable away',
    needs: 'env_update',
    async run(subject) {
      const { containers, control } = subject.backend
      const script = `echo "${['COLOUR', 'SHAPE', 'SIZE', 'LEFT'].map((name) => `\${${name}-none}`).join(' ')}"`
      const env = { COLOUR: 'red', SHAPE: 'round', LEFT: 'yes' }
      await withRunning(subject, shell(`${script}; sleep 100000`), { env }, async (id) => {
        await control.update(id, { env: { COLOUR: 'blue', SHAPE: null, SIZE: 'a b=c' } })
        if (subject.real) assert.equal((await execute(subject, id, shell(script))).stdout, 'blue none a b=c yes\n')
        const { spec } = await containers.get(id)
        assert.deepEqual(
          ['COLOUR', 'SHAPE', 'SIZE', 'LEFT'].map((name) => spec.env?.[name]),
          ['blue', undefined, 'a b=c', 'yes'],
        )
        await containers.restart(id, { graceMs: 0 })
        if (subject.real) assert.equal((await execute(subject, id, shell(script))).stdout, 'blue none a b=c yes\n')
      })
    },
    otherwise: refusesChange({ env: { COLOUR: 'blue' } }),
  },
  {
    title: 'a change with a part that this backend cannot change is unsupported, and nothing of it is done',
    async run(subject) {
      const { control, containers } = subject.backend
      await withContainer(subject, forever, { labels: { team: 'a' }, env: { COLOUR: 'blue' } }, async (id) => {
        const before = await containers.get(id)
        for (const [capability, change] of Object.entries(changes)) {
          if (subject.backend.supports(capability as Capability)) continue
          await assert.rejects(control.update(id, change), { code: 'unsupported' }, capability)
          await assert.rejects(control.update(id, { resources: { pids: 20 }, ...change }), { code: 'unsupported' }, capability)
        }
        assert.deepEqual(await containers.get(id), before)
      })
    },
  },
  {
    title: 'what the daemon is told about itself is told by info',
    needs: 'daemon_update',
    async run(subject) {
      const { system } = subject.backend
      const [first, second] = [uniqueName(), uniqueName()]
      await system.updateDaemon({ labels: { [first]: 'a=b', [second]: '1' } })
      await system.updateDaemon({ labels: { [second]: '2' } })
      const { labels = {} } = await system.info()
      assert.deepEqual([labels[first], labels[second]], ['a=b', '2'])
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.system.updateDaemon({ labels: { a: 'b' } }), { code: 'unsupported' })
    },
  },
]
