// create, get, list, start, rename; who lives how long.
import assert from 'node:assert/strict'
import {
  type BackendCase,
  discard,
  execute,
  forever,
  idsOf,
  run,
  statusOf,
  uniqueName,
  withAttached,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { logLines, readAll, readUntil, shell } from './tasks/subject.js'

export const lifeCases: readonly BackendCase[] = [
  {
    title: 'a created container runs nothing, and is found by id, by a beginning of its id and by name',
    async run(subject) {
      const { containers } = subject.backend
      const name = uniqueName()
      await withContainer(subject, forever, { name }, async (id) => {
        assert.match(id, /^[0-9a-f]{64}$/)
        for (const ref of [id, id.slice(0, 20), name]) {
          const info = await containers.get(ref)
          assert.deepEqual([info.id, info.name, info.state.status, info.restartCount], [id, name, 'created', 0])
        }
        assert(Math.abs((await containers.get(id)).createdAt.getTime() - Date.now()) < 60_000)
      })
    },
  },
  {
    title: 'get throws invalid_argument for an ambiguous beginning of an id, not_found for what is not there',
    place: 'refusals',
    async run(subject) {
      const { containers } = subject.backend
      const ids: string[] = []
      try {
        let ambiguous: string | undefined
        while (ambiguous === undefined) {
          const id = await containers.create(subject.spec(forever, { name: uniqueName('zz') }))
          ambiguous = ids.find((other) => other[0] === id[0])?.slice(0, 1)
          ids.push(id)
        }
        await assert.rejects(containers.get(ambiguous), { code: 'invalid_argument' })
      } finally {
        await Promise.all(ids.map((id) => discard(subject.backend, id)))
      }
      for (const ref of ['f'.repeat(64), 'f'.repeat(40), uniqueName('nobody'), ids[0] ?? ''])
        await assert.rejects(containers.get(ref), { code: 'not_found' })
    },
  },
  {
    title: 'a name goes before a beginning of an id',
    async run(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        const name = id.slice(0, 8)
        await withContainer(subject, forever, { name }, async (named) => {
          assert.equal((await subject.backend.containers.get(name)).id, named)
        })
        assert.equal((await subject.backend.containers.get(name)).id, id)
      })
    },
  },
  {
    title: 'create throws already_exists for a name that is taken, and leaves nothing',
    async run(subject) {
      const { containers } = subject.backend
      const [name, label] = [uniqueName(), uniqueName()]
      await withContainer(subject, forever, { name }, async (id) => {
        await assert.rejects(containers.create(subject.spec(forever, { name, labels: { [label]: '' } })), { code: 'already_exists' })
        assert.deepEqual(await collect(containers.list({ all: true, labels: { [label]: '' } })), [])
        assert.equal((await containers.get(name)).id, id)
      })
      await withContainer(subject, forever, { name }, async () => {})
    },
  },
  {
    title: 'of many that ask for one name at once, one gets it',
    async run(subject) {
      const { containers } = subject.backend
      const name = uniqueName()
      const asked = await Promise.allSettled([...Array(8)].map(() => containers.create(subject.spec(forever, { name }))))
      const made = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      await Promise.all(made.map((id) => discard(subject.backend, id)))
      assert.equal(made.length, 1)
      for (const one of asked) if (one.status === 'rejected') assert.equal((one.reason as { code?: unknown }).code, 'already_exists')
    },
  },
  {
    title: 'names are made up where none is given, and none twice',
    async run(subject) {
      await withContainer(subject, forever, {}, async (one) => {
        await withContainer(subject, forever, {}, async (other) => {
          const names = await Promise.all([one, other].map(async (id) => (await subject.backend.containers.get(id)).name))
          assert.equal(new Set(names).size, 2)
          for (const name of names) assert.match(name, /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)
        })
      })
    },
  },
  ...(
    [
      { image: 'registry.example/suite/nothing-here:1', code: 'not_found', place: undefined },
      { image: 'UPPER case/is?no:name', code: 'invalid_argument', place: 'refusals' },
      { image: '', code: 'invalid_argument', place: undefined },
    ] as const
  ).map(
    ({ image, code, place }): BackendCase => ({
      place,
      title: `create throws ${code} for the image "${image}", and does not take the name`,
      async run(subject) {
        const name = uniqueName()
        await assert.rejects(subject.backend.containers.create({ ...subject.spec(forever, { name }), image, rootfs: undefined }), { code })
        await withContainer(subject, forever, { name }, async () => {})
      },
    }),
  ),
  {
    title: 'what cannot be is refused before it runs',
    place: 'refusals',
    async run(subject) {
      const { containers } = subject.backend
      const label = uniqueName()
      for (const extra of [
        { mounts: [{ type: 'bind', source: '/etc', target: 'relative' }] },
        { mounts: [{ type: 'bind', source: 'relative', target: '/x' }] },
        { runtime: { name: 'no-such-runtime' } },
        { sysctls: { 'kernel.panic': '1' } },
        { security: { capAdd: ['NO_SUCH'] } },
      ] as const) {
        await assert.rejects(
          run(subject, ['true'], { ...extra, labels: { [label]: '' } }),
          { code: 'invalid_argument' },
          JSON.stringify(extra),
        )
      }
      assert.deepEqual(await collect(containers.list({ all: true, labels: { [label]: '' } })), [])
    },
  },
  {
    title: 'an attached start brings all output of both streams, each as its own',
    needs: 'separate_streams',
    async run(subject) {
      assert.deepEqual(await run(subject, shell('echo out; echo err >&2; exit 7')), { stdout: 'out\n', stderr: 'err\n', exitCode: 7 })
    },
    async otherwise(subject) {
      const { stdout, stderr, exitCode } = await run(subject, shell('echo out; echo err >&2; exit 7'))
      assert.deepEqual([stdout.split('\n').sort(), stderr, exitCode], [['', 'err', 'out'], '', 7])
    },
  },
  {
    title: "an attached start tells the command's own exit code",
    async run(subject) {
      for (const exitCode of [0, 1, 137, 255])
        assert.deepEqual(await run(subject, shell(`exit ${exitCode}`)), { stdout: '', stderr: '', exitCode })
    },
  },
  {
    title: 'a container is created, running, then exited, and says since when and how',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('echo ready; read line; exit 4'), { stdin: true }, async (id) => {
        assert.deepEqual((await containers.get(id)).state, { status: 'created' })
        const attachment = await containers.start(id, { attach: { stdin: true } })
        await readUntil(attachment, 'ready')
        const { state: running } = await containers.get(id)
        assert(running.status === 'running' && Math.abs(running.startedAt.getTime() - Date.now()) < 60_000)
        assert(running.pid === undefined || running.pid > 1)
        await attachment?.write(Buffer.from('go on\n'))
        const exit = await containers.wait(id)
        const { state: exited } = await containers.get(id)
        assert(exited.status === 'exited')
        assert.deepEqual({ ...exited.exit, oomKilled: false }, { ...exit, oomKilled: false })
        assert.deepEqual([exit.exitCode, exit.signal, exit.lost], [4, undefined, false])
        assert(exit.exitedAt >= running.startedAt)
        await attachment?.close()
      })
    },
  },
  {
    title: 'start of a running container is success and starts no second; an attachment joins late',
    async run(subject) {
      const { containers } = subject.backend
      await withAttached(subject, shell('echo once; read line; echo end'), { stdin: true }, async (id, first) => {
        await readUntil(first, 'once')
        assert.equal(await containers.start(id), undefined)
        const late = await containers.start(id, { attach: { stdin: false } })
        const output = readAll(late)
        await first.write(Buffer.from('\n'))
        assert.equal((await output).stdout, 'end\n')
        await late?.close()
        assert.deepEqual(await logLines(subject.backend.streams.logs(id)), ['stdout once', 'stdout end'])
      })
    },
  },
  {
    title: 'an exited container starts again, with its root as it left it',
    needs: 'commands',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withContainer(subject, shell('echo x >>/kept; wc -l </kept'), {}, async (id) => {
        for (const wanted of ['1', '2', '3']) {
          await containers.start(id)
          assert.equal((await containers.wait(id)).exitCode, 0)
          assert.equal((await logLines(streams.logs(id))).at(-1), `stdout ${wanted}`)
        }
      })
    },
  },
  {
    title: 'list tells running containers, all of them when asked, and filters by labels, names and status',
    async run(subject) {
      const { containers } = subject.backend
      const [label, name] = [uniqueName(), uniqueName()]
      const labels = { [label]: 'yes', other: 'x' }
      await withRunning(subject, forever, { labels, name }, async (running) => {
        await withContainer(subject, forever, { labels: { [label]: 'yes' }, name: `${name}-more` }, async (created) => {
          await withRunning(subject, ['true'], { labels: { [label]: 'no' } }, async (exited) => {
            await containers.wait(exited)
            const listed = (options: Parameters<typeof containers.list>[0]) => idsOf(containers.list(options))
            assert.deepEqual(await listed({ labels: { [label]: 'yes' } }), new Set([running]))
            assert.deepEqual(await listed({ all: true, labels: { [label]: 'yes' } }), new Set([running, created]))
            assert.deepEqual(await listed({ all: true, labels }), new Set([running]))
            assert.deepEqual(await listed({ all: true, names: [name] }), new Set([running]))
            assert.deepEqual(await listed({ all: true, names: [name, `${name}-more`] }), new Set([running, created]))
            assert.deepEqual(await listed({ labels: { [label]: 'no' }, status: ['exited'] }), new Set([exited]))
            assert.deepEqual(await listed({ labels: { [label]: 'yes' }, status: ['exited'] }), new Set())
            assert.deepEqual(await listed({ labels: { [label]: 'yes' }, status: ['created', 'running'] }), new Set([running, created]))
            assert.deepEqual(await listed({ all: true, names: ['no-such-name'] }), new Set())
          })
        })
      })
    },
  },
  {
    title: 'list tells the same of a container as get',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, forever, { labels: { suite: 'list' } }, async (id) => {
        const listed = (await collect(containers.list())).find((one) => one.id === id)
        const got = await containers.get(id)
        assert(listed !== undefined)
        for (const key of ['name', 'image', 'imageId', 'labels', 'createdAt', 'state'] as const)
          assert.deepEqual(listed[key], got[key], key)
      })
    },
  },
  {
    title: 'get tells what was asked for, with what the image and the defaults fill in',
    async run(subject) {
      const { containers, images } = subject.backend
      const stopSignal = subject.backend.supports('stop_signal') ? 'SIGINT' : undefined
      const asked = {
        env: { OWN: 'a=b c' },
        labels: { team: 'a' },
        workingDir: '/tmp',
        user: 'app',
        hostname: 'own',
        stopSignal,
        stopGraceMs: 1_500,
        mounts: subject.backend.supports('tmpfs') ? ([{ type: 'tmpfs', target: '/data' }] as const) : [],
      } as const
      await withContainer(subject, ['echo', 'hello'], asked, async (id) => {
        const { image, imageId, labels, spec, mounts, networks, ports } = await containers.get(id)
        assert.equal(image, subject.image)
        assert.equal(imageId, (await images.get(subject.image)).id)
        assert.equal(labels['team'], 'a')
        assert.deepEqual(spec.command, ['echo', 'hello'])
        assert.equal(spec.env?.['OWN'], 'a=b c')
        assert.match(spec.env?.['PATH'] ?? '', /\/bin/)
        assert.deepEqual(
          [spec.workingDir, spec.user, spec.hostname, spec.stopSignal, spec.stopGraceMs],
          ['/tmp', 'app', 'own', stopSignal, 1_500],
        )
        assert.deepEqual(
          mounts.map(({ type, target, readOnly }) => ({ type, target, readOnly })),
          asked.mounts.map((mount) => ({ ...mount, readOnly: false })),
        )
        assert.deepEqual([networks, ports], [[], []])
      })
      await withContainer(subject, undefined, {}, async (id) => {
        const { spec } = await containers.get(id)
        assert.deepEqual(spec.command, ['sh'])
        assert.equal(spec.stopSignal ?? 'SIGTERM', 'SIGTERM')
      })
    },
  },
  {
    title: 'the spec that get tells makes an equal container again',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('echo $OWN'), { env: { OWN: 'x' }, labels: { a: 'b' } }, async (id) => {
        const { spec } = await containers.get(id)
        const again = await containers.create({ ...spec, name: undefined })
        try {
          const info = await containers.get(again)
          assert.deepEqual({ ...info.spec, name: '' }, { ...spec, name: '' })
        } finally {
          await discard(subject.backend, again)
        }
      })
    },
  },
  {
    title: 'rename gives the new name and frees the old; a taken one is already_exists, and the old name stands',
    needs: 'rename',
    async run(subject) {
      const { containers } = subject.backend
      const [before, after] = [uniqueName(), uniqueName()]
      await withContainer(subject, forever, { name: before }, async (id) => {
        await containers.rename(id, after)
        assert.equal((await containers.get(after)).id, id)
        await assert.rejects(containers.get(before), { code: 'not_found' })
        await withContainer(subject, forever, { name: before }, async (other) => {
          await assert.rejects(containers.rename(id, before), { code: 'already_exists' })
          assert.deepEqual([(await containers.get(id)).name, (await containers.get(before)).id], [after, other])
        })
      })
    },
    async otherwise(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.containers.rename(id, uniqueName()), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'another process of the engine sees, stops and removes a container as well',
    async run(subject) {
      await using other = await subject.another()
      const name = uniqueName()
      await withRunning(subject, forever, { name }, async (id) => {
        assert.equal((await other.containers.get(name)).state.status, 'running')
        await assert.rejects(other.containers.create(subject.spec(forever, { name })), { code: 'already_exists' })
        const waiting = subject.backend.containers.wait(id)
        await other.containers.stop(id, { graceMs: 0 })
        assert.equal((await waiting).exitCode, 137)
        await other.containers.remove(id)
        await assert.rejects(subject.backend.containers.get(id), { code: 'not_found' })
      })
    },
  },
  {
    title: 'a detached container, its log and its exit outlive the backend that made it',
    needs: 'exit_status_survives_restart',
    async run(subject) {
      const other = await subject.another()
      const id = await other.containers.create(subject.spec(shell('echo said; exit 3'), { lifetime: 'detached' }))
      try {
        await other.containers.start(id)
        const exit = await other.containers.wait(id)
        await other.close()
        await using later = await subject.another()
        for (const { containers, streams } of [subject.backend, later]) {
          const { state } = await containers.get(id)
          assert(state.status === 'exited' && state.exit.exitCode === 3)
          assert.deepEqual(await containers.wait(id), exit)
          assert.deepEqual(await logLines(streams.logs(id)), ['stdout said'])
        }
      } finally {
        await other.close()
        await discard(subject.backend, id)
      }
    },
  },
  {
    title: 'closing a backend removes the containers that it owns, and leaves detached ones running',
    async run(subject) {
      const other = await subject.another()
      const owned = await other.containers.create(subject.spec(forever, { lifetime: 'owned' }))
      await other.containers.start(owned)
      const detached = await other.containers.create(subject.spec(forever, { lifetime: 'detached' }))
      try {
        await other.containers.start(detached)
        assert.deepEqual([await statusOf(subject, owned), await statusOf(subject, detached)], ['running', 'running'])
        await other.close()
        await other.close()
        await assert.rejects(subject.backend.containers.get(owned), { code: 'not_found' })
        assert.equal(await statusOf(subject, detached), 'running')
        assert.equal((await execute(subject, detached, ['echo', 'alive'])).stdout, 'alive\n')
      } finally {
        await other.close()
        await discard(subject.backend, owned)
        await discard(subject.backend, detached)
      }
    },
  },
]
