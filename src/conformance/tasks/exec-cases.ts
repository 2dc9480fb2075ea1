// Further processes.
import assert from 'node:assert/strict'
import type { ExecRequest } from '../../ports/engine/tasks.js'
import { type TaskCase, collectUntil, exitFacts, minimalProcess, newId, readAll, readUntil, shell, withTask } from './subject.js'

const exec = (
  containerId: string,
  args: readonly string[],
  stdio: Partial<ExecRequest['stdio']> = {},
  cwd?: string,
): ExecRequest & { readonly execId: string } => ({
  containerId,
  execId: newId(),
  process: minimalProcess(args, cwd),
  stdio: { tty: false, stdin: false, attach: true, ...stdio },
})
const forever = shell('sleep 1000')

export const execCases: readonly TaskCase[] = [
  {
    title: 'exec has output and an exit code of its own, until deleted; delete of what is absent is success',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const asked = exec(containerId, shell('echo out; echo err >&2; exit 6'))
        const { attachment } = await subject.tasks.exec(asked)
        assert.deepEqual(await readAll(attachment), { stdout: 'out\n', stderr: 'err\n' })
        assert.deepEqual(exitFacts(await subject.tasks.wait(asked)), { exitCode: 6, lost: false })
        assert.equal((await subject.tasks.find(asked))?.status, 'exited')
        await attachment?.close()
        await subject.tasks.delete(asked)
        await subject.tasks.delete(asked)
        assert.equal(await subject.tasks.find(asked), undefined)
        await assert.rejects(subject.tasks.wait(asked), { code: 'not_found' })
        assert.equal((await subject.tasks.find({ containerId }))?.status, 'running')
      })
    },
  },
  ...[
    { what: 'is not there', args: ['/no/such/command'], exitCode: 127 },
    { what: 'is not on PATH', args: ['no-such-command'], exitCode: 127 },
    { what: 'is a directory', args: ['/etc'], exitCode: 126 },
    { what: 'is not executable', args: ['/etc/passwd'], exitCode: 126 },
    {
      what: 'has a file as its working directory',
      args: ['/bin/true'],
      exitCode: 126,
      cwd: '/etc/passwd',
      needs: 'working_directory' as const,
    },
  ].map(
    ({ what, args, exitCode, cwd, needs }): TaskCase => ({
      title: `exec of a command that ${what} exits with ${exitCode}`,
      needs,
      async run(subject) {
        await withTask(subject, forever, {}, async ({ containerId }) => {
          const asked = exec(containerId, args, {}, cwd)
          const { attachment } = await subject.tasks.exec(asked)
          assert.deepEqual(exitFacts(await subject.tasks.wait(asked)), { exitCode, lost: false })
          assert.deepEqual((await readAll(attachment)).stdout, '')
          await attachment?.close()
          await subject.tasks.delete(asked)
        })
      },
    }),
  ),
  {
    title: 'exec throws failed_precondition without a task, and after its end; an id that is taken, already_exists',
    async run(subject) {
      await assert.rejects(subject.tasks.exec(exec(newId(), ['/bin/true'])), { code: 'failed_precondition' })
      await withTask(subject, forever, {}, async (ref) => {
        const first = exec(ref.containerId, forever, { attach: false })
        await subject.tasks.exec(first)
        await assert.rejects(subject.tasks.exec(first), { code: 'already_exists' })
        assert.equal((await subject.tasks.find(first))?.status, 'running')
        await subject.tasks.delete(first, { kill: true })
        await subject.tasks.kill(ref, 'SIGKILL')
        await subject.tasks.wait(ref)
        await assert.rejects(subject.tasks.exec(exec(ref.containerId, ['/bin/true'])), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'exec reads stdin to its end, and large output comes whole',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const asked = exec(containerId, ['cat'], { stdin: true })
        const { attachment } = await subject.tasks.exec(asked)
        assert(attachment !== undefined)
        const large = Buffer.alloc(300_000, 'abcdefg\n')
        const output = readAll(attachment)
        await attachment.write(large)
        await attachment.closeStdin()
        assert.equal((await output).stdout, large.toString())
        assert.equal((await subject.tasks.wait(asked)).exitCode, 0)
        await attachment.close()
        await subject.tasks.delete(asked)
      })
    },
  },
  {
    title: 'exec has a terminal of its own, with the size it is given; nobody at it is no end of input',
    needs: 'tty',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const asked = exec(containerId, shell('read x; stty size; echo err >&2; exit 9'), { tty: true, stdin: true })
        const { attachment } = await subject.tasks.exec(asked)
        await attachment?.resize({ columns: 100, rows: 40 })
        await attachment?.write(Buffer.from('go\n'))
        const { stdout, stderr } = await readAll(attachment)
        assert.match(stdout, /40 100\r\n/)
        assert.match(stdout, /err\r\n/)
        assert.equal(stderr, '')
        assert.equal((await subject.tasks.wait(asked)).exitCode, 9)
        await attachment?.close()
        await subject.tasks.delete(asked)
        const silent = exec(containerId, shell('[ -t 0 ] && echo terminal; cat'), { tty: true })
        const { attachment: watching } = await subject.tasks.exec(silent)
        assert.match(await readUntil(watching, 'terminal'), /terminal/)
        assert.equal((await subject.tasks.find(silent))?.status, 'running')
        await subject.tasks.delete(silent, { kill: true })
        await watching?.close()
      })
    },
  },
  {
    title: 'exec is killed alone, and ends with its container',
    async run(subject) {
      await withTask(subject, forever, {}, async (ref) => {
        const [one, other] = [exec(ref.containerId, forever, { attach: false }), exec(ref.containerId, forever)]
        await subject.tasks.exec(one)
        const { attachment } = await subject.tasks.exec(other)
        await assert.rejects(subject.tasks.delete(one), { code: 'failed_precondition' })
        await subject.tasks.kill(one, 'SIGKILL')
        assert.deepEqual(exitFacts(await subject.tasks.wait(one)), { exitCode: 137, signal: 'SIGKILL', lost: false })
        await subject.tasks.delete(one)
        const waiting = subject.tasks.wait(other)
        await subject.tasks.delete(ref, { kill: true })
        assert.equal((await waiting).exitCode, 137)
        assert.deepEqual(await readAll(attachment), { stdout: '', stderr: '' })
        await attachment?.close()
        assert.equal(await subject.tasks.find(other), undefined)
      })
    },
  },
  {
    title: 'many execs at once each get their own exit and output',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        await Promise.all(
          [...Array(6).keys()].map(async (number) => {
            const asked = exec(containerId, shell(`echo ${number}; exit ${number}`))
            const { attachment } = await subject.tasks.exec(asked)
            assert.equal((await readAll(attachment)).stdout, `${number}\n`)
            assert.equal((await subject.tasks.wait(asked)).exitCode, number)
            await attachment?.close()
            await subject.tasks.delete(asked)
          }),
        )
      })
    },
  },
  {
    title: 'events tell the end of an exec',
    async run(subject) {
      await withTask(subject, forever, {}, async ({ containerId }) => {
        const asked = exec(containerId, shell('exit 8'), { attach: false })
        const stop = new AbortController()
        const seen = collectUntil(
          subject.tasks.events({ signal: stop.signal }),
          ({ kind, ref }) => kind === 'exited' && ref.execId === asked.execId,
        )
        await subject.tasks.exec(asked)
        const last = (await seen).at(-1)
        assert.equal(last?.kind === 'exited' && last.exit.exitCode, 8)
        await subject.tasks.delete(asked)
      })
    },
  },
]
