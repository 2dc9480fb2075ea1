// attach, stdin, terminals, logs.
import assert from 'node:assert/strict'
import { collect } from '../suite.js'
import { type TaskCase, logLines, newId, readAll, readUntil, request, shell, withTask } from './subject.js'

export const ioCases: readonly TaskCase[] = [
  {
    title: 'an attachment made with the task misses nothing, keeps the streams apart and ends with the process',
    async run(subject) {
      await withTask(subject, shell('echo out; echo err >&2; exit 5'), { stdio: { attach: true } }, async (ref, attachment) => {
        assert.deepEqual(await readAll(attachment), { stdout: 'out\n', stderr: 'err\n' })
        assert.equal((await subject.tasks.wait(ref)).exitCode, 5)
      })
    },
  },
  {
    title: 'output can be read after the process has ended and was deleted',
    async run(subject) {
      for (const log of [undefined, subject.log(newId())]) {
        await withTask(subject, shell('echo late'), { stdio: { attach: true, log } }, async (ref, attachment) => {
          await subject.tasks.wait(ref)
          await subject.tasks.delete(ref)
          assert.deepEqual(await readAll(attachment), { stdout: 'late\n', stderr: '' })
        })
      }
    },
  },
  {
    title: 'closing an attachment detaches: the process goes on, and its output ends for the reader',
    async run(subject) {
      await withTask(subject, shell('echo first; sleep 1000'), { stdio: { attach: true } }, async (ref, attachment) => {
        await readUntil(attachment, 'first')
        await attachment?.close()
        await attachment?.close()
        assert.equal((await subject.tasks.find(ref))?.status, 'running')
      })
    },
  },
  {
    title: 'stdin reaches the process, its end too, and output goes on after that',
    async run(subject) {
      await withTask(subject, shell('cat; echo after'), { stdio: { stdin: true, attach: true } }, async (ref, attachment) => {
        assert(attachment !== undefined)
        await attachment.write(Buffer.from('hello\n'))
        assert.equal(await readUntil(attachment, 'hello\n'), 'hello\n')
        await attachment.write(Buffer.from('bye\n'))
        await attachment.closeStdin()
        await attachment.closeStdin()
        assert.equal((await subject.tasks.wait(ref)).exitCode, 0)
        await assert.rejects(attachment.write(Buffer.from('x')), { code: 'failed_precondition' })
        assert.deepEqual(await logLines(subject.tasks.io.logs(subject.log(ref.containerId))), [
          'stdout hello',
          'stdout bye',
          'stdout after',
        ])
      })
    },
  },
  {
    title: 'an end of stdin that comes before the process reads is not lost',
    async run(subject) {
      await withTask(subject, shell('sleep 0.1; cat'), { stdio: { stdin: true, attach: true } }, async (_ref, attachment) => {
        await attachment?.write(Buffer.from('early'))
        await attachment?.closeStdin()
        assert.deepEqual(await readAll(attachment), { stdout: 'early', stderr: '' })
      })
    },
  },
  {
    title: 'an end of stdin that comes at once, with nothing before it, is not lost',
    async run(subject) {
      await withTask(subject, shell('cat; echo done'), { stdio: { stdin: true, attach: true } }, async (_ref, attachment) => {
        await attachment?.closeStdin()
        assert.deepEqual(await readAll(attachment), { stdout: 'done\n', stderr: '' })
      })
    },
  },
  {
    title: 'without stdin write throws failed_precondition and the process reads an end of file',
    async run(subject) {
      await withTask(subject, shell('cat; echo done'), { stdio: { attach: true } }, async (_ref, attachment) => {
        await assert.rejects(attachment?.write(Buffer.from('x')) ?? Promise.resolve(), { code: 'failed_precondition' })
        assert.deepEqual(await readAll(attachment), { stdout: 'done\n', stderr: '' })
      })
    },
  },
  {
    title: 'who attaches late gets what comes from then on, beside the first',
    needs: 'shared_attach',
    async run(subject) {
      await withTask(subject, shell('echo before; cat'), { stdio: { stdin: true, attach: true } }, async (ref, first) => {
        await readUntil(first, 'before\n')
        const second = await subject.theirs.io.attach(ref)
        await second.write(Buffer.from('after\n'))
        assert.equal(await readUntil(second, 'after\n'), 'after\n')
        await second.close()
        await first?.closeStdin()
        await subject.tasks.wait(ref)
      })
    },
  },
  {
    title: 'attach throws not_found without a task and failed_precondition after its end',
    async run(subject) {
      await assert.rejects(subject.tasks.io.attach({ containerId: newId() }), { code: 'not_found' })
      await withTask(subject, shell('exit 0'), {}, async (ref) => {
        await subject.tasks.wait(ref)
        await assert.rejects(subject.tasks.io.attach(ref), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'a terminal has one stream and the size it is given; without one resize is failed_precondition',
    needs: 'tty',
    async run(subject) {
      await withTask(
        subject,
        shell('read x; stty size; echo err >&2'),
        { stdio: { tty: true, stdin: true, attach: true } },
        async (ref, attachment) => {
          await attachment?.resize({ columns: 100, rows: 40 })
          await attachment?.write(Buffer.from('go\n'))
          const { stdout, stderr } = await readAll(attachment)
          assert.match(stdout, /40 100\r\n/)
          assert.match(stdout, /err\r\n/)
          assert.equal(stderr, '')
          await subject.tasks.wait(ref)
        },
      )
      await withTask(subject, shell('sleep 1000'), { stdio: { attach: true } }, async (ref, attachment) => {
        await assert.rejects(attachment?.resize({ columns: 1, rows: 1 }) ?? Promise.resolve(), { code: 'failed_precondition' })
        await assert.rejects(subject.tasks.io.resize(ref, { columns: 1, rows: 1 }), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'logs tell the lines of all runs in order, also after delete',
    async run(subject) {
      const containerId = newId()
      for (const run of ['one', 'two']) {
        await withTask(subject, shell(`echo ${run}; echo ${run}`), { containerId }, async (ref) => {
          await subject.tasks.wait(ref)
        })
      }
      const plan = subject.log(containerId)
      assert.deepEqual(await logLines(subject.theirs.io.logs(plan)), ['stdout one', 'stdout one', 'stdout two', 'stdout two'])
      assert.deepEqual(await logLines(subject.tasks.io.logs(plan, { tail: 3 })), ['stdout one', 'stdout two', 'stdout two'])
      assert.deepEqual(await logLines(subject.tasks.io.logs(plan, { tail: 0 })), [])
      assert.deepEqual(await logLines(subject.tasks.io.logs(plan, { until: new Date(0) })), [])
      assert.deepEqual(await logLines(subject.tasks.io.logs(plan, { since: new Date(Date.now() + 1e9) })), [])
    },
  },
  {
    title: 'logs tell only the streams that are asked for, and a line without an end',
    async run(subject) {
      await withTask(subject, shell('echo out; echo -n err >&2'), {}, async (ref) => {
        await subject.tasks.wait(ref)
        await subject.tasks.delete(ref)
        const plan = subject.log(ref.containerId)
        assert.deepEqual(await logLines(subject.tasks.io.logs(plan, { streams: ['stderr'] })), ['stderr err'])
        assert.deepEqual((await logLines(subject.tasks.io.logs(plan))).slice().sort(), ['stderr err', 'stdout out'])
      })
    },
  },
  {
    title: 'followed logs come while the process runs and end with it; an abort ends them with the reason',
    async run(subject) {
      await withTask(subject, shell('echo first; cat; echo last'), { stdio: { stdin: true, attach: true } }, async (ref, attachment) => {
        const plan = subject.log(ref.containerId)
        const entries = subject.theirs.io.logs(plan, { follow: true })[Symbol.asyncIterator]()
        assert.equal((await entries.next()).value?.text, 'first')
        const abort = new AbortController()
        const aborted = collect(subject.tasks.io.logs(plan, { follow: true, signal: abort.signal }))
        const reason = new Error('enough')
        abort.abort(reason)
        await assert.rejects(aborted, (error) => error === reason)
        await attachment?.write(Buffer.from('more\n'))
        assert.equal((await entries.next()).value?.text, 'more')
        await attachment?.closeStdin()
        assert.equal((await entries.next()).value?.text, 'last')
        assert.equal((await entries.next()).done, true)
      })
    },
  },
  {
    title: 'a log that keeps nothing is unsupported to read',
    async run(subject) {
      const plan = { ...subject.log(newId()), driver: 'none' }
      await assert.rejects(collect(subject.tasks.io.logs(plan)), { code: 'unsupported' })
      const asked = await request(subject, shell('echo hello'), { stdio: { log: plan } })
      await subject.tasks.run(asked)
      await subject.tasks.wait({ containerId: asked.containerId })
      await subject.tasks.delete({ containerId: asked.containerId })
    },
  },
]
