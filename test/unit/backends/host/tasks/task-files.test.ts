import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Removals } from '../../../../../src/backends/host/removals.js'
import { type ProcessFiles, TaskFiles, type TaskState } from '../../../../../src/backends/host/tasks/task-files.js'

let directory: string
let tasks: TaskFiles
let removals: Removals
beforeEach(async () => {
  removals = new Removals()
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  tasks = new TaskFiles(directory, removals)
})
afterEach(async () => {
  await removals.close()
  await rm(directory, { recursive: true })
})

const claimant = { pid: 1, startTime: '2', bootId: 'b' }
const state = (token: string): TaskState => ({
  version: 1,
  containerId: 'c1',
  wireId: `c1-${token}`,
  claimant,
  runtime: 'runc',
  tty: false,
  sharedPids: false,
})
const exit = { exitCode: 3, exitedAt: new Date(5), oomKilled: undefined, lost: false }
const claim = async (token: string, place: ProcessFiles = tasks.place('c1', 'detached')): Promise<boolean> =>
  tasks.claim(await tasks.prepare(token, claimant, place), place, state(token))

it('of many claims exactly one wins, whole', async () => {
  const won = await Promise.all(['a', 'b', 'c', 'd'].map((token) => claim(token)))
  expect(won.filter((one) => one)).toHaveLength(1)
  expect(await tasks.of({ containerId: 'c1' }).state()).toEqual(state(['a', 'b', 'c', 'd'][won.indexOf(true)] ?? ''))
})
it('the first exit that is stored stands, and that of another run is none of this', async () => {
  await claim('a')
  const files = tasks.of({ containerId: 'c1' })
  expect(await files.storeExit(state('a'), exit)).toEqual(exit)
  expect(await files.storeExit(state('a'), { ...exit, exitCode: 9 })).toEqual(exit)
  expect(await files.exit(state('b'))).toBeUndefined()
  expect((await readdir(files.directory)).sort()).toEqual(['exit-a.json', 'state.json'])
})
it('an exit that power loss tore is lost for good', async () => {
  await claim('a')
  const files = tasks.of({ containerId: 'c1' })
  await writeFile(files.path('exit-a.json'), '{"exitCo')
  expect(await files.exit(state('a'))).toBeUndefined()
  expect(await files.storeExit(state('a'), exit)).toMatchObject({ exitCode: 255, lost: true })
})
it('removal is success twice, and an exit or a signal for what is gone is no error', async () => {
  await claim('a')
  const files = tasks.of({ containerId: 'c1' })
  await files.remove()
  await files.remove()
  expect(await files.storeExit(state('a'), exit)).toBeUndefined()
  await files.addSignal('SIGTERM')
  expect(await claim('b'), 'the place is free at once').toBe(true)
  await files.remove()
  await removals.close()
  expect(await readdir(directory)).toEqual([])
})
it('what the dead were making is a leftover, and not what the living are', async () => {
  await tasks.prepare('x', claimant, tasks.place('c1', 'detached'))
  await tasks.prepare('y', { ...claimant, pid: 77 }, tasks.place('c1', 'detached'))
  const left = await tasks.leftovers(async (pid) => pid === 77)
  expect(left.map(({ directory: path }) => path)).toEqual([join(directory, '.new-1-2-x')])
})
it('what the dead were removing is a leftover, and not what the living are', async () => {
  await claim('a')
  await tasks.of({ containerId: 'c1' }).remove()
  const left = async () => (await tasks.leftovers(async () => true)).map(({ directory: path }) => basename(path))
  expect(await left()).toEqual([])
  const dead = ['.removed-2-1-abc', '.removed-abc', `.removed-${process.pid}-1-abc`]
  for (const name of dead) await mkdir(join(directory, name))
  expect((await left()).sort()).toEqual(dead.sort())
})
it('an id can name nothing outside', () => {
  expect(tasks.of({ containerId: '../../etc' }).directory.startsWith(`${directory}/`)).toBe(true)
  expect(tasks.of({ containerId: 'c1', execId: '../x' }).directory.startsWith(join(directory, 'c1/execs/'))).toBe(true)
})
it('tasks of owners are in a place of their own, and found like the others', async () => {
  const owned = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  tasks = new TaskFiles(directory, removals, owned)
  expect(await claim('a', tasks.place('c1', 'owned'))).toBe(true)
  expect(await readdir(owned)).toEqual(['c1'])
  expect(await readdir(directory)).toEqual([])
  expect(await tasks.of({ containerId: 'c1' }).state()).toEqual(state('a'))
  const listed: string[] = []
  for await (const { files } of tasks.list()) listed.push(files.directory)
  expect(listed).toEqual([join(owned, 'c1')])
  await tasks.prepare('x', { ...claimant, pid: 77 }, tasks.of({ containerId: 'c1', execId: 'e1' }))
  expect((await tasks.leftovers(async () => false)).map(({ directory: path }) => path)).toEqual([join(owned, '.new-77-2-x')])
  await rm(owned, { recursive: true })
})
