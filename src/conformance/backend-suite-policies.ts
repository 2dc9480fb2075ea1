// What goes on by itself: restart policies, health checks, and what becomes of a log.
import assert from 'node:assert/strict'
import type { ContainerSettings } from '../model/container-spec.js'
import type { ContainerInfo } from '../model/container.js'
import { sleep } from '../util/abort.js'
import {
  type BackendCase,
  type BackendSubject,
  endedBy,
  execute,
  forever,
  refusesChange,
  refusesSettings,
  statusOf,
  withAttached,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { logLines, readUntil, shell } from './tasks/subject.js'

/** Asks until it is so. Nobody tells of every change that a case waits for. */
async function until(
  { backend: { containers } }: BackendSubject,
  id: string,
  isSo: (info: ContainerInfo) => boolean,
): Promise<ContainerInfo> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const info = await containers.get(id)
    if (isSo(info)) return info
    assert(performance.now() < deadline, `after 20 s it is still so: ${JSON.stringify({ ...info, spec: undefined })}`)
    await sleep(50)
  }
}
const startOf = (state: ContainerInfo['state']): number => ('startedAt' in state ? (state.startedAt?.getTime() ?? 0) : 0)
/** Ends twice, and then runs. */
const thrice = 'echo run >>/tmp/runs; [ $(wc -l </tmp/runs) -lt 3 ] && exit 0; echo third; sleep 100000'
/** A check that says what the file `/tmp/health` has, 1 without it. */
const health: NonNullable<ContainerSettings['health']> = {
  command: shell('echo checked; exit $(cat /tmp/health || echo 1)'),
  intervalMs: 200,
  timeoutMs: 5_000,
  retries: 2,
}

export const policyCases: readonly BackendCase[] = [
  {
    title: 'with the policy "always" a container starts again after each end of its own, with its root',
    needs: 'restart_policy',
    place: 'contents',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withRunning(subject, shell(thrice), { restart: { policy: 'always' } }, async (id) => {
        const runs = async (): Promise<boolean> => (await logLines(streams.logs(id))).includes('stdout third')
        for (const deadline = performance.now() + 20_000; !(await runs()) && performance.now() < deadline; ) await sleep(50)
        const { state, spec } = await containers.get(id)
        assert.deepEqual([state.status, spec.restart], ['running', { policy: 'always' }])
        assert.equal((await execute(subject, id, shell('cat /tmp/runs'))).stdout, 'run\nrun\nrun\n')
      })
    },
    otherwise: refusesSettings({ restart: { policy: 'always' } }),
  },
  {
    title: 'a container says how often its restart policy has started it',
    needs: 'restart_count',
    async run(subject) {
      await withRunning(subject, shell(thrice), { restart: { policy: 'always' } }, async (id) => {
        await until(subject, id, ({ restartCount, state }) => restartCount === 2 && state.status === 'running')
      })
    },
  },
  {
    title: 'the restart policy rests after a stop, and until the next start',
    needs: 'restart_policy',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, forever, { restart: { policy: 'always' } }, async (id) => {
        const waiting = containers.wait(id)
        await containers.stop(id, { graceMs: 0 })
        const exit = await waiting
        // What is no real process 1 is ended by SIGTERM already.
        if (subject.real) endedBy(exit, { exitCode: 137, signal: 'SIGKILL' })
        assert.equal(await statusOf(subject, id), 'exited')
        await containers.start(id)
        assert.equal(await statusOf(subject, id), 'running')
        await containers.remove(id, { force: true })
      })
    },
    // Without one nothing is restarted, and asking for none is no wish.
    async otherwise(subject) {
      await refusesSettings({ restart: { policy: 'unless-stopped' } })(subject)
      await withRunning(subject, shell('exit 1'), { restart: { policy: 'no' } }, async (id) => {
        endedBy(await subject.backend.containers.wait(id), { exitCode: 1 })
        assert.equal(await statusOf(subject, id), 'exited')
      })
    },
  },
  {
    title: 'a wait under a restart policy resolves when it will not be restarted, one for the next exit at the next end',
    needs: 'restart_on_failure',
    async run(subject) {
      const { containers } = subject.backend
      // Runs that last: some look for an end from time to time, and restart at once.
      const script = 'echo run >>/tmp/runs; sleep 1; exit $((10 + $(wc -l </tmp/runs)))'
      await withContainer(subject, shell(script), { restart: { policy: 'on-failure', maxRetries: 2 } }, async (id) => {
        const [next, last] = [containers.wait(id, { until: 'next-exit' }), containers.wait(id)]
        await containers.start(id)
        endedBy(await next, { exitCode: 11 })
        endedBy(await last, { exitCode: 13 })
        const { state, restartCount } = await containers.get(id)
        assert.deepEqual([state.status, restartCount], ['exited', 2])
      })
    },
    otherwise: refusesSettings({ restart: { policy: 'on-failure', maxRetries: 2 } }),
  },
  {
    title: 'with the policy "on-failure" a success is not restarted',
    needs: 'restart_on_failure',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, shell('exit 0'), { restart: { policy: 'on-failure', maxRetries: 5 } }, async (id) => {
        endedBy(await containers.wait(id), { exitCode: 0 })
        const { state, restartCount } = await containers.get(id)
        assert.deepEqual([state.status, restartCount], ['exited', 0])
      })
    },
    otherwise: refusesSettings({ restart: { policy: 'on-failure' } }),
  },
  {
    title: 'an update of the restart policy holds for the next end',
    needs: 'restart_update',
    async run(subject) {
      const { containers, control } = subject.backend
      await withAttached(subject, shell('echo ready; read line; exit 3'), { stdin: true }, async (id, attachment) => {
        await readUntil(attachment, 'ready')
        await control.update(id, { restart: { policy: 'always' } })
        const { spec, state: first } = await containers.get(id)
        assert.deepEqual([first.status, spec.restart], ['running', { policy: 'always' }])
        await attachment.write(Buffer.from('\n'))
        await until(subject, id, ({ state }) => startOf(state) > startOf(first))
      })
    },
    otherwise: refusesChange({ restart: { policy: 'always' } }),
  },
  {
    title: 'a check makes a container healthy, unhealthy after as many failures as asked for, and healthy again',
    needs: 'health',
    async run(subject) {
      await withRunning(subject, shell('echo 0 >/tmp/health; exec sleep 100000'), { health }, async (id) => {
        const first = await until(subject, id, (one) => one.health?.status !== 'starting')
        assert.equal(first.health?.status, 'healthy')
        assert.deepEqual(first.spec.health?.command, health.command)
        // One before it may have found nothing yet.
        const check = first.health.checks.at(-1)
        assert.deepEqual([check?.exitCode, check?.output.trim()], [0, 'checked'])
        await execute(subject, id, shell('echo 1 >/tmp/health'))
        const { health: sick } = await until(subject, id, (one) => one.health?.status === 'unhealthy')
        assert(sick !== undefined && sick.failingStreak >= 2 && sick.checks.at(-1)?.exitCode === 1)
        await execute(subject, id, shell('echo 0 >/tmp/health'))
        const { health: well } = await until(subject, id, (one) => one.health?.status === 'healthy')
        assert.equal(well?.failingStreak, 0)
      })
    },
    otherwise: refusesSettings({ health }),
  },
  {
    title: 'a check that fails while the container may still be starting counts for nothing, until one succeeds',
    needs: 'health',
    async run(subject) {
      const patient = { ...health, retries: 1, startPeriodMs: 100_000 }
      await withRunning(subject, forever, { health: patient }, async (id) => {
        const { health: young } = await until(subject, id, (one) => (one.health?.checks.length ?? 0) >= 3)
        assert.deepEqual([young?.status, young?.failingStreak, young?.checks.at(-1)?.exitCode], ['starting', 0, 1])
        await execute(subject, id, shell('echo 0 >/tmp/health'))
        await until(subject, id, (one) => one.health?.status === 'healthy')
        // From now on it counts.
        await execute(subject, id, shell('echo 1 >/tmp/health'))
        await until(subject, id, (one) => one.health?.status === 'unhealthy')
      })
    },
    otherwise: refusesSettings({ health: { ...health, startPeriodMs: 100_000 } }),
  },
  {
    title: 'a check that does not end in time is a failure',
    needs: 'health',
    async run(subject) {
      const slow = { command: forever, intervalMs: 200, timeoutMs: 300, retries: 1 }
      await withRunning(subject, forever, { health: slow }, async (id) => {
        const { health: sick } = await until(subject, id, (one) => one.health?.status === 'unhealthy')
        assert(sick !== undefined && sick.failingStreak >= 1 && sick.checks.at(-1)?.exitCode !== 0)
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
    otherwise: refusesSettings({ health: { command: forever, timeoutMs: 300 } }),
  },
  {
    title: 'a container has no health without a check, nor when its check is switched off',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        assert.equal((await subject.backend.containers.get(id)).health, undefined)
      })
    },
  },
  {
    title: 'a log that may grow no further loses its oldest lines, and keeps the latest',
    needs: 'log_rotation',
    place: 'rotated_logs',
    async run(subject) {
      const log = { driver: 'json-file', options: { maxBytes: 64 << 10, maxFiles: 2 } }
      await withRunning(subject, shell('seq 20000'), { log }, async (id) => {
        await subject.backend.containers.wait(id)
        const lines = await logLines(subject.backend.streams.logs(id))
        assert.equal(lines.at(-1), 'stdout 20000')
        assert(lines.length < 20_000, `all of the log is there: ${lines.length} lines`)
        // The first may be the rest of a line that was written in two.
        const whole = lines.slice(1)
        const first = Number(whole[0]?.slice('stdout '.length))
        assert.deepEqual(
          whole,
          Array.from({ length: 20_001 - first }, (_, index) => `stdout ${first + index}`),
          'no line is missing in between',
        )
      })
    },
    otherwise: refusesSettings({ log: { driver: 'json-file', options: { maxBytes: 64 << 10, maxFiles: 2 } } }),
  },
  {
    title: 'entries of the log tell when they were written, and can be cut by that',
    needs: 'log_timestamps',
    async run(subject) {
      const { containers, streams } = subject.backend
      const before = new Date()
      await withAttached(subject, shell('echo one; read line; echo two'), { stdin: true }, async (id, attachment) => {
        // From the log, where it has its time.
        for await (const { text } of streams.logs(id, { follow: true })) if (text === 'one') break
        // A moment that is between both to the millisecond.
        await sleep(20)
        const between = new Date()
        await sleep(20)
        await attachment.write(Buffer.from('\n'))
        await containers.wait(id)
        const after = new Date()
        const entries = await collect(streams.logs(id))
        assert.deepEqual(
          entries.map(({ text }) => text),
          ['one', 'two'],
        )
        const [one, two] = entries.map(({ time }) => time.getTime())
        assert(one !== undefined && two !== undefined)
        assert(before.getTime() <= one && one <= between.getTime(), `${before.toISOString()} ${one} ${between.toISOString()}`)
        assert(between.getTime() <= two && two <= after.getTime(), `${between.toISOString()} ${two} ${after.toISOString()}`)
        assert.deepEqual(await logLines(streams.logs(id, { since: between })), ['stdout two'])
        assert.deepEqual(await logLines(streams.logs(id, { until: between })), ['stdout one'])
      })
    },
    async otherwise(subject) {
      const { containers, streams } = subject.backend
      await withRunning(subject, shell('echo one'), {}, async (id) => {
        await containers.wait(id)
        const before = new Date()
        const [entry] = await collect(streams.logs(id))
        assert(entry !== undefined && entry.time >= before, 'it is when the line was read')
      })
    },
  },
]
