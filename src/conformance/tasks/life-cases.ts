// run, wait, kill, delete, find, list, events, repair.
import assert from 'node:assert/strict'
import { isEngineError } from '../../errors.js'
import { collect } from '../suite.js'
import {
  type SpecOptions,
  type TaskCase,
  type TasksSubject,
  collectUntil,
  exitFacts,
  minimalProcess,
  newId,
  readAll,
  request,
  shell,
  withTask,
} from './subject.js'

const forever = shell('sleep 1000')
const inFile = { cwd: '/etc/passwd' }
/** Without an exit code: for whatever reason. */
async function refused(subject: TasksSubject, args: readonly string[], options: SpecOptions, exitCode: number | undefined): Promise<void> {
  const asked = await request(subject, args, options)
  const ref = { containerId: asked.containerId }
  await assert.rejects(
    subject.tasks.run(asked),
    (error) => isEngineError(error) && error.exitCode === exitCode && (exitCode === undefined || error.code === 'failed_precondition'),
  )
  assert.equal(await subject.tasks.find(ref), undefined)
  assert.deepEqual(await collect(subject.tasks.io.logs(subject.log(ref.containerId))), [])
  await subject.tasks.run(await request(subject, shell('exit 0'), ref))
  await subject.tasks.delete(ref, { kill: true })
}

export const lifeCases: readonly TaskCase[] = [
  {
    title: 'wait resolves with the exit code of init',
    async run(subject) {
      await withTask(subject, shell('exit 7'), {}, async (ref) => {
        const exit = await subject.tasks.wait(ref)
        assert.deepEqual(exitFacts(exit), { exitCode: 7, lost: false })
        assert(Math.abs(exit.exitedAt.getTime() - Date.now()) < 60_000)
      })
    },
  },
  {
    title: 'wait resolves at once, and alike for everybody, until delete; then it throws not_found',
    async run(subject) {
      await withTask(subject, shell('exit 3'), {}, async (ref) => {
        const first = await subject.tasks.wait(ref)
        assert.deepEqual(await subject.tasks.wait(ref), first)
        assert.deepEqual(await subject.theirs.wait(ref), first)
        assert.deepEqual((await subject.theirs.find(ref))?.exit, first)
        await subject.tasks.delete(ref)
        await assert.rejects(subject.tasks.wait(ref), { code: 'not_found' })
        assert.equal(await subject.tasks.find(ref), undefined)
        assert.equal(await subject.theirs.find(ref), undefined)
      })
    },
  },
  {
    title: 'another process sees the task, waits for it and may remove it',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        assert.equal((await subject.theirs.find(ref))?.status, 'running')
        const waiting = subject.theirs.wait(ref)
        await subject.tasks.kill(ref, 'SIGKILL')
        assert.deepEqual(exitFacts(await waiting), { exitCode: 137, signal: 'SIGKILL', lost: false })
        await subject.theirs.delete(ref)
        assert.equal(await subject.tasks.find(ref), undefined)
      })
    },
  },
  {
    title: 'run throws already_exists while there is a task, and leaves that alone',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        const again = await request(subject, forever, ref)
        await assert.rejects(subject.tasks.run(again), { code: 'already_exists' })
        await assert.rejects(subject.theirs.run(again), { code: 'already_exists' })
        assert.equal((await subject.tasks.find(ref))?.status, 'running')
        await subject.tasks.kill(ref, 'SIGKILL')
        await subject.tasks.wait(ref)
        await assert.rejects(subject.tasks.run(again), { code: 'already_exists' })
      })
    },
  },
  {
    title: 'a container runs again after delete, with an exit of its own',
    async run(subject) {
      const containerId = newId()
      for (const code of [1, 2, 3]) {
        await withTask(subject, shell(`exit ${code}`), { containerId }, async (ref) => {
          assert.equal((await subject.tasks.wait(ref)).exitCode, code)
          await subject.tasks.delete(ref)
        })
      }
    },
  },
  ...[
    { what: 'is not there', args: ['/no/such/command'], exitCode: 127 },
    { what: 'is not on PATH', args: ['no-such-command'], exitCode: 127 },
    { what: 'is a directory', args: ['/etc'], exitCode: 126 },
    { what: 'is not executable', args: ['/etc/passwd'], exitCode: 126 },
  ].map(
    ({ what, args, exitCode }): TaskCase => ({
      title: `a command that ${what} is failed_precondition with exit code ${exitCode}, and leaves nothing`,
      run: (subject) => refused(subject, args, {}, exitCode),
    }),
  ),
  {
    title: 'a working directory that is a file is failed_precondition with exit code 126, and leaves nothing',
    needs: 'working_directory',
    run: (subject) => refused(subject, ['/bin/true'], inFile, 126),
    otherwise: (subject) => refused(subject, ['/bin/true'], inFile, undefined),
  },
  {
    title: 'an unknown runtime is invalid_argument, before anything is made',
    async run(subject) {
      const asked = { ...(await request(subject, forever)), runtime: { name: 'no-such-runtime' } }
      await assert.rejects(
        subject.tasks.run(asked),
        (error) => isEngineError(error, 'invalid_argument') && error.message.includes('no-such-runtime'),
      )
      assert.equal(await subject.tasks.find({ containerId: asked.containerId }), undefined)
    },
  },
  {
    title: '128 + n alone names no signal; one that the engine sent is named',
    async run(subject) {
      await withTask(subject, shell('exit 137'), {}, async (ref) => {
        assert.deepEqual(exitFacts(await subject.tasks.wait(ref)), { exitCode: 137, lost: false })
      })
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const stdio = { tty: false, stdin: false, attach: false }
        const exec = { containerId, execId: newId(), process: minimalProcess(['sleep', '1000']), stdio }
        await subject.tasks.exec(exec)
        await subject.theirs.kill(exec, 'SIGTERM')
        assert.deepEqual(exitFacts(await subject.tasks.wait(exec)), { exitCode: 143, signal: 'SIGTERM', lost: false })
        await subject.tasks.delete(exec)
      })
    },
  },
  {
    title: 'kill of a process that is gone is success; of a signal that is none, invalid_argument',
    async run(subject) {
      await subject.tasks.kill({ containerId: newId() }, 'SIGTERM')
      await withTask(subject, shell('exit 0'), {}, async (ref) => {
        await subject.tasks.wait(ref)
        await subject.tasks.kill(ref, 'SIGTERM')
        await assert.rejects(subject.tasks.kill(ref, 'SIGNONE'), { code: 'invalid_argument' })
      })
    },
  },
  {
    title: 'delete throws failed_precondition while it runs, kills when told, and of what is absent is success',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        await assert.rejects(subject.tasks.delete(ref), { code: 'failed_precondition' })
        assert.equal((await subject.tasks.find(ref))?.status, 'running')
        const waiting = subject.tasks.wait(ref)
        await subject.tasks.delete(ref, { kill: true })
        assert.deepEqual(exitFacts(await waiting), { exitCode: 137, signal: 'SIGKILL', lost: false })
        assert.equal(await subject.tasks.find(ref), undefined)
        await subject.tasks.delete(ref)
        await subject.tasks.delete(ref, { kill: true })
      })
    },
  },
  {
    title: 'list tells every task, running and exited, whoever started it',
    async run(subject) {
      await withTask(subject, forever, {}, async (running) => {
        await withTask(subject, shell('exit 4'), {}, async (exited) => {
          await subject.tasks.wait(exited)
          for (const tasks of [subject.tasks, subject.theirs]) {
            const all = (await collect(tasks.list())).filter(
              ({ ref }) => ref.containerId === running.containerId || ref.containerId === exited.containerId,
            )
            assert.deepEqual(
              new Map(all.map(({ ref, status, exit }) => [ref.containerId, `${status} ${exit?.exitCode}`])),
              new Map([
                [running.containerId, 'running undefined'],
                [exited.containerId, 'exited 4'],
              ]),
            )
          }
        })
      })
    },
  },
  {
    title: 'events tell the end of every task once, whoever started it, until aborted',
    async run(subject) {
      const stop = new AbortController()
      const ids = new Set([newId(), newId()])
      const ended = new Set<string>()
      const mine = collectUntil(subject.tasks.events({ signal: stop.signal }), ({ kind, ref }) => {
        if (kind === 'exited') ended.add(ref.containerId)
        return ended.size === 2
      })
      for (const [index, containerId] of [...ids].entries()) {
        const tasks = index === 0 ? subject.tasks : subject.theirs
        await tasks.run(await request(subject, shell(`sleep 0.2; exit ${index}`), { containerId }))
      }
      const seen = await mine
      assert.deepEqual(
        seen.map(({ ref, ...event }) => `${ref.containerId} ${event.kind === 'exited' ? event.exit.exitCode : event.kind}`).sort(),
        [...ids].map((id, index) => `${id} ${index}`).sort(),
      )
      for (const containerId of ids) await subject.tasks.delete({ containerId })
      const reason = new Error('enough')
      const waiting = collect(subject.tasks.events({ signal: stop.signal }))
      stop.abort(reason)
      await assert.rejects(waiting, (error) => error === reason)
    },
  },
  {
    title: 'an abort rejects with the reason, and delete then leaves nothing',
    async run(subject) {
      const reason = new Error('enough')
      const asked = await request(subject, forever)
      const ref = { containerId: asked.containerId }
      await assert.rejects(subject.tasks.run(asked, { signal: AbortSignal.abort(reason) }), (error) => error === reason)
      assert.equal(await subject.tasks.find(ref), undefined)
      for (const turns of [1, 4, 16, 64, 256]) {
        const abort = new AbortController()
        const running = subject.tasks.run(asked, { signal: abort.signal })
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
        abort.abort(reason)
        await running.then(
          () => {},
          (error: unknown) => {
            assert.equal(error, reason)
          },
        )
        await subject.tasks.delete(ref, { kill: true })
        assert.equal(await subject.tasks.find(ref), undefined)
      }
      await withTask(subject, forever, {}, async (running) => {
        const abort = new AbortController()
        const waiting = subject.tasks.wait(running, { signal: abort.signal })
        abort.abort(reason)
        await assert.rejects(waiting, (error) => error === reason)
        assert.equal((await subject.tasks.find(running))?.status, 'running')
      })
    },
  },
  {
    title: 'repair ends nothing that runs and finds nothing where nobody crashed',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        assert.deepEqual(await subject.tasks.repair(), [])
        assert.deepEqual(await subject.theirs.repair(), [])
        assert.equal((await subject.tasks.find(ref))?.status, 'running')
      })
    },
  },
  {
    title: 'owned and detached, attached and not, they all run',
    async run(subject) {
      for (const lifetime of ['owned', 'detached'] as const) {
        const asked = { ...(await request(subject, shell('echo hello'), { stdio: { attach: true, log: undefined } })), lifetime }
        const { attachment } = await subject.tasks.run(asked)
        assert.deepEqual(await readAll(attachment), { stdout: 'hello\n', stderr: '' })
        await attachment?.close()
        await subject.tasks.delete({ containerId: asked.containerId })
      }
      await withTask(subject, shell('echo nobody hears this'), { stdio: { log: undefined } }, async (ref) => {
        assert.equal((await subject.tasks.wait(ref)).exitCode, 0)
      })
    },
  },
]
