// Limits, figures and the freezer: resources, ulimits, pause, update, stats, top, the OOM killer.
import assert from 'node:assert/strict'
import {
  type BackendCase,
  type BackendSubject,
  endedBy,
  execute,
  forever,
  refusesChange,
  run,
  say,
  statusOf,
  whenReady,
  withAttached,
  withContainer,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { readUntil, shell } from './tasks/subject.js'

const limitMiB = 64
/** One of two files, as the machine has cgroup v1 or v2. */
const either = (one: string, other: string): string => `cd /sys/fs/cgroup; cat ${one} 2>/dev/null || cat ${other}`
const memoryLimit = either('memory/memory.limit_in_bytes', 'memory.max')
const pidsLimit = either('pids/pids.max', 'pids.max')

/** False: its end was told, and not that the kernel brought it about. */
async function tellsOom(subject: BackendSubject): Promise<boolean> {
  const { containers, system } = subject.backend
  const since = await system.cursor()
  const resources = { memoryBytes: 16 << 20, memorySwapBytes: 16 << 20 }
  return withContainer(subject, shell('x=a; while true; do x=$x$x; done'), { resources }, async (id) => {
    await containers.start(id)
    const exit = await containers.wait(id)
    assert.deepEqual([exit.exitCode, exit.lost], [137, false])
    if (exit.oomKilled === undefined) return false
    assert.equal(exit.oomKilled, true)
    for await (const { action } of system.events({ since, subjects: [id] })) if (action === 'oom') break
    const { state } = await containers.get(id)
    assert(state.status === 'exited' && state.exit.oomKilled === true)
    return true
  })
}

export const limitCases: readonly BackendCase[] = [
  {
    title: "the limits of memory and processes stand in the container's control group",
    needs: 'commands',
    async run(subject) {
      const resources = { memoryBytes: limitMiB << 20, pids: 50 }
      assert.equal(await say(subject, `${memoryLimit}; ${pidsLimit}`, { resources }), `${limitMiB << 20}\n50`)
    },
  },
  {
    title: 'a share of the processor and a set of processors are what was asked for',
    needs: 'commands',
    async run(subject) {
      const quota =
        'cd /sys/fs/cgroup; if test -e cpu.max; then cat cpu.max; else echo $(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us); fi'
      const [used = 0, period = 1] = (await say(subject, quota, { resources: { cpus: 0.5 } })).split(' ').map(Number)
      assert.equal(used / period, 0.5)
      assert.equal(
        await say(subject, either('cpu/cpu.shares', 'cpu.weight'), { resources: { cpuShares: 512 } }).then((text) =>
          ['512', '20'].includes(text),
        ),
        true,
      )
      assert.match(await say(subject, 'grep Cpus_allowed_list /proc/self/status', { resources: { cpuset: '0' } }), /\t0$/)
    },
  },
  {
    title: 'no more processes can be made than the limit says',
    needs: 'commands',
    async run(subject) {
      const { stdout, stderr, exitCode } = await run(subject, shell('for i in $(seq 40); do sleep 100000 & done; echo all'), {
        resources: { pids: 10 },
      })
      assert.match(stdout + stderr, /fork/)
      assert.notEqual(exitCode, 0)
    },
  },
  {
    title: 'ulimits are what was asked for, soft and hard',
    needs: 'commands',
    async run(subject) {
      // Some fill in their own for what is not asked for, more than may be given here: so both that they know are asked for.
      const ulimits = { nofile: { soft: 512, hard: 1024 }, nproc: { soft: 1000, hard: 1000 }, core: { soft: 0, hard: 0 } }
      assert.equal(await say(subject, 'ulimit -Sn; ulimit -Hn; ulimit -Hc', { resources: { ulimits } }), '512\n1024\n0')
    },
  },
  {
    title: 'a container beyond its memory is killed, and that is told by its exit and by an event',
    needs: 'oom',
    async run(subject) {
      // A daemon that hears of the end first never tells.
      for (let time = 0; time < 5; time += 1) if (await tellsOom(subject)) return
      assert.fail('it is not told')
    },
  },
  {
    title: 'a container beyond its memory ends with 137; that it was not out of memory is never told',
    needs: 'commands',
    async run(subject) {
      const resources = { memoryBytes: 16 << 20, memorySwapBytes: 16 << 20 }
      await withRunning(subject, shell('x=a; while true; do x=$x$x; done'), { resources }, async (id) => {
        const exit = await subject.backend.containers.wait(id)
        assert.deepEqual([exit.exitCode, exit.lost], [137, false])
        assert.notEqual(exit.oomKilled, false)
        const { state } = await subject.backend.containers.get(id)
        assert(state.status === 'exited')
        assert.notEqual(state.exit.oomKilled, false)
      })
    },
  },
  {
    title: 'a container killed by a signal is not told to be out of memory',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await subject.backend.containers.stop(id, { graceMs: 0 })
        const exit = await subject.backend.containers.wait(id)
        endedBy(exit, { exitCode: 137, signal: 'SIGKILL' })
        assert.notEqual(exit.oomKilled, true)
      })
    },
  },
  {
    title: 'a paused container is paused to all verbs; twice is success, and so is a resume of one that runs',
    needs: 'pause',
    place: 'refusals',
    async run(subject) {
      const { containers, control, execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        await control.resume(id)
        await control.pause(id)
        await control.pause(id)
        assert.equal(await statusOf(subject, id), 'paused')
        assert.equal(
          (await collect(containers.list({ status: ['paused'] }))).some((one) => one.id === id),
          true,
        )
        assert.equal(
          (await collect(containers.list())).some((one) => one.id === id),
          true,
        )
        await assert.rejects(containers.start(id), { code: 'failed_precondition' })
        await assert.rejects(execs.create(id, { command: ['true'] }), { code: 'failed_precondition' })
        await assert.rejects(containers.remove(id), { code: 'failed_precondition' })
        await control.resume(id)
        assert.equal(await statusOf(subject, id), 'running')
        assert.equal((await execute(subject, id, ['echo', 'thawed'])).stdout, 'thawed\n')
      })
    },
    async otherwise(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.control.pause(id), { code: 'unsupported' })
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: 'a paused container is stopped, killed and removed all the same',
    needs: 'pause',
    async run(subject) {
      const { containers, control } = subject.backend
      const once = subject.real ? whenReady : withRunning
      await once(subject, shell('trap "exit 3" TERM; echo ready; while true; do sleep 0.05; done'), {}, async (id) => {
        await control.pause(id)
        await containers.stop(id, { graceMs: 20_000 })
        assert.equal(await statusOf(subject, id), 'exited')
        if (subject.real) endedBy(await containers.wait(id), { exitCode: 3 })
        await containers.start(id)
        await control.pause(id)
        await containers.stop(id, { graceMs: 0 })
        if (subject.backend.supports('kill')) endedBy(await containers.wait(id), { exitCode: 137, signal: 'SIGKILL' })
        await containers.start(id)
        await control.pause(id)
        await containers.remove(id, { force: true })
        await assert.rejects(containers.get(id), { code: 'not_found' })
      })
    },
    async otherwise(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(subject.backend.control.resume(id), { code: 'unsupported' })
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: 'pause, resume, top and stats of a container that does not run are failed_precondition',
    needs: 'pause',
    async run(subject) {
      const { containers, control } = subject.backend
      await withContainer(subject, shell('exit 0'), {}, async (id) => {
        for (const what of ['created', 'exited']) {
          for (const [verb, act] of Object.entries({
            pause: () => control.pause(id),
            resume: () => control.resume(id),
            ...(subject.backend.supports('top') && { top: () => control.top(id) }),
            stats: () => collect(control.stats(id)),
          }))
            await assert.rejects(act(), { code: 'failed_precondition' }, `${verb} of one that is ${what}`)
          await containers.start(id)
          await containers.wait(id)
        }
      })
    },
  },
  {
    title: 'an update changes the limits of a running container, and leaves the others',
    needs: 'live_resource_update',
    async run(subject) {
      const { containers, control } = subject.backend
      await withRunning(subject, forever, { resources: { memoryBytes: limitMiB << 20, pids: 50 } }, async (id) => {
        await control.update(id, { resources: { memoryBytes: (2 * limitMiB) << 20 } })
        assert.equal((await containers.get(id)).spec.resources?.memoryBytes, (2 * limitMiB) << 20)
        if (subject.real)
          assert.equal((await execute(subject, id, shell(`${memoryLimit}; ${pidsLimit}`))).stdout, `${(2 * limitMiB) << 20}\n50\n`)
        if (subject.real) await assert.rejects(control.update(id, { resources: { cpuset: '9999' } }))
        assert.deepEqual((await containers.get(id)).spec.resources, { memoryBytes: (2 * limitMiB) << 20, pids: 50 })
      })
    },
    otherwise: refusesChange({ resources: { memoryBytes: (2 * limitMiB) << 20 } }),
  },
  {
    title: 'an update of a stopped container holds from the next start, or is refused and changes nothing',
    needs: 'commands',
    async run(subject) {
      const { containers, control, streams } = subject.backend
      await withContainer(subject, shell(memoryLimit), { resources: { memoryBytes: limitMiB << 20 } }, async (id) => {
        const updates = subject.backend.supports('live_resource_update')
        const updating = control.update(id, { resources: { memoryBytes: (2 * limitMiB) << 20 } })
        if (updates) await updating
        else await assert.rejects(updating, { code: 'unsupported' })
        await containers.start(id)
        await containers.wait(id)
        assert.deepEqual(
          (await collect(streams.logs(id))).map(({ text }) => text),
          [String((updates ? 2 * limitMiB : limitMiB) << 20)],
        )
      })
    },
  },
  {
    title: 'stats come at intervals, count what is used, and end with the container',
    needs: 'stats',
    async run(subject) {
      const { containers, control } = subject.backend
      const resources = { memoryBytes: limitMiB << 20, pids: 50 }
      await withAttached(
        subject,
        shell('x=0; while [ $x -lt 20000 ]; do x=$((x+1)); done; echo ready; sleep 100000'),
        { resources },
        async (id, attachment) => {
          if (subject.real) await readUntil(attachment, 'ready')
          let count = 0
          for await (const { cpu, memory, pids, time } of control.stats(id, { intervalMs: 20 })) {
            assert(cpu.usedNanos > 0 && cpu.fraction >= 0 && memory.usedBytes > 0)
            assert(Math.abs(time.getTime() - Date.now()) < 60_000)
            if (subject.real) assert.equal(memory.limitBytes, limitMiB << 20)
            if (pids !== undefined) assert(pids.current >= 1)
            if ((count += 1) === 2) await containers.stop(id, { graceMs: 0 })
          }
          assert(count >= 2)
        },
      )
    },
    async otherwise(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(collect(subject.backend.control.stats(id)), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'top tells all processes inside, execs included',
    needs: 'top',
    async run(subject) {
      const { control, execs } = subject.backend
      await withAttached(subject, shell('sleep 100001 & echo ready; wait'), { user: 'app' }, async (id, attachment) => {
        await readUntil(attachment, 'ready')
        const exec = await execs.create(id, { command: ['sleep', '100002'], user: 'root' })
        await execs.start(exec)
        const find = async (argument: string) => (await control.top(id)).find(({ command }) => command.at(-1) === argument)
        while ((await find('100001')) === undefined || (await find('100002')) === undefined);
        assert.deepEqual([(await find('100001'))?.uid, (await find('100002'))?.uid], [1000, 0])
        assert.equal((await control.top(id)).length, 3)
      })
    },
  },
]
