// wait, stop, kill, restart, remove.
import assert from 'node:assert/strict'
import type { Capability } from '../ports/backend/backend.js'
import {
  type BackendCase,
  endedBy,
  forever,
  idsOf,
  statusOf,
  uniqueName,
  whenReady,
  withAttached,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { logLines, readUntil, shell } from './tasks/subject.js'

const trapping = (signal: string, code: number): readonly string[] =>
  shell(`trap "echo got ${signal}; exit ${code}" ${signal}; echo ready; sleep 100000 & wait`)
const deaf = shell('trap "" TERM; echo ready; while true; do sleep 1000; done')

export const endCases: readonly BackendCase[] = [
  {
    title: 'wait resolves at once after the exit, however often it is asked',
    async run(subject) {
      await withRunning(subject, shell('exit 6'), {}, async (id) => {
        for (let time = 0; time < 3; time += 1) endedBy(await subject.backend.containers.wait(id), { exitCode: 6 })
      })
    },
  },
  {
    title: 'wait waits for a container that was never started, and all who wait get the same',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('exit 5'), {}, async (id) => {
        const waiting = Promise.all([containers.wait(id), containers.wait(id), containers.wait(id, { until: 'next-exit' })])
        await containers.start(id)
        const [one, two, three] = await waiting
        endedBy(one, { exitCode: 5 })
        assert.deepEqual([two, three], [one, one])
      })
    },
  },
  {
    title: 'wait until the next exit does not take the last one for it',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const first = containers.wait(id, { until: 'next-exit' })
        await containers.restart(id, { graceMs: 0 })
        endedBy(await first, { exitCode: 137, signal: 'SIGKILL' })
        assert.equal(await statusOf(subject, id), 'running')
        await containers.stop(id, { graceMs: 0 })
        const reason = new Error('not before the next start')
        const signal = AbortSignal.timeout(300)
        await assert.rejects(containers.wait(id, { until: 'next-exit', signal }), (error) => error === signal.reason, reason.message)
        const next = containers.wait(id, { until: 'next-exit' })
        await containers.start(id)
        await containers.stop(id, { graceMs: 0 })
        endedBy(await next, { exitCode: 137, signal: 'SIGKILL' })
      })
    },
  },
  {
    title: 'wait until removed outlasts an exit, and tells the last end',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, shell('exit 3'), {}, async (id) => {
        const removed = containers.wait(id, { until: 'removed' })
        await containers.wait(id)
        await containers.start(id)
        await containers.wait(id)
        await containers.remove(id)
        endedBy(await removed, { exitCode: 3 })
      })
      await withRunning(subject, forever, {}, async (id) => {
        const removed = containers.wait(id, { until: 'removed' })
        await containers.remove(id, { force: true })
        endedBy(await removed, { exitCode: 137, signal: 'SIGKILL' })
      })
    },
  },
  {
    title: 'wait throws not_found when the container goes away before it ever ran',
    async run(subject) {
      await withContainer(subject, forever, {}, async (id) => {
        const waiting = subject.backend.containers.wait(id)
        const refused = assert.rejects(waiting, { code: 'not_found' })
        await subject.backend.containers.remove(id)
        await refused
      })
    },
  },
  {
    title: 'stop sends SIGTERM, and what the process then exits with is the exit code',
    needs: 'commands',
    async run(subject) {
      await whenReady(subject, trapping('TERM', 9), {}, async (id) => {
        await subject.backend.containers.stop(id)
        endedBy(await subject.backend.containers.wait(id), { exitCode: 9 })
        assert.deepEqual(await logLines(subject.backend.streams.logs(id)), ['stdout ready', 'stdout got TERM'])
      })
    },
  },
  {
    title: 'stop sends the signal that the spec asks for',
    needs: 'stop_signal',
    async run(subject) {
      if (!subject.real) return
      await whenReady(subject, trapping('USR1', 8), { stopSignal: 'SIGUSR1' }, async (id) => {
        await subject.backend.containers.stop(id)
        endedBy(await subject.backend.containers.wait(id), { exitCode: 8 })
      })
    },
  },
  {
    title: 'stop sends SIGKILL when graceMs has passed, or the grace of the spec',
    needs: 'commands',
    async run(subject) {
      await whenReady(subject, deaf, {}, async (id) => {
        await subject.backend.containers.stop(id, { graceMs: 200 })
        endedBy(await subject.backend.containers.wait(id), { exitCode: 137, signal: 'SIGKILL' })
      })
      await whenReady(subject, deaf, { stopGraceMs: 200 }, async (id) => {
        await subject.backend.containers.stop(id)
        assert.equal(await statusOf(subject, id), 'exited')
      })
    },
  },
  {
    title: 'stop with no grace kills at once, and sends nothing before',
    // A daemon whose own stop has a second at least.
    needs: 'kill',
    place: 'commands',
    async run(subject) {
      await whenReady(subject, trapping('TERM', 9), {}, async (id) => {
        await subject.backend.containers.stop(id, { graceMs: 0 })
        endedBy(await subject.backend.containers.wait(id), { exitCode: 137, signal: 'SIGKILL' })
        assert.deepEqual(await logLines(subject.backend.streams.logs(id)), ['stdout ready'])
      })
    },
  },
  {
    title: 'stop resolves when the container has exited; of one that does not run it is success',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await containers.stop(id)
        assert.equal(await statusOf(subject, id), 'created')
        await containers.start(id)
        await containers.stop(id, { graceMs: 0 })
        assert.equal(await statusOf(subject, id), 'exited')
        await containers.stop(id)
      })
    },
  },
  {
    title: 'a stopping container can be killed, and the stop resolves then',
    needs: 'kill',
    place: 'commands',
    async run(subject) {
      const { containers } = subject.backend
      await whenReady(subject, deaf, {}, async (id) => {
        const stopping = containers.stop(id, { graceMs: 50_000 })
        await containers.kill(id, 'SIGKILL')
        await stopping
        endedBy(await containers.wait(id), { exitCode: 137, signal: 'SIGKILL' })
      })
    },
  },
  {
    title: 'kill sends the signal and does not wait; SIGKILL ends any',
    needs: 'kill',
    place: 'commands',
    async run(subject) {
      const { containers } = subject.backend
      await withAttached(
        subject,
        shell('trap "echo got" HUP; echo ready; while true; do sleep 100000 & wait $!; done'),
        {},
        async (id, attachment) => {
          const output = attachment.output[Symbol.asyncIterator]()
          const next = async (): Promise<string> => Buffer.from((await output.next()).value?.bytes ?? []).toString()
          assert.equal(await next(), 'ready\n')
          await containers.kill(id, 'SIGHUP')
          assert.equal(await next(), 'got\n')
          assert.equal(await statusOf(subject, id), 'running')
          await containers.kill(id, 'SIGKILL')
          endedBy(await containers.wait(id), { exitCode: 137, signal: 'SIGKILL' })
        },
      )
    },
  },
  {
    title: 'kill of a container that does not run is failed_precondition, of a signal that is none invalid_argument',
    needs: 'kill',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('exit 0'), {}, async (id) => {
        await assert.rejects(containers.kill(id, 'SIGTERM'), { code: 'failed_precondition' })
        await containers.start(id)
        await containers.wait(id)
        await assert.rejects(containers.kill(id, 'SIGKILL'), { code: 'failed_precondition' })
      })
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(containers.kill(id, 'SIGNONE'), { code: 'invalid_argument' })
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
    async otherwise(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.containers.kill(id, 'SIGKILL'), { code: 'unsupported' })
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: '128 + n of its own accord names no signal',
    async run(subject) {
      await withRunning(subject, shell('exit 143'), {}, async (id) => {
        const { exitCode, signal } = await subject.backend.containers.wait(id)
        assert.deepEqual([exitCode, signal], [143, undefined])
      })
    },
  },
  {
    title: 'restart ends one run and begins another, and starts a stopped container',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withAttached(subject, shell('echo run; sleep 100000'), {}, async (id, attachment) => {
        await readUntil(attachment, 'run')
        const before = (await containers.get(id)).state
        // A run that is ended before it has said anything leaves nothing in the log.
        const hasRun = async (times: number): Promise<void> => {
          let runs = 0
          for await (const { text } of streams.logs(id, { follow: true })) {
            assert.equal(text, 'run')
            if ((runs += 1) === times) return
          }
          assert.fail(`the log ends after ${runs} of ${times} runs`)
        }
        await containers.restart(id, { graceMs: 0 })
        const after = (await containers.get(id)).state
        assert(before.status === 'running' && after.status === 'running' && after.startedAt >= before.startedAt)
        if (after.pid !== undefined) assert.notEqual(after.pid, before.pid)
        await hasRun(2)
        await containers.stop(id, { graceMs: 0 })
        await containers.restart(id)
        assert.equal(await statusOf(subject, id), 'running')
        await hasRun(3)
      })
    },
  },
  {
    title: 'remove of a running container is failed_precondition without force, and it runs on',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(containers.remove(id), { code: 'failed_precondition' })
        assert.equal(await statusOf(subject, id), 'running')
        await containers.remove(id, { force: true })
        await assert.rejects(containers.get(id), { code: 'not_found' })
      })
    },
  },
  {
    title: 'remove takes created and exited containers without force, and a second removal is not_found',
    async run(subject) {
      const { containers } = subject.backend
      const name = uniqueName()
      await withContainer(subject, shell('exit 1'), { name }, async (id) => {
        await containers.remove(id)
        await assert.rejects(containers.remove(id), { code: 'not_found' })
        await assert.rejects(containers.remove(id, { force: true }), { code: 'not_found' })
      })
      await withRunning(subject, shell('exit 1'), { name }, async (id) => {
        await containers.wait(id)
        await containers.remove(id)
        assert(!(await idsOf(containers.list({ all: true }))).has(id))
        await assert.rejects(containers.get(name), { code: 'not_found' })
      })
    },
  },
  {
    title: 'of two removals at once one succeeds, and the other is success or not_found',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        const both = await Promise.allSettled([1, 2].map(() => subject.backend.containers.remove(id, { force: true })))
        assert(both.some(({ status }) => status === 'fulfilled'))
        for (const one of both) if (one.status === 'rejected') assert.equal((one.reason as { code?: unknown }).code, 'not_found')
      })
    },
  },
  {
    title: 'a container that is not there is not_found to every verb',
    async run(subject) {
      const { containers, control, streams, execs } = subject.backend
      const id = '0'.repeat(64)
      const needed: Readonly<Record<string, Capability>> = {
        rename: 'rename',
        pause: 'pause',
        resume: 'pause',
        kill: 'kill',
        update: 'live_resource_update',
        top: 'top',
        stats: 'stats',
      }
      const can = (verb: string): boolean => {
        const capability = needed[verb]
        return capability === undefined || subject.backend.supports(capability)
      }
      for (const [verb, act] of Object.entries({
        get: () => containers.get(id),
        start: () => containers.start(id),
        stop: () => containers.stop(id),
        restart: () => containers.restart(id),
        kill: () => containers.kill(id, 'SIGKILL'),
        wait: () => containers.wait(id),
        waitRemoved: () => containers.wait(id, { until: 'removed' }),
        remove: () => containers.remove(id, { force: true }),
        rename: () => containers.rename(id, uniqueName()),
        attach: () => streams.attach(id),
        resize: () => streams.resize(id, { columns: 80, rows: 25 }),
        logs: () => collect(streams.logs(id)),
        pause: () => control.pause(id),
        resume: () => control.resume(id),
        update: () => control.update(id, { resources: { pids: 10 } }),
        top: () => control.top(id),
        stats: () => collect(control.stats(id)),
        exec: () => execs.create(id, { command: ['true'] }),
      }))
        await assert.rejects(act(), { code: can(verb) ? 'not_found' : 'unsupported' }, verb)
      await assert.rejects(execs.get('0'.repeat(32)), { code: 'not_found' })
    },
  },
]
