// Images: archives, imports, names, removal, pulls.
import assert from 'node:assert/strict'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { ImageInfo, TransferProgress } from '../model/image.js'
import {
  type BackendCase,
  type BackendSubject,
  aborted,
  abortAfterTurns,
  discard,
  forever,
  forgetImage,
  imagesOf,
  inChunks,
  run,
  uniqueImage,
  uniqueName,
  unlessAborted,
  withContainer,
} from './backend-suite-subject.js'
import { collect } from './suite.js'

type Config = Parameters<BackendSubject['archive']>[2]

/** Loads an image of its own, calls `body`, and takes away whatever names it then has. */
async function withImage(subject: BackendSubject, config: Config, body: (name: string, image: ImageInfo) => Promise<void>): Promise<void> {
  const name = uniqueImage()
  const [image] = await subject.backend.images.load(inChunks(await subject.archive('oci', name, config)))
  assert(image !== undefined)
  try {
    await body(name, image)
  } finally {
    await forgetImage(subject, image.id)
  }
}
export const imageCases: readonly BackendCase[] = [
  {
    title: 'get tells an image by name, by id and by the beginning of an id, with its configuration',
    async run(subject) {
      const { images } = subject.backend
      const config = {
        command: ['echo', 'from the image'],
        labels: { suite: 'yes' },
        env: { FROM: 'image' },
        workingDir: '/tmp',
        user: 'app',
      }
      await withImage(subject, config, async (name, loaded) => {
        for (const ref of [name, loaded.id, loaded.id.slice(7), loaded.id.slice(7, 27)]) {
          const image = await images.get(ref)
          assert.equal(image.id, loaded.id)
          assert.deepEqual(image.names, [name])
          assert.deepEqual(image.config.command, config.command)
          assert.deepEqual(
            [image.config.labels?.['suite'], image.config.env?.['FROM'], image.config.workingDir, image.config.user],
            ['yes', 'image', '/tmp', 'app'],
          )
          assert.match(image.id, /^sha256:[0-9a-f]{64}$/)
          assert.match(image.platform, /^linux\//)
          assert(image.layers.length > 0 && image.sizeBytes > 0)
          assert.deepEqual(image.usedBy, [])
        }
      })
    },
  },
  {
    title: 'an image that is not there is not_found, a malformed name invalid_argument',
    async run(subject) {
      const { images } = subject.backend
      for (const ref of [uniqueImage(), `sha256:${'0'.repeat(64)}`]) {
        await assert.rejects(images.get(ref), { code: 'not_found' })
        await assert.rejects(images.remove(ref), { code: 'not_found' })
        await assert.rejects(images.tag(ref, uniqueImage()), { code: 'not_found' })
      }
      await assert.rejects(images.get('UPPER case'), { code: 'invalid_argument' })
      await assert.rejects(images.tag(subject.image, 'UPPER case'), { code: 'invalid_argument' })
    },
  },
  {
    title: "a container runs what its image says, and its own command in place of the image's",
    needs: 'commands',
    async run(subject) {
      const config = { command: ['sh', '-c', 'echo $FROM $(pwd) $(id -u)'], env: { FROM: 'image' }, workingDir: '/tmp', user: 'app' }
      await withImage(subject, config, async (image) => {
        const inside = {
          ...subject,
          spec: (command: readonly string[] | undefined, extra = {}) => ({ ...subject.spec(command, extra), image, rootfs: undefined }),
        }
        assert.equal((await run(inside, undefined as never)).stdout, 'image /tmp 1000\n')
        assert.equal((await run(inside, ['echo', 'own'])).stdout, 'own\n')
        assert.equal(
          (await run(inside, undefined as never, { env: { FROM: 'spec' }, workingDir: '/etc', user: 'daemon' })).stdout,
          'spec /etc 1\n',
        )
      })
    },
  },
  {
    title: 'list tells all images, and filters by labels and by names with stars',
    async run(subject) {
      const { images } = subject.backend
      const label = uniqueName()
      await withImage(subject, { labels: { [label]: 'a' } }, async (name, { id }) => {
        const ids = async (options: Parameters<typeof images.list>[0]): Promise<readonly string[]> =>
          (await collect(images.list(options))).map((one) => one.id)
        assert((await ids({})).includes(id))
        assert.deepEqual(await ids({ labels: { [label]: 'a' } }), [id])
        assert.deepEqual(await ids({ labels: { [label]: 'b' } }), [])
        assert.deepEqual(await ids({ names: [name] }), [id])
        assert.deepEqual(await ids({ names: [`${name.slice(0, -8)}*`] }), [id])
        assert.deepEqual(await ids({ names: [name.slice(0, -8)] }), [])
        assert.deepEqual(await ids({ names: [name], dangling: true }), [])
      })
    },
  },
  {
    title: 'tag gives a further name, and moves one that another image has',
    async run(subject) {
      const { images } = subject.backend
      const tag = uniqueImage()
      await withImage(subject, {}, async (one, first) => {
        await withImage(subject, { labels: { other: 'x' } }, async (other, second) => {
          await images.tag(one, tag)
          assert.deepEqual([...(await images.get(one)).names].sort(), [one, tag].sort())
          assert.equal((await images.get(tag)).id, first.id)
          await images.tag(second.id, tag)
          assert.equal((await images.get(tag)).id, second.id)
          assert.deepEqual((await images.get(one)).names, [one])
          assert.deepEqual([...(await images.get(other)).names].sort(), [other, tag].sort())
          await images.tag(other, tag)
        })
      })
    },
  },
  {
    title: 'remove takes a name away, and the image with its last',
    async run(subject) {
      const { images } = subject.backend
      const tag = uniqueImage()
      await withImage(subject, {}, async (name, { id }) => {
        await images.tag(name, tag)
        await images.remove(name)
        await assert.rejects(images.get(name), { code: 'not_found' })
        assert.deepEqual((await images.get(id)).names, [tag])
        await images.remove(tag)
        await assert.rejects(images.get(id), { code: 'not_found' })
      })
    },
  },
  {
    title: 'remove of an id with several names is failed_precondition without force',
    async run(subject) {
      const { images } = subject.backend
      await withImage(subject, {}, async (name, { id }) => {
        await images.tag(name, uniqueImage())
        await assert.rejects(images.remove(id), { code: 'failed_precondition' })
        assert.equal((await images.get(id)).names.length, 2)
        await images.remove(id, { force: true })
        await assert.rejects(images.get(id), { code: 'not_found' })
      })
    },
  },
  {
    title: 'an image in use is not removed, with force neither, until its container is gone',
    async run(subject) {
      const { images, containers } = subject.backend
      await withImage(subject, {}, async (name, { id }) => {
        const container = await containers.create({ ...subject.spec(['true']), image: name, rootfs: undefined })
        try {
          assert.deepEqual((await images.get(name)).usedBy, [container])
          for (const ref of [name, id]) {
            await assert.rejects(images.remove(ref), { code: 'failed_precondition' })
            await assert.rejects(images.remove(ref, { force: true }), { code: 'failed_precondition' })
          }
          const tag = uniqueImage()
          await images.tag(name, tag)
          await images.remove(tag)
          await containers.start(container)
          assert.equal((await containers.wait(container)).exitCode, 0)
        } finally {
          await discard(subject.backend, container)
        }
        assert.deepEqual((await images.get(name)).usedBy, [])
        await images.remove(name)
      })
    },
  },
  {
    title: "a container keeps running what it was made from when its image's name moves on",
    needs: 'nameless_images',
    place: 'refusals',
    async run(subject) {
      const { images, containers } = subject.backend
      await withImage(subject, {}, async (name, { id }) => {
        await withImage(subject, { labels: { next: 'x' } }, async (next) => {
          const container = await containers.create({ ...subject.spec(['true']), image: name, rootfs: undefined })
          try {
            await images.tag(next, name)
            assert.equal((await containers.get(container)).imageId, id)
            assert.deepEqual((await images.get(id)).usedBy, [container])
            await containers.start(container)
            assert.equal((await containers.wait(container)).exitCode, 0)
          } finally {
            await discard(subject.backend, container)
          }
          await images.remove(name)
        })
      })
    },
    async otherwise(subject) {
      const { images, containers } = subject.backend
      await withImage(subject, {}, async (name, { id }) => {
        await withImage(subject, { labels: { next: 'x' } }, async (next) => {
          const container = await containers.create({ ...subject.spec(['true']), image: name, rootfs: undefined })
          try {
            await assert.rejects(images.tag(next, name), { code: 'failed_precondition' })
            assert.equal((await images.get(name)).id, id)
          } finally {
            await discard(subject.backend, container)
          }
        })
      })
    },
  },
  {
    title: 'import makes an image of a root, with the configuration and the name that were asked for',
    needs: 'image_import',
    async run(subject) {
      const { images } = subject.backend
      const reference = uniqueImage()
      const config = { command: ['echo', 'imported'], env: { PATH: '/bin' }, labels: { a: 'b' } }
      const rootfs = await subject.rootfs()
      const image = await images.import(inChunks(await promisify(gzip)(rootfs, { level: 1 })), { reference, config })
      try {
        assert.deepEqual([image.names, image.config.command, image.config.labels], [[reference], config.command, config.labels])
        assert.equal(image.layers.length, 1)
        const outcome = await run({ ...subject, spec: () => ({ ...subject.spec(undefined), image: reference, rootfs: undefined }) }, [])
        assert.deepEqual(outcome, { stdout: 'imported\n', stderr: '', exitCode: 0 })
      } finally {
        await forgetImage(subject, reference)
      }
      const nameless = await images.import(inChunks(rootfs))
      try {
        assert.deepEqual(nameless.names, [])
        assert((await collect(images.list({ dangling: true }))).some(({ id }) => id === nameless.id))
      } finally {
        await forgetImage(subject, nameless.id)
      }
      await assert.rejects(images.get(nameless.id), { code: 'not_found' })
    },
  },
  {
    title: 'pull brings an image, tells how it goes on, and again is success',
    needs: 'registry',
    async run(subject) {
      const { images } = subject.backend
      const { present } = subject.remote
      const seen: TransferProgress[] = []
      const image = await images.pull(present, {
        onProgress: (progress) => {
          seen.push(progress)
        },
      })
      try {
        assert.deepEqual(image.names, [present])
        assert(seen.length > 0 && seen.every(({ doneBytes, totalBytes = Infinity }) => doneBytes >= 0 && doneBytes <= totalBytes))
        assert.equal((await images.pull(present)).id, image.id)
        assert.equal((await images.get(present)).id, image.id)
      } finally {
        await forgetImage(subject, present)
      }
    },
  },
  {
    title: 'create pulls what is missing when told, and not by itself',
    needs: 'registry',
    async run(subject) {
      const { containers, images } = subject.backend
      const spec = { ...subject.spec(['true']), image: subject.remote.present, rootfs: undefined }
      await assert.rejects(containers.create(spec), { code: 'not_found' })
      await assert.rejects(containers.create({ ...spec, pull: 'never' }), { code: 'not_found' })
      try {
        for (const pull of ['missing', 'always'] as const) await discard(subject.backend, await containers.create({ ...spec, pull }))
        assert.equal((await images.get(spec.image)).names.length, 1)
      } finally {
        await forgetImage(subject, spec.image)
      }
    },
  },
  {
    title: 'pull of what the registry has not is not_found, of a registry that is not there unavailable, and leaves nothing',
    needs: 'registry',
    async run(subject) {
      const before = await imagesOf(subject)
      await assert.rejects(subject.backend.images.pull(subject.remote.absent), { code: 'not_found' })
      await assert.rejects(subject.backend.images.pull('127.0.0.1:1/suite/image:1'), { code: 'unavailable' })
      await assert.rejects(subject.backend.images.pull('UPPER case'), { code: 'invalid_argument' })
      assert.deepEqual(await imagesOf(subject), before)
    },
  },
  {
    title: 'an aborted pull rejects with the reason, and leaves no image; the next one succeeds',
    needs: 'registry',
    async run(subject) {
      const { images } = subject.backend
      for (const turns of abortAfterTurns) {
        const late = await aborted(turns, (signal) => images.pull(subject.remote.present, { signal }))
        if (!late) await assert.rejects(images.get(subject.remote.present), { code: 'not_found' })
        await forgetImage(subject, subject.remote.present)
      }
      const last = new AbortController()
      const reason = new Error('aborted as it was done')
      const onProgress = ({ phase, layer }: TransferProgress): void => {
        if (phase === 'done' && layer === undefined) last.abort(reason)
      }
      const late = await unlessAborted(images.pull(subject.remote.present, { onProgress, signal: last.signal }), reason)
      if (!late) await assert.rejects(images.get(subject.remote.present), { code: 'not_found' })
      await forgetImage(subject, subject.remote.present)
      await images.pull(subject.remote.present)
      await forgetImage(subject, subject.remote.present)
    },
  },
  {
    title: 'a platform that the image has not is not_found',
    needs: 'platform',
    async run(subject) {
      await assert.rejects(subject.backend.containers.create(subject.spec(forever, { platform: 'linux/s390x' })), { code: 'not_found' })
      await withContainer(subject, forever, { platform: (await subject.backend.images.get(subject.image)).platform }, async () => {})
    },
    async otherwise(subject) {
      const { platform } = await subject.backend.images.get(subject.image)
      await assert.rejects(subject.backend.containers.create(subject.spec(forever, { platform })), { code: 'unsupported' })
    },
  },
]
