// Filters that crun compiles once: the same for the containers after the first, told by the kernel and by what the program gets to hear.
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readAll, request, shell } from '../../../src/conformance/tasks/subject.js'
import type { JsonValue } from '../../../src/model/common.js'
import type { TaskRequest } from '../../../src/ports/engine/tasks.js'
import { type LocalTaskRoot, localTaskRoot } from '../../setup/local-task-subject.js'
import { cgroupsBelow, processesLeft } from '../../setup/outside.js'

const annotation = 'run.oci.seccomp_bpf_data'
const refusing = (syscalls: readonly string[], errnoRet: number): JsonValue => ({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: syscalls, action: 'SCMP_ACT_ERRNO', errnoRet }],
})
/** ENOMSG and EBADE: nothing else here says so. */
const noDirectories = refusing(['mkdir', 'mkdirat'], 42)
const noLinks = refusing(['symlink', 'symlinkat'], 52)

let root: LocalTaskRoot
beforeEach(async () => {
  root = await localTaskRoot('crun', 'owned')
})
afterEach(() => root.close())

const filters = async (): Promise<string[]> => (await readdir(root.runtimes.answers)).filter((name) => /^filter-.*\.bpf$/.test(name))
const made = (count: number): Promise<void> => vi.waitFor(async () => expect(await filters()).toHaveLength(count), { timeout: 10_000 })
async function asked(script: string, seccomp: JsonValue): Promise<TaskRequest> {
  const plain = await request(root.subject, shell(script), { stdio: { attach: true } })
  return { ...plain, spec: { ...plain.spec, linux: { ...(plain.spec['linux'] as object), seccomp } } }
}
const script = 'mkdir /tmp/no-such; ln -s a /tmp/link && echo linked; rm -f /tmp/link; grep -E "^Seccomp(_filters)?:" /proc/self/status'
async function run(seccomp: JsonValue): Promise<{ readonly said: string; readonly brought: boolean }> {
  const one = await asked(script, seccomp)
  const { attachment } = await root.tasks.run(one)
  const { annotations = {} } = JSON.parse(await readFile(join(root.directory, 'tasks', one.containerId, 'config.json'), 'utf8'))
  const { stdout, stderr } = await readAll(attachment)
  await attachment?.close()
  await root.tasks.wait(one)
  await root.tasks.delete(one)
  return { said: stdout + stderr, brought: annotation in annotations }
}

it('the second container of a profile brings the filter along, and it does what the first one did', async () => {
  const first = await run(noDirectories)
  expect(first).toEqual({ brought: false, said: expect.stringContaining('No message of desired type') })
  expect(first.said).toMatch(/^linked$.*^Seccomp:\t2$.*^Seccomp_filters:\t1$/ms)
  await made(1)
  expect(await run(noDirectories)).toEqual({ brought: true, said: first.said })
})

it('each profile has a filter of its own', async () => {
  for (const seccomp of [noDirectories, noLinks]) await run(seccomp)
  await made(2)
  const [directories, links] = [await run(noDirectories), await run(noLinks)]
  expect([directories.brought, links.brought]).toEqual([true, true])
  expect(directories.said).toMatch(/desired type/)
  expect(links.said).toMatch(/Invalid exchange/)
  expect(links.said).not.toMatch(/desired type/)
})

it('one who brings a filter of his own gets that one', async () => {
  await run(noDirectories)
  await made(1)
  const [name = ''] = await filters()
  const own = (await readFile(join(root.runtimes.answers, name))).toString('base64')
  await run(noLinks)
  await made(2)
  const one = await asked(script, noLinks)
  const { attachment } = await root.tasks.run({ ...one, spec: { ...one.spec, annotations: { [annotation]: own } } })
  const { stdout, stderr } = await readAll(attachment)
  await attachment?.close()
  await root.tasks.delete(one, { kill: true })
  expect(stdout + stderr).toMatch(/desired type/)
  expect(stdout + stderr).not.toMatch(/Invalid exchange/)
})

it('another process of the engine, too, and one with a torn filter makes no use of it', async () => {
  const first = await run(noDirectories)
  await made(1)
  const [name = ''] = await filters()
  await root.tasks.close()
  await writeFile(join(root.runtimes.answers, name), 'torn')
  const later = await root.open()
  const one = await asked(script, noDirectories)
  const { attachment } = await later.run(one)
  const { stdout, stderr } = await readAll(attachment)
  expect(stdout + stderr).toBe(first.said)
  await attachment?.close()
  await later.delete(one, { kill: true })
  await later.close()
})

it('nothing is left of its making, finished or cut short', async () => {
  await run(noDirectories)
  await made(1)
  const cut = await asked('true', noLinks)
  await root.tasks.run(cut)
  await root.tasks.delete(cut, { kill: true })
  await root.tasks.close()
  expect(await processesLeft(root.directory)).toEqual([])
  expect(await root.taskNames()).toEqual([])
  expect((await cgroupsBelow('/')).filter((path) => path.includes('pouch-sdk-seccomp-'))).toEqual([])
  const crun = root.runtimes.resolve({ name: 'crun' }).form.root
  expect((await readdir(crun)).filter((name) => name.startsWith('seccomp-'))).toEqual([])
})
