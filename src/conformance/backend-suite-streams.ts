// Output, input, terminals, logs.
import assert from 'node:assert/strict'
import { type BackendCase, forever, run, statusOf, withAttached, withContainer, withRunning } from './backend-suite-subject.js'
import { collect } from './suite.js'
import { logLines, readAll, readUntil, shell } from './tasks/subject.js'

export const streamCases: readonly BackendCase[] = [
  {
    title: 'large output comes whole through an attachment, and stands in the log',
    needs: 'commands',
    async run(subject) {
      const lines = Array.from({ length: 50_000 }, (_, index) => `${index + 1}`)
      await withAttached(subject, ['seq', '50000'], {}, async (id, attachment) => {
        assert.equal((await readAll(attachment)).stdout, `${lines.join('\n')}\n`)
        await subject.backend.containers.wait(id)
        assert.deepEqual(
          (await collect(subject.backend.streams.logs(id))).map(({ text }) => text),
          lines,
        )
      })
    },
  },
  {
    title: 'a container that nobody reads is not held up, and its log has it all after the exit',
    needs: 'commands',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withRunning(subject, shell('seq 100000; echo last >&2; exit 2'), {}, async (id) => {
        assert.equal((await containers.wait(id)).exitCode, 2)
        const entries = await collect(streams.logs(id))
        assert.equal(entries.length, 100_001)
        assert.deepEqual(
          entries.filter(({ stream }) => stream === 'stderr').map(({ text }) => text),
          ['last'],
        )
      })
    },
  },
  {
    title: 'an attachment asked for at the start can be read after the exit',
    async run(subject) {
      await withAttached(subject, shell('echo late'), {}, async (id, attachment) => {
        await subject.backend.containers.wait(id)
        assert.deepEqual(await readAll(attachment), { stdout: 'late\n', stderr: '' })
      })
    },
  },
  {
    title: 'closing an attachment detaches, and the container runs on',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withAttached(subject, shell('echo first; read line; echo second'), { stdin: true }, async (id, attachment) => {
        await readUntil(attachment, 'first')
        await using late = await streams.attach(id, { stdin: true })
        await attachment.close()
        await attachment.close()
        await late.write(Buffer.from('\n'))
        assert.equal((await containers.wait(id)).exitCode, 0)
        assert.deepEqual(await logLines(streams.logs(id)), ['stdout first', 'stdout second'])
      })
    },
  },
  {
    title: 'stdin reaches the process, and so does its end',
    async run(subject) {
      const { containers } = subject.backend
      await withAttached(subject, shell('cat; echo after'), { stdin: true }, async (id, attachment) => {
        await attachment.write(Buffer.from('hello\n'))
        await attachment.write(Buffer.from('bye\n'))
        await attachment.closeStdin()
        await attachment.closeStdin()
        assert.deepEqual(await readAll(attachment), { stdout: 'hello\nbye\nafter\n', stderr: '' })
        assert.equal((await containers.wait(id)).exitCode, 0)
        await assert.rejects(attachment.write(Buffer.from('x')), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'a megabyte through stdin and back is the same megabyte',
    needs: 'commands',
    async run(subject) {
      await withAttached(subject, ['cat'], { stdin: true }, async (_id, attachment) => {
        const sent = Buffer.alloc(1 << 20, 'x123456\n')
        const output = readAll(attachment)
        for (let at = 0; at < sent.length; at += 100_000) await attachment.write(sent.subarray(at, at + 100_000))
        await attachment.closeStdin()
        assert.equal((await output).stdout, sent.toString())
      })
    },
  },
  {
    title: 'without stdin the process reads an end of file, and asking for it is failed_precondition',
    async run(subject) {
      assert.deepEqual(await run(subject, shell('cat; echo done')), { stdout: 'done\n', stderr: '', exitCode: 0 })
      await withAttached(subject, forever, {}, async (id, attachment) => {
        await assert.rejects(subject.backend.streams.attach(id, { stdin: true }), { code: 'failed_precondition' })
        await assert.rejects(attachment.write(Buffer.from('x')), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'attach throws failed_precondition for a container that does not run',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withContainer(subject, shell('exit 0'), {}, async (id) => {
        await assert.rejects(streams.attach(id), { code: 'failed_precondition' })
        await containers.start(id)
        await containers.wait(id)
        await assert.rejects(streams.attach(id), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'several attachments to one container all get its output',
    needs: 'shared_attach',
    async run(subject) {
      await withAttached(subject, shell('read line; echo both'), { stdin: true }, async (id, first) => {
        await using second = await subject.backend.streams.attach(id)
        await first.write(Buffer.from('\n'))
        assert.deepEqual(await Promise.all([readAll(first), readAll(second)]), Array(2).fill({ stdout: 'both\n', stderr: '' }))
      })
    },
  },
  {
    title: 'with tty there is a terminal and one stream',
    needs: 'commands',
    async run(subject) {
      const script = 'test -t 0 && test -t 1 && test -t 2 && echo terminal; echo err >&2; echo $TERM'
      await withAttached(subject, shell(script), { tty: true }, async (_id, attachment) => {
        assert.deepEqual(await readAll(attachment), { stdout: 'terminal\r\nerr\r\nxterm\r\n', stderr: '' })
      })
      assert.deepEqual(await run(subject, shell('test -t 1 || echo pipe')), { stdout: 'pipe\n', stderr: '', exitCode: 0 })
    },
  },
  {
    title: 'resize changes the size of the terminal, through the service and through the attachment',
    async run(subject) {
      await withAttached(
        subject,
        shell('read line; stty size; read line; stty size'),
        { tty: true, stdin: true },
        async (id, attachment) => {
          await subject.backend.streams.resize(id, { columns: 111, rows: 41 })
          await attachment.write(Buffer.from('\n'))
          const output = attachment.output[Symbol.asyncIterator]()
          const readTo = async (wanted: string): Promise<void> => {
            for (let text = ''; !text.includes(wanted); ) {
              const { done, value } = await output.next()
              if (done === true) assert.fail(`output ended before "${wanted}": ${text}`)
              text += Buffer.from(value.bytes).toString()
            }
          }
          await readTo('41 111')
          await attachment.resize({ columns: 112, rows: 42 })
          await attachment.write(Buffer.from('\n'))
          await readTo('42 112')
        },
      )
    },
  },
  {
    title: 'resize without a terminal is failed_precondition',
    async run(subject) {
      await withAttached(subject, forever, {}, async (id, attachment) => {
        const size = { columns: 80, rows: 25 }
        await assert.rejects(subject.backend.streams.resize(id, size), { code: 'failed_precondition' })
        await assert.rejects(attachment.resize(size), { code: 'failed_precondition' })
      })
    },
  },
  {
    title: 'the log has one entry a line, with its stream, and a last line without its end',
    needs: 'commands',
    async run(subject) {
      const before = new Date(Date.now() - 60_000)
      await withRunning(subject, shell('echo one; printf "two\\n\\nthree"; printf "err" >&2'), {}, async (id) => {
        await subject.backend.containers.wait(id)
        const entries = await collect(subject.backend.streams.logs(id))
        const of = (wanted: string): readonly string[] => entries.filter(({ stream }) => stream === wanted).map(({ text }) => text)
        assert.deepEqual(of('stdout'), ['one', 'two', '', 'three'])
        assert.deepEqual(of('stderr'), ['err'])
        for (const { time, bytes, text, partial } of entries) {
          assert.equal(Buffer.from(bytes).toString(), text)
          assert(time > before)
          assert.notEqual(partial, true)
        }
      })
    },
  },
  {
    title: 'a line beyond 16 KiB comes in entries that say so, and UTF-8 is whole in text and bytes',
    needs: 'commands',
    async run(subject) {
      const script = 'head -c 40000 /dev/zero | tr "\\0" x; echo; printf "a\\303"; sleep 0.05; printf "\\251b\\n"; printf "\\377\\n"'
      await withRunning(subject, shell(script), {}, async (id) => {
        await subject.backend.containers.wait(id)
        const entries = await collect(subject.backend.streams.logs(id))
        const [broken, accent] = [entries.at(-1), entries.at(-2)]
        assert.deepEqual([accent?.text, broken?.text], ['aéb', '\ufffd'])
        // A log that is kept as text has the replacement in its bytes as well.
        assert(['ff', 'efbfbd'].includes(Buffer.from(broken?.bytes ?? []).toString('hex')))
        const long = entries.slice(0, -2)
        assert.equal(long.map(({ text }) => text).join(''), 'x'.repeat(40_000))
        assert(long.length > 1 && long.every(({ bytes }) => bytes.length <= 16 << 10))
        assert.deepEqual(
          long.map(({ partial }) => partial === true),
          long.map((_, index) => index < long.length - 1),
        )
      })
    },
  },
  {
    title: 'logs can be cut to the last lines and to one stream',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withRunning(subject, shell('echo 1; echo 2; echo 3; echo e >&2'), {}, async (id) => {
        await containers.wait(id)
        assert.deepEqual(await logLines(streams.logs(id, { streams: ['stdout'], tail: 2 })), ['stdout 2', 'stdout 3'])
        assert.deepEqual(await logLines(streams.logs(id, { streams: ['stderr'] })), ['stderr e'])
        assert.deepEqual(await logLines(streams.logs(id, { tail: 0 })), [])
        assert.equal((await logLines(streams.logs(id, { tail: 100 }))).length, 4)
      })
    },
  },
  {
    title: 'logs of a container that never ran are empty, and those of all its runs stand in order',
    async run(subject) {
      const { containers, streams } = subject.backend
      await withContainer(subject, shell('echo run'), {}, async (id) => {
        assert.deepEqual(await logLines(streams.logs(id)), [])
        assert.deepEqual(await logLines(streams.logs(id, { follow: true })), [])
        for (let runs = 1; runs <= 3; runs += 1) {
          await containers.start(id)
          await containers.wait(id)
          assert.deepEqual(await logLines(streams.logs(id)), Array(runs).fill('stdout run'))
        }
      })
    },
  },
  {
    title: 'following logs tell what was and what comes, and end with the container',
    async run(subject) {
      const { streams } = subject.backend
      await withAttached(subject, shell('echo one; read line; echo two'), { stdin: true }, async (id, attachment) => {
        const seen: string[] = []
        for await (const { text } of streams.logs(id, { follow: true })) {
          seen.push(text)
          if (text === 'one') await attachment.write(Buffer.from('\n'))
        }
        assert.deepEqual(seen, ['one', 'two'])
        assert.deepEqual(await logLines(streams.logs(id, { follow: true, tail: 1 })), ['stdout two'])
      })
    },
  },
  {
    title: 'an abort ends following logs with its reason, and a break frees them',
    async run(subject) {
      await withAttached(subject, shell('echo one; sleep 100000'), {}, async (id, attachment) => {
        await readUntil(attachment, 'one')
        for await (const { text } of subject.backend.streams.logs(id, { follow: true })) {
          assert.equal(text, 'one')
          break
        }
        const reason = new Error('enough')
        const abort = new AbortController()
        const following = (async () => {
          for await (const _entry of subject.backend.streams.logs(id, { follow: true, signal: abort.signal })) abort.abort(reason)
        })()
        await assert.rejects(following, (error) => error === reason)
      })
    },
  },
  {
    title: 'a container without a log tells none, and runs',
    async run(subject) {
      await withAttached(subject, shell('echo heard'), { log: { driver: 'none' } }, async (id, attachment) => {
        assert.equal((await readAll(attachment)).stdout, 'heard\n')
        await subject.backend.containers.wait(id)
        await assert.rejects(collect(subject.backend.streams.logs(id)), { code: 'unsupported' })
      })
    },
  },
  {
    title: 'an exited container starts again with its streams connected, which bring the output of the new run and no other',
    needs: 'attach_again',
    async run(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('echo once'), {}, async (id) => {
        for (let time = 0; time < 3; time += 1) {
          const attachment = await containers.start(id, { attach: { stdin: false } })
          assert.deepEqual(await readAll(attachment), { stdout: 'once\n', stderr: '' })
          assert.equal((await containers.wait(id)).exitCode, 0)
          await attachment?.close()
        }
      })
    },
    async otherwise(subject) {
      const { containers } = subject.backend
      await withContainer(subject, shell('echo once'), {}, async (id) => {
        await containers.start(id)
        await containers.wait(id)
        await assert.rejects(containers.start(id, { attach: { stdin: false } }), { code: 'unsupported' })
        assert.equal(await statusOf(subject, id), 'exited')
      })
    },
  },
]
