// An attachment over files and a FIFO of the test's own.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { TaskAttachment } from '../../../../../src/backends/host/tasks/attachment.js'
import type { Watch } from '../../../../../src/backends/host/tasks/exits.js'
import { collect } from '../../../../../src/conformance/suite.js'
import { backendClosed } from '../../../../../src/errors.js'

let directory: string
let stdin: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-attachment-'))
  stdin = join(directory, 'stdin')
  execFileSync('mkfifo', [stdin])
})
afterEach(() => rm(directory, { recursive: true, force: true }))

type Arguments = ConstructorParameters<typeof TaskAttachment>
const ended = Promise.resolve() as unknown as Watch['exit']
const never = new Promise<never>(() => {})
/** Of a process whose carrier ends its input by `closeStdin`. */
function attach(closeStdin: () => Promise<void>, watch: Watch): TaskAttachment {
  const context = { carrier: { control: { closeStdin } } } as unknown as Arguments[0]
  const known = { state: { containerId: 'c', stdin } } as unknown as Arguments[1]
  return new TaskAttachment(context, known, [], watch)
}
const running: Watch = { exit: never, finished: never }

it('an end of input whose call was aborted comes all the same, when a reader is there, and once', async () => {
  let passedOn = 0
  const attachment = attach(async () => void (passedOn += 1), running)
  await expect(attachment.closeStdin({ signal: AbortSignal.timeout(20) })).rejects.toThrow(/timeout/)
  expect(passedOn).toBe(0)
  const again = attachment.closeStdin()
  expect(await text(spawn('cat', [stdin], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout)).toBe('')
  await again
  await attachment.closeStdin()
  expect(passedOn).toBe(1)
})

it('an end of input that its carrier refused is passed on by the next call', async () => {
  const refusals = [new Error('away')]
  const attachment = attach(async () => {
    const refusal = refusals.pop()
    if (refusal !== undefined) throw refusal
  }, running)
  const reader = text(spawn('cat', [stdin], { stdio: ['ignore', 'pipe', 'inherit'] }).stdout)
  await expect(attachment.closeStdin()).rejects.toThrow('away')
  await attachment.closeStdin()
  expect(await reader).toBe('')
})

it('output ends with its process, and is cut where the backend is closed before', async () => {
  const whole = attach(async () => {}, { exit: ended, finished: Promise.resolve() })
  expect(await collect(whole.output)).toEqual([])
  const exit = Promise.reject(backendClosed())
  exit.catch(() => {})
  const cut = attach(async () => {}, { exit, finished: Promise.resolve() })
  await expect(collect(cut.output)).rejects.toMatchObject({ code: 'unavailable', message: 'the backend is closed' })
  const left = attach(async () => {}, running)
  const reading = collect(left.output)
  await left.close()
  expect(await reading).toEqual([])
})
