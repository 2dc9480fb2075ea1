import { mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runProgram } from '../../../../../src/backends/host/programs.js'
import { Removals } from '../../../../../src/backends/host/removals.js'
import { ProcessFiles } from '../../../../../src/backends/host/tasks/task-files.js'
import { ChildStdio } from '../../../../../src/backends/local/tasks/child-stdio.js'
import { RuntimeChild, pidName } from '../../../../../src/backends/local/tasks/child.js'
import { FifoPool } from '../../../../../src/backends/local/tasks/fifo-pool.js'
import type { LaunchOrder } from '../../../../../src/backends/local/tasks/launcher-programs.js'
import type { LaunchEnd, Launchers } from '../../../../../src/backends/local/tasks/launchers.js'

let directory: string
let pool: FifoPool
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pouch-sdk-'))
  pool = new FifoPool(join(directory, 'fifos'), runProgram)
})
afterEach(async () => {
  await pool.close()
  rmSync(directory, { recursive: true })
})

/** What is launched does all its work in one turn of the loop, and its end is told before anything else of it can be noticed. */
async function start(work: (order: LaunchOrder) => void, end: LaunchEnd): Promise<{ child: RuntimeChild; output(): string }> {
  const path = join(directory, 'stdout')
  writeFileSync(path, '')
  const stdio = await ChildStdio.open(pool, { stdin: undefined, stdout: path, stderr: undefined, tty: false })
  const launch = (order: LaunchOrder): object => {
    const ended = new Promise<LaunchEnd>((resolve) => {
      setImmediate(() => {
        work(order)
        resolve(end)
      })
    })
    return { ended, kill: () => {} }
  }
  const files = new ProcessFiles(directory, new Removals())
  const plan = { program: '/bin/true', args: [], mounts: [], table: '' }
  const child = new RuntimeChild({ launchers: { launch } as unknown as Launchers, plan, env: {}, files, stdio })
  return { child, output: () => readFileSync(path, 'utf8') }
}
const says =
  (text: string, pid?: number) =>
  ({ descriptors: [, stdout] }: LaunchOrder): void => {
    if (typeof stdout === 'number') writeSync(stdout, text)
    if (pid !== undefined) writeFileSync(join(directory, pidName), String(pid))
  }

it('has all output in its file when it is drained, also when the end is told before the pid was seen', async () => {
  const { child, output } = await start(says('all of it', process.pid), { code: 0, remark: '' })
  await child.ended
  await child.drained()
  expect(output()).toBe('all of it')
  expect((await child.released).pid).toBe(process.pid)
})
it('of a process that never ran tells what was said in its place, and is drained', async () => {
  const { child, output } = await start(says('no such thing'), { code: 1, remark: '' })
  await child.ended
  await child.drained()
  await expect(child.released).rejects.toMatchObject({ message: 'no such thing' })
  expect(output()).toBe('')
})
