// Further processes of running containers.
import assert from 'node:assert/strict'
import { type BackendCase, endedBy, execute, forever, uniqueName, withContainer, withRunning } from './backend-suite-subject.js'
import { readAll, readUntil, shell } from './tasks/subject.js'

export const execCases: readonly BackendCase[] = [
  {
    title: 'an exec has its own output and exit code, and the container runs on',
    async run(subject) {
      const { containers } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        assert.deepEqual(await execute(subject, id, shell('echo out; echo err >&2; exit 5')), {
          stdout: 'out\n',
          stderr: 'err\n',
          exitCode: 5,
        })
        assert.deepEqual(await execute(subject, id, ['true']), { stdout: '', stderr: '', exitCode: 0 })
        assert.equal((await containers.get(id)).state.status, 'running')
      })
    },
  },
  {
    title: 'an exec is created, running, then exited, and is found by its id',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: shell('echo ready; read line; exit 4'), stdin: true })
        const created = await execs.get(exec)
        assert.deepEqual([created.id, created.containerId, created.state], [exec, id, { status: 'created' }])
        assert.deepEqual(created.spec.command, shell('echo ready; read line; exit 4'))
        const attachment = await execs.start(exec, { attach: { stdin: true } })
        await readUntil(attachment, 'ready')
        assert.equal((await execs.get(exec)).state.status, 'running')
        await assert.rejects(execs.start(exec), { code: 'failed_precondition' })
        await attachment?.write(Buffer.from('\n'))
        const exit = await execs.wait(exec)
        endedBy(exit, { exitCode: 4 })
        const { state } = await execs.get(exec)
        assert(state.status === 'exited' && state.exit.exitCode === 4)
        assert.deepEqual(await execs.wait(exec), exit)
        await attachment?.close()
      })
    },
  },
  {
    title: 'a detached exec throws its output away, and can be waited for',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: shell('echo nobody; exit 3') })
        assert.equal(await execs.start(exec), undefined)
        assert.equal((await execs.wait(exec)).exitCode, 3)
      })
    },
  },
  ...[
    { what: 'is not there', command: ['/no/such/command'], exitCode: 127 },
    { what: 'is not on PATH', command: ['no-such-command'], exitCode: 127 },
    { what: 'is a directory', command: ['/etc'], exitCode: 126 },
    { what: 'is not executable', command: ['/etc/passwd'], exitCode: 126 },
  ].map(
    ({ what, command, exitCode }): BackendCase => ({
      place: exitCode === 126 ? 'refusals' : undefined,
      title: `an exec of a command that ${what} starts all the same, and exits with ${exitCode}`,
      async run(subject) {
        await withRunning(subject, forever, {}, async (id) => {
          for (const attach of [undefined, { stdin: false }]) {
            const exec = await subject.backend.execs.create(id, { command })
            const attachment = await subject.backend.execs.start(exec, { attach })
            assert.equal((await subject.backend.execs.wait(exec)).exitCode, exitCode)
            await attachment?.close()
          }
        })
      },
    }),
  ),
  {
    title: 'an exec needs a container that runs',
    async run(subject) {
      const { containers, execs } = subject.backend
      await withContainer(subject, forever, {}, async (id) => {
        await assert.rejects(execs.create(id, { command: ['true'] }), { code: 'failed_precondition' })
        await containers.start(id)
        const early = await execs.create(id, { command: ['true'] })
        await containers.stop(id, { graceMs: 0 })
        await assert.rejects(execs.create(id, { command: ['true'] }), { code: 'failed_precondition' })
        await assert.rejects(execs.start(early), (error) => ['failed_precondition', 'not_found'].includes((error as { code: string }).code))
      })
    },
  },
  {
    title: 'an exec takes environment, working directory and user of the container, and environment and user of its own over them',
    needs: 'commands',
    async run(subject) {
      await withRunning(subject, forever, { env: { A: 'container', B: 'container' }, workingDir: '/tmp', user: 'app' }, async (id) => {
        const script = 'echo $A $B; pwd; id -u; echo $HOME'
        assert.equal((await execute(subject, id, shell(script))).stdout, 'container container\n/tmp\n1000\n/home/app\n')
        const own = { env: { B: 'exec' }, user: 'daemon' }
        assert.equal((await execute(subject, id, shell(script), own)).stdout, 'container exec\n/tmp\n1\n/usr/sbin\n')
        assert.equal((await execute(subject, id, shell('id -u; id -g; id -G'), { user: '0:100' })).stdout, '0\n100\n100\n')
      })
    },
  },
  {
    title: 'an exec has the working directory that was asked for',
    needs: 'exec_working_dir',
    async run(subject) {
      await withRunning(subject, forever, { workingDir: '/tmp' }, async (id) => {
        const exec = await subject.backend.execs.create(id, { command: ['pwd'], workingDir: '/etc' })
        assert.equal((await subject.backend.execs.get(exec)).spec.workingDir, '/etc')
        if (subject.real) assert.equal((await execute(subject, id, ['pwd'], { workingDir: '/etc' })).stdout, '/etc\n')
      })
    },
    async otherwise(subject) {
      await withRunning(subject, forever, { workingDir: '/tmp' }, async (id) => {
        await assert.rejects(subject.backend.execs.create(id, { command: ['pwd'], workingDir: '/etc' }), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'an exec as a user that is not there does not run',
    needs: 'commands',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(
          (async () => {
            await execs.start(await execs.create(id, { command: ['true'], user: 'nobody-here' }))
          })(),
          { code: 'failed_precondition' },
        )
      })
    },
  },
  {
    title: 'an exec finds a user that the container has made',
    needs: 'commands',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await execute(subject, id, shell('echo made:x:1234:1235::/tmp:/bin/sh >>/etc/passwd'))
        assert.equal((await execute(subject, id, shell('id -u; id -g'), { user: 'made' })).stdout, '1234\n1235\n')
      })
    },
  },
  {
    title: 'an exec reads its stdin to the end',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: ['cat'], stdin: true })
        const attachment = await execs.start(exec, { attach: { stdin: true } })
        await attachment?.write(Buffer.from('to the end'))
        await attachment?.closeStdin()
        assert.deepEqual(await readAll(attachment), { stdout: 'to the end', stderr: '' })
        assert.equal((await execs.wait(exec)).exitCode, 0)
        await attachment?.close()
      })
    },
  },
  {
    title: 'large output of an exec comes whole',
    needs: 'commands',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        const { stdout, exitCode } = await execute(subject, id, ['seq', '100000'])
        assert.deepEqual([stdout.length, exitCode], [588_895, 0])
      })
    },
  },
  {
    title: 'an exec has a terminal when asked, which can be resized; without one that is failed_precondition',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: shell('read line; stty size'), tty: true, stdin: true })
        const attachment = await execs.start(exec, { attach: { stdin: true } })
        await execs.resize(exec, { columns: 101, rows: 31 })
        await attachment?.write(Buffer.from('\n'))
        assert.match((await readAll(attachment)).stdout, /31 101/)
        await attachment?.close()
        const plain = await execs.create(id, { command: forever })
        await execs.start(plain)
        await assert.rejects(execs.resize(plain, { columns: 80, rows: 25 }), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'an exec is killed alone; one that is gone is success',
    needs: 'exec_kill',
    async run(subject) {
      const { containers, execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: forever })
        await execs.start(exec)
        await execs.kill(exec, 'SIGKILL')
        endedBy(await execs.wait(exec), { exitCode: 137, signal: 'SIGKILL' })
        await execs.kill(exec, 'SIGKILL')
        assert.equal((await containers.get(id)).state.status, 'running')
      })
    },
    async otherwise(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: forever })
        await execs.start(exec)
        await assert.rejects(execs.kill(exec, 'SIGKILL'), { code: 'unsupported' })
        assert.equal((await execs.get(exec)).state.status, 'running')
      })
    },
  },
  {
    title: 'a wait for an exec ends when its container does, and then the exec is forgotten',
    async run(subject) {
      const { containers, execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: forever })
        const attachment = await execs.start(exec, { attach: { stdin: false } })
        const waiting = execs.wait(exec)
        await containers.stop(id, { graceMs: 0 })
        assert.notEqual((await waiting).exitCode, 0)
        assert.deepEqual(await readAll(attachment), { stdout: '', stderr: '' })
        await attachment?.close()
        await assert.rejects(execs.get(exec), { code: 'not_found' })
        await containers.start(id)
        await assert.rejects(execs.get(exec), { code: 'not_found' })
        await assert.rejects(execs.wait(exec), { code: 'not_found' })
      })
    },
  },
  {
    title: 'an exec that is ended with its container tells that it was killed',
    needs: 'exec_end_codes',
    async run(subject) {
      const { containers, execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: forever })
        await using _attachment = await execs.start(exec, { attach: { stdin: false } })
        const waiting = execs.wait(exec)
        await containers.stop(id, { graceMs: 0 })
        assert.equal((await waiting).exitCode, 137)
      })
    },
  },
  {
    title: 'an exec that goes on after its reader has left is not held up',
    needs: 'commands',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: shell('echo ready; read line; seq 100000; exit 2'), stdin: true })
        const attachment = await execs.start(exec, { attach: { stdin: true } })
        await readUntil(attachment, 'ready')
        await attachment?.write(Buffer.from('\n'))
        await attachment?.close()
        assert.equal((await execs.wait(exec)).exitCode, 2)
      })
    },
  },
  {
    title: 'many execs at once each get their own output and exit',
    async run(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        const numbers = [...Array(8).keys()]
        const outcomes = await Promise.all(numbers.map((number) => execute(subject, id, shell(`echo ${number}; exit ${number}`))))
        assert.deepEqual(
          outcomes,
          numbers.map((number) => ({ stdout: `${number}\n`, stderr: '', exitCode: number })),
        )
      })
    },
  },
  {
    title: 'an exec of another process of the engine leaves the container to both',
    async run(subject) {
      await using other = await subject.another()
      await withRunning(subject, forever, { name: uniqueName() }, async (id) => {
        assert.deepEqual(await execute({ ...subject, backend: other }, id, ['echo', 'theirs']), {
          stdout: 'theirs\n',
          stderr: '',
          exitCode: 0,
        })
        assert.deepEqual(await execute(subject, id, ['echo', 'mine']), { stdout: 'mine\n', stderr: '', exitCode: 0 })
      })
    },
  },
  {
    title: 'a privileged exec has more capabilities than its container',
    needs: 'privileged',
    async run(subject) {
      await withRunning(subject, forever, { security: { capDrop: ['ALL'] } }, async (id) => {
        const effective = async (privileged: boolean): Promise<string> =>
          (await execute(subject, id, shell('grep CapEff /proc/self/status'), { privileged })).stdout
        assert.match(await effective(false), /\t0+\n/)
        assert.doesNotMatch(await effective(true), /\t0+\n/)
      })
    },
  },
]
