// Images on pouchd, as they were recorded.
import { expect, it } from 'vitest'
import { collect } from '../../../../../src/conformance/suite.js'
import type { TransferProgress } from '../../../../../src/model/image.js'
import { busyboxImage, chunks, dockerArchive, plainLayers } from '../../../../setup/images.js'
import { type PouchdReplay, withPouchd } from '../../../../setup/pouchd.js'
import { recordings } from '../../../../setup/replay.js'

const images = await recordings('pouchd-1.3.0-images')
const none = (await recordings('pouchd-1.3.0-life'))('list none')
const id = 'sha256:7e7fb91d03205af3a94a2dacc8167a25463947c91c459419dbf6f0ea008cd994'
const bb = '127.0.0.1:5000/demo/bb:v1'

/** What is asked to tell an image: itself, and who uses it. */
function describes({ expect: asks }: PouchdReplay, name: string, recorded = 'busybox'): void {
  asks(`GET /images/${name}/json`, images(recorded))
  asks('GET /containers/json', none, { query: { all: '1' } })
}

it('a pull reads objects that have nothing between them to their end, and tells how it goes on', () =>
  withPouchd('1.3.0', async (daemon) => {
    daemon.expect('POST /images/create', images('pull'), { query: { fromImage: '127.0.0.1:5000/demo/bb', tag: 'v1' } })
    describes(daemon, bb)
    const seen: TransferProgress[] = []
    const image = await daemon.backend.images.pull(bb, { onProgress: (progress) => seen.push(progress) })
    expect(image.id).toBe(id)
    expect(seen.at(-1)).toMatchObject({ phase: 'done' })
    expect(seen.length).toBe(4)
  }))

it.each([
  { answer: 'pull of what is absent', code: 'not_found' },
  { answer: 'registry down', code: 'unavailable' },
])('a pull rejects with $code for "$answer", whatever the status is', ({ answer, code }) =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('POST /images/create', images(answer), { query: { fromImage: '127.0.0.1:5000/demo/bb', tag: 'v1' } })
    await expect(backend.images.pull(bb)).rejects.toMatchObject({ code })
  }),
)

it('credentials go as the header that Docker has, in base64 for URLs', () =>
  withPouchd('1.3.0', async (daemon) => {
    const auth = { username: 'a', password: 'b?>' }
    const header = Buffer.from(JSON.stringify({ ...auth, serveraddress: '127.0.0.1:5000' })).toString('base64url')
    daemon.expect('POST /images/create', images('pull'), {
      query: { fromImage: '127.0.0.1:5000/demo/bb', tag: 'v1' },
      headers: { 'x-registry-auth': header },
    })
    describes(daemon, bb)
    await daemon.backend.images.pull(bb, { auth })
  }))

it('a push is of a name that the image has, and the stream is read to its end', () =>
  withPouchd('1.3.0', async (daemon) => {
    describes(daemon, 'busybox:latest')
    // It has not the name of its destination: it gets it for as long as that takes.
    daemon.expect(`GET /images/${bb}/json`, images('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    describes(daemon, id)
    daemon.expect(`GET /images/${bb}/json`, images('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    daemon.expect(`POST /images/${id}/tag`, images('tagged'), { query: { repo: '127.0.0.1:5000/demo/bb', tag: 'v1' } })
    daemon.expect('POST /images/127.0.0.1:5000/demo/bb/push', images('push'), { query: { tag: 'v1' } })
    daemon.expect(`DELETE /images/${bb}`, images('removed'), { query: { noprune: '1' } })
    await daemon.backend.images.push('busybox', bb)
  }))

it('a push of what is not there asks no registry', () =>
  withPouchd('1.3.0', async (daemon) => {
    daemon.expect('GET /images/nope:1/json', images('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    await expect(daemon.backend.images.push('nope:1', bb)).rejects.toMatchObject({ code: 'not_found' })
  }))

it('a list asks for each image, without a filter, since the daemon takes them in another shape', () =>
  withPouchd('1.3.0', async ({ backend, expect: asks }) => {
    asks('GET /images/json', images('list'))
    asks('GET /containers/json', none, { query: { all: '1' } })
    asks(`GET /images/${id}/json`, images('busybox'))
    const [one, ...others] = await collect(backend.images.list({ names: ['busybox*'] }))
    expect(others).toEqual([])
    expect(one).toMatchObject({
      id,
      // Docker Hub goes by another name here.
      names: ['docker.io/library/busybox:1.28', 'docker.io/library/busybox:latest'],
      usedBy: [],
      platform: 'linux/amd64',
      config: { command: ['sh'] },
    })
  }))

it('the history has times, which the daemon counts in nanoseconds', () =>
  withPouchd('1.3.0', async (daemon) => {
    describes(daemon, 'busybox:latest')
    daemon.expect(`GET /images/${id}/history`, images('history'))
    const steps = await daemon.backend.images.history('busybox')
    expect(steps.map(({ createdAt, createdBy }) => [createdAt?.getTime(), createdBy])).toEqual([
      [Date.UTC(2020, 0, 1), '/bin/sh -c #(nop)  CMD ["sh"]'],
      [Date.UTC(2020, 0, 1), '/bin/sh -c #(nop) ADD busybox in /'],
    ])
  }))

it('a name that another took between the look and the act is a conflict, though the daemon says 400', () =>
  withPouchd('1.3.0', async (daemon) => {
    describes(daemon, 'busybox:latest')
    daemon.expect(`GET /images/${bb}/json`, images('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    daemon.expect('POST /images/busybox:latest/tag', images('tag taken'), { query: { repo: '127.0.0.1:5000/demo/bb', tag: 'v1' } })
    await expect(daemon.backend.images.tag('busybox', bb)).rejects.toMatchObject({ code: 'conflict' })
  }))

it('a removal takes one name, and a second finds none', () =>
  withPouchd('1.3.0', async (daemon) => {
    describes(daemon, 'busybox:1.28')
    daemon.expect('DELETE /images/busybox:1.28', images('removed'))
    await daemon.backend.images.remove('busybox:1.28')
    daemon.expect('GET /images/busybox:1.28/json', images('absent'))
    daemon.expect('GET /containers/json', none, { query: { all: '1' } })
    await expect(daemon.backend.images.remove('busybox:1.28')).rejects.toMatchObject({ code: 'not_found' })
  }))

it('an archive goes as a tar, and its images are told from what is in it, since the daemon tells nothing', () =>
  withPouchd('1.3.0', async (daemon) => {
    // What was there before, for what goes wrong.
    daemon.expect('GET /images/json', images('list'))
    daemon.expect('POST /images/load', images('loaded'), {
      query: { quiet: '1' },
      headers: { 'content-type': 'application/x-tar' },
      body: (bytes: Buffer) => {
        expect(bytes.includes('manifest.json')).toBe(true)
      },
    })
    describes(daemon, 'busybox:1.28')
    const archive = dockerArchive(
      [await busyboxImage()].map((image) => ({ image, plainLayers: plainLayers(image), tags: ['busybox:1.28'] })),
    )
    expect((await daemon.backend.images.load(chunks(archive))).map((image) => image.id)).toEqual([id])
  }))

it('a commit is told by its name, since the daemon tells the beginning of an id', () =>
  withPouchd('1.3.0', async (daemon) => {
    const query = { container: 'c1', repo: '127.0.0.1:5000/demo/committed', tag: 'v1', comment: 'hi', author: 'me', pause: '1' }
    daemon.expect('POST /commit', images('committed'), { query, body: {} })
    describes(daemon, '127.0.0.1:5000/demo/committed:v1', 'committed image')
    const image = await daemon.backend.containerImages.commit('c1', '127.0.0.1:5000/demo/committed:v1', { comment: 'hi', author: 'me' })
    expect(image.id.slice('sha256:'.length, 'sha256:'.length + 12)).toBe('59c57fdb84d6')
    daemon.expect('POST /commit', images('commit of what is absent'), {
      query: { container: 'nope', repo: 'x', tag: 'latest', pause: '1' },
      body: {},
    })
    await expect(daemon.backend.containerImages.commit('nope', 'x')).rejects.toMatchObject({ code: 'not_found' })
    await expect(daemon.backend.containerImages.commit('c1', 'x', { config: {} })).rejects.toMatchObject({ code: 'unsupported' })
  }))
