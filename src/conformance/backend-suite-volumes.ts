// Volumes, and who uses them.
import assert from 'node:assert/strict'
import { isEngineError } from '../errors.js'
import { type BackendCase, type BackendSubject, forever, refusesSettings, say, uniqueName, withContainer } from './backend-suite-subject.js'
import { collect } from './suite.js'

async function forget({ backend: { volumes } }: BackendSubject, name: string): Promise<void> {
  try {
    await volumes.remove(name)
  } catch (error) {
    if (!isEngineError(error, 'not_found')) throw error
  }
}

export const volumeCases: readonly BackendCase[] = [
  {
    title: 'a volume is made, told, listed and removed; without a name one is made up',
    needs: 'volumes',
    async run(subject) {
      const { volumes } = subject.backend
      const [name, label] = [uniqueName('vol'), uniqueName('label')]
      const made = await volumes.create({ name, labels: { [label]: 'a' } })
      const unnamed = await volumes.create({})
      try {
        assert.deepEqual([made.name, made.labels[label], made.usedBy], [name, 'a', []])
        assert.deepEqual(await volumes.get(name), made)
        const names = async (options: Parameters<typeof volumes.list>[0]): Promise<readonly string[]> =>
          (await collect(volumes.list(options))).map((one) => one.name)
        assert((await names({})).includes(unnamed.name))
        assert.deepEqual(await names({ labels: { [label]: 'a' } }), [name])
        assert.deepEqual(await names({ labels: { [label]: 'b' } }), [])
        assert.deepEqual(await names({ names: [name] }), [name])
        assert.deepEqual(await names({ names: [name.slice(0, -1)] }), [])
        await assert.rejects(volumes.get(name.slice(0, -1)), { code: 'not_found' })
        await volumes.remove(name)
        await assert.rejects(volumes.get(name), { code: 'not_found' })
        await assert.rejects(volumes.remove(name), { code: 'not_found' })
      } finally {
        await forget(subject, name)
        await forget(subject, unnamed.name)
      }
    },
    async otherwise(subject) {
      const { volumes } = subject.backend
      await assert.rejects(volumes.create({ name: uniqueName('vol') }), { code: 'unsupported' })
      await assert.rejects(collect(volumes.list()), { code: 'unsupported' })
      await assert.rejects(volumes.prune(), { code: 'unsupported' })
    },
  },
  {
    title: 'the same volume again is success, one with other options already_exists',
    needs: 'volumes',
    async run(subject) {
      const { volumes } = subject.backend
      const name = uniqueName('vol')
      const made = await volumes.create({ name })
      try {
        assert.deepEqual(await volumes.create({ name }), made)
        await assert.rejects(volumes.create({ name, options: { type: 'tmpfs', device: 'tmpfs' } }), { code: 'already_exists' })
        assert.deepEqual(await volumes.get(name), made)
      } finally {
        await forget(subject, name)
      }
    },
  },
  {
    title: 'a volume keeps what is written beyond the container, and is not removed while one names it',
    needs: 'volumes',
    async run(subject) {
      const { volumes } = subject.backend
      const name = uniqueName('vol')
      const mounts = [{ type: 'volume', source: name, target: '/data' }] as const
      await volumes.create({ name })
      try {
        if (subject.real) {
          await say(subject, 'echo kept >/data/file', { mounts })
          assert.equal(await say(subject, 'cat /data/file', { mounts }), 'kept')
        }
        await withContainer(subject, forever, { mounts }, async (id) => {
          assert.deepEqual((await volumes.get(name)).usedBy, [id])
          await assert.rejects(volumes.remove(name), { code: 'failed_precondition' })
        })
        assert.deepEqual((await volumes.get(name)).usedBy, [])
        await volumes.remove(name)
      } finally {
        await forget(subject, name)
      }
    },
    otherwise: refusesSettings({ mounts: [{ type: 'volume', source: 'data', target: '/data' }] }),
  },
  {
    title: 'usage tells how much is in a volume',
    needs: 'volume_usage',
    async run(subject) {
      const { volumes } = subject.backend
      const name = uniqueName('vol')
      await volumes.create({ name })
      try {
        const { usedBytes } = await volumes.usage(name)
        assert(usedBytes < 100_000)
        if (subject.real) {
          await say(subject, 'head -c 300000 /dev/urandom >/data/file', { mounts: [{ type: 'volume', source: name, target: '/data' }] })
          assert((await volumes.usage(name)).usedBytes >= usedBytes + 300_000)
        }
        await assert.rejects(volumes.usage(uniqueName('vol')), { code: 'not_found' })
      } finally {
        await forget(subject, name)
      }
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.volumes.usage(uniqueName('vol')), { code: 'unsupported' })
    },
  },
  {
    title: 'prune takes unused volumes without a name, with `all` those with one, and never one in use',
    needs: 'volumes',
    async run(subject) {
      const { volumes } = subject.backend
      const [named, used] = [uniqueName('vol'), uniqueName('vol')]
      await volumes.create({ name: named })
      await volumes.create({ name: used })
      const { name: unnamed } = await volumes.create({})
      try {
        await withContainer(subject, forever, { mounts: [{ type: 'volume', source: used, target: '/data' }] }, async () => {
          assert.deepEqual((await volumes.prune()).removed, [unnamed])
          assert.deepEqual((await volumes.prune({ labels: { [uniqueName('label')]: '' }, all: true })).removed, [])
          assert.deepEqual((await volumes.prune({ all: true })).removed, [named])
          assert.equal((await volumes.get(used)).name, used)
        })
      } finally {
        for (const name of [named, used, unnamed]) await forget(subject, name)
      }
    },
  },
]
