// Archives of images.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { isEngineError } from '../errors.js'
import { type BackendCase, forgetImage, imagesOf, inChunks, run, uniqueImage } from './backend-suite-subject.js'

export const loadCases: readonly BackendCase[] = [
  ...(['docker', 'oci'] as const).flatMap((format) =>
    [false, true].map(
      (compressed): BackendCase => ({
        title: `load takes an archive in the format ${format}${compressed ? ', compressed,' : ''} under the name that it says`,
        async run(subject) {
          const name = uniqueImage()
          const archive = await subject.archive(format, name, { labels: { format } })
          const bytes = compressed ? await promisify(gzip)(archive, { level: 1 }) : archive
          const loaded = await subject.backend.images.load(inChunks(bytes, 10_000))
          try {
            assert.deepEqual(
              loaded.map(({ names, config }) => [names, config.labels?.['format']]),
              [[[name], format]],
            )
            assert.equal(
              (
                await run({ ...subject, spec: (command, extra) => ({ ...subject.spec(command, extra), image: name, rootfs: undefined }) }, [
                  'echo',
                  'hello',
                ])
              ).stdout,
              'hello\n',
            )
            const [again] = await subject.backend.images.load(inChunks(bytes))
            assert.equal(again?.id, loaded[0]?.id)
          } finally {
            await forgetImage(subject, name)
          }
        },
      }),
    ),
  ),
  {
    title: 'load of what is no archive, or of a part of one, rejects and leaves no image',
    async run(subject) {
      const before = await imagesOf(subject)
      const whole = await subject.archive('docker', uniqueImage())
      for (const bytes of [new Uint8Array(), randomBytes(2_000), whole.subarray(0, whole.length >> 1), await subject.rootfs()]) {
        await assert.rejects(subject.backend.images.load(inChunks(bytes)), (error) => isEngineError(error))
      }
      assert.deepEqual(await imagesOf(subject), before)
    },
  },
  {
    title: 'load of several images of which one is broken leaves none of them, and a name stays with the image that had it',
    place: 'contents',
    async run(subject) {
      const { images } = subject.backend
      const before = await imagesOf(subject)
      const [taken, free, broken] = [uniqueImage(), uniqueImage(), uniqueImage()]
      for (const name of [free, taken]) {
        if (name === taken) await images.tag(subject.image, taken)
        try {
          await assert.rejects(images.load(inChunks(await subject.brokenArchive(name, broken))), (error) => isEngineError(error))
          if (name === taken) assert.equal((await images.get(taken)).id, (await images.get(subject.image)).id)
          else await assert.rejects(images.get(name), { code: 'not_found' })
          await assert.rejects(images.get(broken), { code: 'not_found' })
        } finally {
          if (name === taken) await images.remove(taken)
        }
        assert.deepEqual(await imagesOf(subject), before)
      }
    },
  },
  {
    title: 'load that is cut by its source rejects with what the source threw',
    async run(subject) {
      const before = await imagesOf(subject)
      const archive = await subject.archive('oci', uniqueImage())
      const reason = new Error('the source broke')
      const broken = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield archive.subarray(0, 100_000)
        throw reason
      }
      await assert.rejects(subject.backend.images.load(broken()), (error) => error === reason || (error as Error).cause === reason)
      assert.deepEqual(await imagesOf(subject), before)
    },
  },
]
