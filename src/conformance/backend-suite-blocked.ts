// Calls that would wait for ever, and are given up.
import assert from 'node:assert/strict'
import type { Attachment } from '../ports/streams.js'
import { sleep } from '../util/abort.js'
import {
  abortAfterTurns,
  aborted,
  type BackendCase,
  execute,
  forever,
  statusOf,
  withAttached,
  withRunning,
} from './backend-suite-subject.js'
import { collect } from './suite.js'
import { readUntil, shell } from './tasks/subject.js'

/** Longer than any write takes that is taken at all. */
const stuckMs = 500

/** Writes until nothing is taken any more, and gives that up. */
async function giveUpWriting(attachment: Attachment): Promise<void> {
  const reason = new Error('nobody reads')
  const controller = new AbortController()
  const chunk = Buffer.alloc(256 << 10, 'x')
  for (let count = 0; ; count += 1) {
    assert(count < 400, 'input that nobody reads is taken without an end')
    const writing = attachment.write(chunk, { signal: controller.signal }).then(() => true)
    if (await Promise.race([writing, sleep(stuckMs).then(() => false)])) continue
    controller.abort(reason)
    await assert.rejects(writing, (error) => error === reason)
    return
  }
}

export const blockedCases: readonly BackendCase[] = [
  {
    title: 'a write to a process that does not read is given up by an abort, and the process runs on',
    needs: 'commands',
    async run(subject) {
      await withAttached(subject, shell('echo ready; exec sleep 100000'), { stdin: true }, async (id, attachment) => {
        await readUntil(attachment, 'ready')
        await giveUpWriting(attachment)
        assert.equal((await execute(subject, id, ['echo', 'here'])).stdout, 'here\n')
        await attachment.close()
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
  },
  {
    title: 'a write to an exec that does not read is given up by an abort, and the container runs on',
    needs: 'commands',
    async run(subject) {
      const { execs } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        const exec = await execs.create(id, { command: shell('echo ready; exec sleep 100000'), stdin: true })
        const attachment = await execs.start(exec, { attach: { stdin: true } })
        assert(attachment !== undefined)
        await readUntil(attachment, 'ready')
        await giveUpWriting(attachment)
        await attachment.close()
        assert.equal((await execute(subject, id, ['echo', 'here'])).stdout, 'here\n')
      })
    },
  },
  {
    title: 'closing an attachment ends no input: another one goes on with it',
    async run(subject) {
      const { streams } = subject.backend
      await withAttached(subject, shell('echo ready; read line; echo one; read line; echo two'), { stdin: true }, async (id, first) => {
        await readUntil(first, 'ready')
        await using second = await streams.attach(id, { stdin: true })
        await first.close()
        await second.write(Buffer.from('\n'))
        await readUntil(second, 'one')
        await (await streams.attach(id)).close()
        await second.write(Buffer.from('\n'))
        await readUntil(second, 'two')
      })
    },
  },
  {
    title: 'an aborted attach rejects with the reason, and the container runs on and can be attached to',
    async run(subject) {
      const { streams } = subject.backend
      await withAttached(subject, shell('echo ready; read line; echo end; exec sleep 100000'), { stdin: true }, async (id, first) => {
        await readUntil(first, 'ready')
        for (const turns of abortAfterTurns.slice(0, 8)) {
          await aborted(turns, async (signal) => (await streams.attach(id, { signal })).close())
          assert.equal(await statusOf(subject, id), 'running')
        }
        await using later = await streams.attach(id, { stdin: true })
        await later.write(Buffer.from('on\n'))
        await readUntil(later, 'end')
      })
    },
  },
  {
    title: 'the log that is followed, and stats, are ended by an abort with its reason while nothing comes',
    needs: 'stats',
    async run(subject) {
      const { streams, control } = subject.backend
      await withRunning(subject, forever, {}, async (id) => {
        for (const turns of [4, 64, 512]) {
          assert.equal(await aborted(turns, (signal) => collect(streams.logs(id, { follow: true, signal }))), false)
          assert.equal(await aborted(turns, (signal) => collect(control.stats(id, { intervalMs: 100_000, signal }))), false)
        }
        assert.equal(await statusOf(subject, id), 'running')
      })
    },
    async otherwise(subject) {
      await withRunning(subject, forever, {}, async (id) => {
        await assert.rejects(collect(subject.backend.control.stats(id)), { code: 'unsupported' })
      })
    },
  },
]
