// pause, resume, update, stats, processes, checkpoint; the OOM killer.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TaskCase, collectUntil, exitFacts, newId, request, shell, withTask } from './subject.js'

const forever = shell('sleep 1000')
const limit = 32 << 20

export const controlCases: readonly TaskCase[] = [
  {
    title: 'a paused task stands still until resumed; twice is success, and a kill reaches it',
    needs: 'pause',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        const { tasks } = subject
        await tasks.control.resume(ref.containerId)
        await tasks.control.pause(ref.containerId)
        await tasks.control.pause(ref.containerId)
        assert.equal((await tasks.find(ref))?.status, 'paused')
        await tasks.control.resume(ref.containerId)
        assert.equal((await tasks.find(ref))?.status, 'running')
        await tasks.control.pause(ref.containerId)
        await assert.rejects(tasks.delete(ref), { code: 'failed_precondition' })
        await tasks.delete(ref, { kill: true })
        assert.equal(await tasks.find(ref), undefined)
        await assert.rejects(tasks.control.pause(ref.containerId), { code: 'not_found' })
      })
    },
    async otherwise(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        await assert.rejects(subject.tasks.control.pause(ref.containerId), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'control of a task that has ended is failed_precondition',
    needs: 'pause',
    async run(subject) {
      await withTask(subject, shell('exit 0'), {}, async (ref) => {
        await subject.tasks.wait(ref)
        const { control } = subject.tasks
        for (const act of [
          () => control.pause(ref.containerId),
          () => control.resume(ref.containerId),
          () => control.update(ref.containerId, {}),
          () => control.stats(ref.containerId),
          () => control.processes(ref.containerId),
        ])
          await assert.rejects(act, { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'stats count what the task uses, and update changes its limit',
    needs: 'update',
    async run(subject) {
      await withTask(
        subject,
        shell('x=0; while [ $x -lt 20000 ]; do x=$((x+1)); done; sleep 1000'),
        { resources: { memory: { limit } } },
        async ({ containerId }) => {
          const { control } = subject.tasks
          const first = await control.stats(containerId)
          assert.equal(first.memoryLimitBytes, limit)
          assert(first.memoryBytes >= 0 && first.memoryBytes < limit)
          assert((first.pids ?? 1) >= 1)
          await control.update(containerId, { memory: { limit: 2 * limit } })
          const second = await control.stats(containerId)
          assert.equal(second.memoryLimitBytes, 2 * limit)
          assert(second.cpuNanos >= first.cpuNanos && second.cpuNanos > 0)
        },
      )
    },
  },
  {
    title: 'update limits what had no limit',
    needs: 'update',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const { control } = subject.tasks
        await control.update(containerId, { memory: { limit } })
        assert.equal((await control.stats(containerId)).memoryLimitBytes, limit)
      })
    },
  },
  {
    title: 'processes tell init and what runs below it',
    needs: 'processes',
    async run(subject) {
      await withTask(subject, shell('sleep 1000 & wait'), {}, async (ref) => {
        const { tasks } = subject
        const init = await tasks.find(ref)
        let entries = await tasks.control.processes(ref.containerId)
        while (!entries.some(({ command }) => command[0] === 'sleep')) entries = await tasks.control.processes(ref.containerId)
        const child = entries.find(({ command }) => command[0] === 'sleep')
        assert.equal(child?.parentPid, init?.pid)
        assert.deepEqual(entries.find(({ pid }) => pid === init?.pid)?.containerPid, 1)
        assert.equal(
          entries.every(({ uid }) => uid === 0),
          true,
        )
      })
    },
  },
  {
    title: 'the OOM killer is told by the exit and by an event, and not told without it',
    needs: 'oom',
    async run(subject) {
      const asked = await request(subject, shell('x=a; while true; do x=$x$x; done'), {
        resources: { memory: { limit: 16 << 20, swap: 16 << 20 } },
      })
      const ref = { containerId: asked.containerId }
      const stop = new AbortController()
      const seen = collectUntil(
        subject.tasks.events({ signal: stop.signal }),
        (event) => event.kind === 'exited' && event.ref.containerId === ref.containerId,
      )
      await subject.tasks.run(asked)
      const exit = await subject.tasks.wait(ref)
      assert.deepEqual(
        { ...exitFacts(exit), oomKilled: exit.oomKilled },
        { exitCode: 137, signal: 'SIGKILL', lost: false, oomKilled: true },
      )
      assert.equal(
        (await seen).some((event) => event.kind === 'oom' && event.ref.containerId === ref.containerId),
        true,
      )
      await subject.tasks.delete(ref)
      await withTask(subject, shell('exit 0'), {}, async (other) => {
        // What else the machine kills in that moment makes it unknown.
        assert.notEqual((await subject.tasks.wait(other)).oomKilled, true)
      })
    },
  },
  {
    title: 'processes that share the pids of the host end with their container',
    needs: 'processes',
    async run(subject) {
      await withTask(
        subject,
        shell('sleep 1000 & sleep 1000 & exit 3'),
        { hostPids: true, stdio: { attach: true } },
        async (ref, attachment) => {
          assert.equal((await subject.tasks.wait(ref)).exitCode, 3)
          assert(attachment !== undefined)
          for await (const _chunk of attachment.output) {
            /* ends, though they had inherited it */
          }
          await subject.tasks.delete(ref)
        },
      )
    },
  },
  {
    title: 'checkpoint fills an empty directory, and the task runs on when told so',
    needs: 'checkpoint',
    async run(subject) {
      const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-checkpoint-'))
      try {
        await withTask(subject, forever, {}, async (ref) => {
          await subject.tasks.control.checkpoint(ref.containerId, directory, { leaveRunning: true })
          assert.equal((await subject.tasks.find(ref))?.status, 'running')
          assert.notEqual((await readdir(directory)).length, 0)
        })
      } finally {
        await rm(directory, { recursive: true })
      }
    },
    async otherwise(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        await assert.rejects(subject.tasks.control.checkpoint(ref.containerId, '/nowhere'), { code: 'unsupported' })
        assert.equal((await subject.tasks.find(ref))?.status, 'running')
        await assert.rejects(subject.tasks.control.restore(await request(subject, forever, { containerId: newId() }), '/nowhere'), {
          code: 'unsupported',
        })
      })
    },
  },
]
