// Images on their way: pushed, saved, pruned, and what they were made of.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { ImageInfo, TransferProgress } from '../model/image.js'
import { type BackendCase, type BackendSubject, forgetImage, inChunks, uniqueImage, uniqueName } from './backend-suite-subject.js'
import { collect } from './suite.js'

async function withImage(subject: BackendSubject, body: (name: string, image: ImageInfo) => Promise<void>): Promise<void> {
  const { images } = subject.backend
  const name = uniqueImage()
  const [image] = await images.load(inChunks(await subject.archive('docker', name, { labels: { transfer: name } })))
  assert(image !== undefined)
  try {
    await body(name, image)
  } finally {
    await forgetImage(subject, image.id)
  }
}
async function hashOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
const registryOf = ({ remote }: BackendSubject): string => remote.present.split('/')[0] ?? ''

export const imageTransferCases: readonly BackendCase[] = [
  {
    title: 'what is pushed is pulled again, and the image has no other names than before',
    needs: 'image_push',
    async run(subject) {
      if (!subject.real) return
      const { images } = subject.backend
      const target = `${registryOf(subject)}/suite/${uniqueName('pushed')}:2`
      const seen: TransferProgress[] = []
      await withImage(subject, async (name, { id }) => {
        await images.push(name, target, {
          onProgress(progress) {
            seen.push(progress)
            throw new Error('a bug of the listener')
          },
        })
        assert(seen.length > 0 && seen.every(({ doneBytes, totalBytes = Infinity }) => doneBytes >= 0 && doneBytes <= totalBytes))
        assert.deepEqual((await images.get(id)).names, [name])
        await assert.rejects(images.get(target), { code: 'not_found' })
        await forgetImage(subject, id)
        const pulled = await images.pull(target)
        assert.deepEqual([pulled.id, pulled.names], [id, [target]])
      })
    },
    async otherwise({ backend, image }) {
      await assert.rejects(backend.images.push(image, uniqueImage()), { code: 'unsupported' })
    },
  },
  {
    title: 'a push of what is not there is not_found, to a registry that is not there unavailable, and no name is left',
    needs: 'image_push',
    async run(subject) {
      const { images } = subject.backend
      await assert.rejects(images.push(uniqueImage(), `${registryOf(subject)}/suite/pushed:1`), { code: 'not_found' })
      await withImage(subject, async (name) => {
        await assert.rejects(images.push(name, '127.0.0.1:1/suite/pushed:1'), { code: 'unavailable' })
        await assert.rejects(images.push(name, 'UPPER case'), { code: 'invalid_argument' })
        assert.deepEqual((await images.get(name)).names, [name])
      })
    },
  },
  {
    title: 'what is saved is loaded again as the same image, and saving again gives the same bytes',
    needs: 'image_save',
    async run(subject) {
      const { images } = subject.backend
      await withImage(subject, async (name, { id }) => {
        const archive = Buffer.concat(await collect(images.save([name])))
        assert.equal(await hashOf(images.save([name])), createHash('sha256').update(archive).digest('hex'))
        await forgetImage(subject, id)
        await assert.rejects(images.get(id), { code: 'not_found' })
        const loaded = await images.load(inChunks(archive))
        assert.deepEqual(
          loaded.map((image) => [image.id, image.names]),
          [[id, [name]]],
        )
      })
      await assert.rejects(collect(images.save([uniqueImage()])), { code: 'not_found' })
    },
    async otherwise({ backend, image }) {
      await assert.rejects(collect(backend.images.save([image])), { code: 'unsupported' })
    },
  },
  {
    title: 'a save that is left early leaves nothing under way',
    needs: 'image_save',
    async run({ backend: { images }, image }) {
      for (let turn = 0; turn < 20; turn += 1) for await (const _ of images.save([image])) break
      assert.equal((await images.get(image)).names.includes(image), true)
    },
  },
  {
    title: 'history tells the steps, newest first, with the layers that they made',
    needs: 'image_history',
    async run(subject) {
      await withImage(subject, async (name, { layers }) => {
        const steps = await subject.backend.images.history(name)
        assert(steps.length >= layers.length)
        assert(steps.every(({ createdBy }) => typeof createdBy === 'string'))
        const told = steps.flatMap(({ layer }) => layer ?? [])
        assert.deepEqual(told, [...layers].reverse())
      })
      await assert.rejects(subject.backend.images.history(uniqueImage()), { code: 'not_found' })
    },
    async otherwise({ backend, image }) {
      await assert.rejects(backend.images.history(image), { code: 'unsupported' })
    },
  },
  {
    title: 'prune takes images without a name, with `all` unused ones that have one, and only those with the labels',
    needs: 'image_prune',
    async run(subject) {
      const { images } = subject.backend
      await withImage(subject, async (name, { id }) => {
        const other = uniqueImage()
        const [first] = await images.load(inChunks(await subject.archive('docker', other, { labels: { transfer: 'other' } })))
        assert(first !== undefined)
        // Its name moves away, and it has none.
        await images.tag(id, other)
        await images.remove(other)
        assert.deepEqual((await images.get(first.id)).names, [])
        const { removed } = await images.prune()
        assert(removed.includes(first.id), `${first.id} is among ${removed.join(', ')}`)
        await assert.rejects(images.get(first.id), { code: 'not_found' })
        assert.deepEqual((await images.prune({ all: true, labels: { transfer: 'nothing' } })).removed, [])
        assert.deepEqual((await images.get(id)).names, [name])
        assert((await images.prune({ all: true, labels: { transfer: name } })).removed.includes(id))
        await assert.rejects(images.get(name), { code: 'not_found' })
      })
    },
    async otherwise({ backend }) {
      await assert.rejects(backend.images.prune(), { code: 'unsupported' })
    },
  },
  {
    title: 'disk usage counts the images that there are',
    needs: 'disk_usage',
    async run(subject) {
      const { system } = subject.backend
      const before = await system.diskUsage()
      await withImage(subject, async () => {
        const { images } = await system.diskUsage()
        assert.equal(images.count, before.images.count + 1)
        assert(images.sizeBytes > 0 && images.reclaimableBytes >= 0 && images.reclaimableBytes <= images.sizeBytes)
      })
    },
    async otherwise({ backend }) {
      await assert.rejects(backend.system.diskUsage(), { code: 'unsupported' })
    },
  },
]
