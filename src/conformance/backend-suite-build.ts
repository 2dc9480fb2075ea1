// Builds.
import assert from 'node:assert/strict'
import { BuildError } from '../errors.js'
import type { BuildStep } from '../model/image.js'
import type { BuildRequest } from '../ports/backend/images.js'
import { tarOf } from './backend-suite-files.js'
import { type BackendCase, type BackendSubject, forgetImage, run, uniqueImage } from './backend-suite-subject.js'
import { collect } from './suite.js'

const contextOf = (dockerfile: string): Pick<BuildRequest, 'context'> => ({
  context: tarOf([{ name: 'Dockerfile' }, dockerfile], [{ name: 'file' }, 'of the context']),
})
/** What a failed build leaves: layers of steps that went well. */
async function sweep(subject: BackendSubject, before: ReadonlySet<string>): Promise<void> {
  for (const { id } of await collect(subject.backend.images.list({ dangling: true }))) if (!before.has(id)) await forgetImage(subject, id)
}
async function idsOf({ backend: { images } }: BackendSubject): Promise<ReadonlySet<string>> {
  return new Set((await collect(images.list())).map(({ id }) => id))
}

export const buildCases: readonly BackendCase[] = [
  {
    title: 'a build makes an image with the names, labels and arguments that were asked for, and tells its steps',
    needs: 'build',
    async run(subject) {
      const { images } = subject.backend
      const before = await idsOf(subject)
      const tags = [uniqueImage(), uniqueImage()]
      const steps: BuildStep[] = []
      const lines: string[] = []
      try {
        const image = await images.build(
          {
            ...contextOf(
              `FROM ${subject.image} AS base\nARG WORD=none\nCOPY file /copied\nRUN echo "the word is $WORD" && cp /copied /run-made\nFROM base AS last\nENV BUILT=yes\nCMD ["cat", "/run-made"]\nFROM base\nLABEL not=this\n`,
            ),
            tags,
            target: 'last',
            args: { WORD: 'given' },
            labels: { suite: 'build' },
          },
          {
            onStep: (step) => steps.push(step),
            onOutput(line) {
              lines.push(line)
              throw new Error('a bug of the listener')
            },
          },
        )
        assert.deepEqual([...image.names].sort(), [...tags].sort())
        assert.deepEqual(
          [image.config.labels?.['suite'], image.config.labels?.['not'], image.config.env?.['BUILT']],
          ['build', undefined, 'yes'],
        )
        assert(lines.includes('the word is given'), lines.join('\n'))
        assert(steps.length >= 6 && steps.every(({ number, total }) => number >= 1 && number <= total))
        assert.match(steps[0]?.instruction ?? '', /^FROM /)
        const [tag = ''] = tags
        const inside = { ...subject, spec: () => ({ ...subject.spec(undefined), image: tag, rootfs: undefined }) }
        assert.equal((await run(inside, [])).stdout, 'of the context')
      } finally {
        for (const tag of tags) await forgetImage(subject, tag)
        await sweep(subject, before)
      }
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.images.build(contextOf(`FROM ${subject.image}\n`)), { code: 'unsupported' })
    },
  },
  {
    title: 'a build that fails rejects with the step, the last of the output and the exit code, and names nothing',
    needs: 'build',
    async run(subject) {
      const { images } = subject.backend
      const before = await idsOf(subject)
      const tag = uniqueImage()
      try {
        const failed = await images
          .build({
            ...contextOf(`FROM ${subject.image}\nRUN echo before\nRUN echo the last words >&2; exit 7\nRUN echo never\n`),
            tags: [tag],
          })
          .catch((error: unknown) => error)
        assert(failed instanceof BuildError, String(failed))
        assert.deepEqual([failed.code, failed.exitCode, failed.step?.number], ['failed_precondition', 7, 3])
        assert.match(failed.step?.instruction ?? '', /^RUN echo the last words/)
        assert.match(failed.output, /the last words\n/)
        assert.doesNotMatch(failed.output, /never\n$/)
        await assert.rejects(images.get(tag), { code: 'not_found' })
      } finally {
        await sweep(subject, before)
      }
    },
  },
  {
    title: 'a Dockerfile that is missing or none, or an image to begin with that is not there, rejects',
    needs: 'build',
    async run(subject) {
      const { images } = subject.backend
      const isBuildError = (error: unknown): boolean => error instanceof BuildError
      await assert.rejects(images.build({ ...contextOf(`FROM ${subject.image}\n`), dockerfile: 'none' }), isBuildError)
      await assert.rejects(images.build(contextOf('FRUM nothing\n')), isBuildError)
      if (subject.real) await assert.rejects(images.build(contextOf(`FROM ${subject.remote.absent}\n`)), { code: 'not_found' })
      await assert.rejects(images.build({ ...contextOf(`FROM ${subject.image}\n`), tags: ['UPPER case'] }), { code: 'invalid_argument' })
    },
  },
  {
    title: 'a context that breaks, and an abort, reject with the reason',
    needs: 'build',
    async run(subject) {
      const { images } = subject.backend
      const before = await idsOf(subject)
      const reason = new Error('the source broke')
      const broken = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        yield Buffer.alloc(512)
        throw reason
      }
      await assert.rejects(images.build({ context: broken() }), (error) => error === reason || (error as Error).cause === reason)
      const controller = new AbortController()
      const building = images.build(contextOf(`FROM ${subject.image}\nRUN echo started; sleep 1000\n`), {
        signal: controller.signal,
        onOutput(line) {
          if (line === 'started') controller.abort(reason)
        },
      })
      await assert.rejects(building, (error) => error === reason)
      await sweep(subject, before)
    },
    async otherwise(subject) {
      let asked = false
      const context = (async function* (): AsyncGenerator<Uint8Array, void, undefined> {
        asked = true
        yield Buffer.alloc(0)
      })()
      await assert.rejects(subject.backend.images.build({ context }), { code: 'unsupported' })
      assert(!asked, 'a context that cannot be used is not read')
    },
  },
]
