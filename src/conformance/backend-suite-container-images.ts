// Where a container's root meets images and archives.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { isEngineError } from '../errors.js'
import { tarOf } from './backend-suite-files.js'
import { type BackendCase, type BackendSubject, forever, run, uniqueImage, withContainer } from './backend-suite-subject.js'
import { collect } from './suite.js'

/** Makes a change without running anything. */
async function change({ backend: { files } }: BackendSubject, id: string): Promise<void> {
  await files.write(id, '/home', tarOf([{ name: 'added' }, 'by the suite']))
}
const withImage = (subject: BackendSubject, image: string): BackendSubject => ({
  ...subject,
  spec: (command, extra) => ({ ...subject.spec(command, extra), image, rootfs: undefined }),
})
async function namesIn(tar: AsyncIterable<Uint8Array>): Promise<ReadonlySet<string>> {
  const entries = extract()
  const source = Readable.from(tar)
  source.once('error', (error) => entries.destroy(error))
  source.pipe(entries)
  const names = new Set<string>()
  for await (const entry of entries) {
    names.add(entry.header.name.replace(/^\.?\/|\/$/g, ''))
    entry.resume()
  }
  return names
}

export const containerImageCases: readonly BackendCase[] = [
  {
    title: 'commit makes an image of what a container has changed, under the name that was asked for',
    needs: 'commit',
    async run(subject) {
      const { images, containerImages } = subject.backend
      const reference = uniqueImage()
      await withContainer(subject, forever, {}, async (id) => {
        await change(subject, id)
        const parent = await images.get(subject.image)
        const image = await containerImages.commit(id, reference, { comment: 'by the suite' })
        try {
          assert.deepEqual(image.names, [reference])
          assert.deepEqual(image.layers.slice(0, parent.layers.length), parent.layers)
          assert.equal(image.layers.length, parent.layers.length + 1)
          assert.equal((await run(withImage(subject, reference), ['cat', '/home/added'])).stdout, 'by the suite')
        } finally {
          await images.remove(reference).catch((error: unknown) => {
            if (!isEngineError(error, 'not_found')) throw error
          })
        }
      })
      await assert.rejects(containerImages.commit('0'.repeat(64), reference), { code: 'not_found' })
      await assert.rejects(images.get(reference), { code: 'not_found' })
    },
    async otherwise(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.containerImages.commit(id, uniqueImage()), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'a commit with a configuration makes an image that has it, or is unsupported and makes none',
    needs: 'commit_config',
    async run(subject) {
      const { images, containerImages } = subject.backend
      const reference = uniqueImage()
      await withContainer(subject, forever, {}, async (id) => {
        await change(subject, id)
        const config = { command: ['cat', '/home/added'], labels: { suite: 'commit "quoted" $HOME' } }
        const image = await containerImages.commit(id, reference, { config })
        try {
          assert.deepEqual([image.config.command, image.config.labels?.['suite']], [config.command, config.labels.suite])
          assert.equal((await run(withImage(subject, reference), undefined)).stdout, 'by the suite')
        } finally {
          await images.remove(reference)
        }
      })
    },
    async otherwise(subject) {
      const reference = uniqueImage()
      await withContainer(subject, forever, {}, async (id) => {
        const commit = subject.backend.containerImages.commit(id, reference, { config: { command: ['true'] } })
        await assert.rejects(commit, { code: 'unsupported' })
      })
      await assert.rejects(subject.backend.images.get(reference), { code: 'not_found' })
    },
  },
  {
    title: 'changes tells what was added, and nothing of a container that has changed nothing',
    needs: 'changes',
    async run(subject) {
      const { containerImages } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        const before = (await collect(containerImages.changes(id))).filter(({ path }) => path.startsWith('/home'))
        assert.deepEqual(before, [])
        await change(subject, id)
        const after = await collect(containerImages.changes(id))
        assert.equal(after.find(({ path }) => path === '/home/added')?.kind, 'added')
        assert.equal(after.find(({ path }) => path === '/home')?.kind, 'modified')
      })
      await assert.rejects(collect(containerImages.changes('0'.repeat(64))), { code: 'not_found' })
    },
    async otherwise(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(collect(subject.backend.containerImages.changes(id)), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'export gives the whole root, changes included',
    needs: 'export',
    async run(subject) {
      const { containerImages } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await change(subject, id)
        const names = await namesIn(containerImages.export(id))
        for (const name of ['home/added', 'etc/passwd', 'bin/busybox'])
          if (subject.real || name !== 'bin/busybox') assert(names.has(name), name)
        assert(![...names].some((name) => name.startsWith('proc/')))
      })
      await assert.rejects(collect(containerImages.export('0'.repeat(64))), { code: 'not_found' })
    },
    async otherwise(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(collect(subject.backend.containerImages.export(id)), { code: 'unsupported' })
      })
    },
  },
]
