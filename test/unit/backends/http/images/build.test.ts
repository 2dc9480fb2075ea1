import { describe, expect, it } from 'vitest'
import type { Exchange, HttpCalls } from '../../../../../src/backends/http/calls.js'
import type { HttpContext } from '../../../../../src/backends/http/context.js'
import { docker } from '../../../../../src/backends/http/dialects/docker.js'
import { buildImage } from '../../../../../src/backends/http/images/build.js'
import { BuildError } from '../../../../../src/errors.js'
import type { BuildRequest } from '../../../../../src/ports/backend/images.js'

const id = `sha256:${'a'.repeat(64)}`
/** A daemon that says these in answer to a build, and knows the image. */
function building(...said: readonly object[]): { readonly context: HttpContext; readonly asked: Exchange[] } {
  const asked: Exchange[] = []
  const calls: Partial<HttpCalls> = {
    async *lines(_method, _path, exchange) {
      asked.push(exchange ?? {})
      yield* said
    },
    json: async (_method, path) => (path === '/containers/json' ? [] : { Id: id, RepoTags: null, Config: null, RootFS: null }),
  }
  const context: HttpContext = {
    calls: calls as HttpCalls,
    dialect: docker,
    facts: { version: '20.10', api: { major: 1, minor: 41 }, versionAnswer: {}, info: {} },
    name: 'docker',
    supports: () => true,
    trace: () => {},
  }
  return { context, asked }
}
const request = (extra: Partial<BuildRequest> = {}): BuildRequest => ({ context: (async function* () {})(), auth: {}, ...extra })

describe('buildImage', () => {
  it('tells steps and lines however the text is cut, without colours', async () => {
    const { context } = building(
      { stream: 'Step 1/2 : FROM a' },
      { stream: '\n' },
      { status: 'Downloading', id: 'b', progressDetail: { current: 1, total: 2 } },
      { stream: 'Step 2/2 : RUN make\n\u001b[91mwarn' },
      { stream: 'ing\n\u001b[0mdo' },
      { stream: 'ne' },
      { aux: { ID: id } },
    )
    const told: (readonly [string, number | undefined])[] = []
    const steps: string[] = []
    const image = await buildImage(context, request(), {
      onOutput: (line, step) => void told.push([line, step?.number]),
      onStep: ({ number, total, instruction }) => void steps.push(`${number}/${total} ${instruction}`),
    })
    expect(image.id).toBe(id)
    expect(steps).toEqual(['1/2 FROM a', '2/2 RUN make'])
    expect(told).toEqual([
      ['Step 1/2 : FROM a', 1],
      ['Downloading', 1],
      ['Step 2/2 : RUN make', 2],
      ['warning', 2],
      ['done', 2],
    ])
  })
  it('keeps the end of the output and not more, whatever a build says', async () => {
    const { context } = building(
      { stream: 'Step 1/1 : RUN yes\n' },
      ...Array.from({ length: 300 }, (_, at) => ({ stream: `${'y'.repeat(1_000)}${at}` })),
      { errorDetail: { code: 9, message: "The command '/bin/sh -c yes' returned a non-zero code: 9" }, error: 'it failed' },
    )
    const failed = await buildImage(context, request()).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(BuildError)
    expect(failed).toMatchObject({ code: 'failed_precondition', exitCode: 9, step: { number: 1, total: 1, instruction: 'RUN yes' } })
    const { output } = failed as BuildError
    expect(output.length).toBeLessThanOrEqual(8_000)
    expect(output).toMatch(/y299\n$/)
  })
  it('has the exit code that Podman says in words', async () => {
    const { context } = building(
      { stream: 'STEP 2/3: RUN false\n' },
      { error: 'building at STEP "RUN false": while running runtime: exit status 1\n' },
    )
    await expect(buildImage(context, request())).rejects.toMatchObject({ exitCode: 1, step: { number: 2, total: 3 } })
  })
  it('never resolves without an image', async () => {
    const { context } = building({ stream: 'Step 1/1 : FROM a\n' })
    await expect(buildImage(context, request())).rejects.toMatchObject({ code: 'internal' })
  })
  it('asks for what was asked, under whole names, with credentials in a header only', async () => {
    const { context, asked } = building({ aux: { ID: id } })
    await buildImage(
      context,
      request({
        tags: ['app', 'registry.example/app:2'],
        args: { A: '1' },
        labels: { l: 'm' },
        target: 'last',
        cache: false,
        pull: true,
        auth: { 'docker.io': { username: 'me', password: 'secret' } },
      }),
    )
    const [{ query, headers } = {}] = asked
    expect(query).toMatchObject({
      t: ['docker.io/library/app:latest', 'registry.example/app:2'],
      buildargs: { A: '1' },
      labels: { l: 'm' },
      target: 'last',
      nocache: true,
      pull: true,
      forcerm: true,
    })
    expect(JSON.parse(Buffer.from(headers?.['x-registry-config'] ?? '', 'base64').toString())).toEqual({
      'https://index.docker.io/v1/': { username: 'me', password: 'secret', serveraddress: 'https://index.docker.io/v1/' },
    })
    expect(JSON.stringify(query)).not.toContain('secret')
  })
})
