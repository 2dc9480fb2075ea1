import { mkdir, mkdtemp, readdir, readlink, realpath, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type FileLocks, openFileLocks } from '../../../../src/backends/host/file-locks.js'
import { openRunDirectory, type RunDirectory } from '../../../../src/backends/host/run-directory.js'

const id = '7c1d8a1e-52ef-4a5c-9c0e-2f5a3a6b9d10'
let top: string
let root: string
/** In memory, as /run is. */
let parent: string
let opened: FileLocks[]

beforeEach(async () => {
  top = await mkdtemp(join(tmpdir(), 'run-directory-'))
  root = join(top, 'root')
  await mkdir(root)
  parent = await mkdtemp('/dev/shm/run-directory-')
  opened = []
})
afterEach(async () => {
  for (const locks of opened) await locks.close()
  for (const path of [top, parent]) await rm(path, { recursive: true })
})
async function another(): Promise<FileLocks> {
  const locks = await openFileLocks(root)
  opened.push(locks)
  return locks
}
const open = async (locks?: FileLocks): Promise<RunDirectory> => openRunDirectory({ root, id, parent, locks: locks ?? (await another()) })

it('is in memory, for its owner alone, and the same for all who have the root open', async () => {
  const [first, second] = [await open(), await open()]
  expect(first.path).toBe(join(parent, 'pouch-sdk', id))
  expect(second.path).toBe(first.path)
  expect(await realpath(join(root, 'run'))).toBe(first.path)
  expect((await stat(first.path)).mode & 0o777).toBe(0o700)
})

it('is one of the root where the place for all roots is open to others', async () => {
  await mkdir(join(parent, 'pouch-sdk'), { mode: 0o755 })
  expect((await open()).path).toBe(join(root, 'run'))
  expect(await readdir(join(parent, 'pouch-sdk'))).toEqual([])
})

it('goes with the last who has the root open, and not before', async () => {
  const [one, two] = [await another(), await another()]
  const [first, second] = [await open(one), await open(two)]
  await mkdir(join(first.path, 'records/names'), { recursive: true })
  await first.close()
  await one.close()
  expect(await readdir(second.path)).toContain('records')
  await second.close()
  expect(await readdir(join(parent, 'pouch-sdk'))).toEqual([])
  expect(await readdir(root)).not.toContain('run')
})

it('stays while there is a file in it, and is found by who comes next', async () => {
  const locks = await another()
  const first = await open(locks)
  await mkdir(join(first.path, 'containers/c1'), { recursive: true })
  await writeFile(join(first.path, 'containers/c1/hosts'), '')
  await first.close()
  await locks.close()
  const second = await open()
  expect(second.path).toBe(first.path)
  expect(await readdir(join(second.path, 'containers'))).toEqual(['c1'])
})

it('is made anew when it went with the last boot', async () => {
  const locks = await another()
  const first = await open(locks)
  await locks.close()
  await rm(join(parent, 'pouch-sdk'), { recursive: true })
  expect((await open()).path).toBe(first.path)
  expect(await readdir(first.path)).toEqual(['root-id'])
})

it('is refused where another process has one that is not to be seen from here', async () => {
  await open()
  await rm(join(parent, 'pouch-sdk'), { recursive: true })
  await expect(open()).rejects.toMatchObject({ code: 'failed_precondition', message: expect.stringContaining(root) })
})

it('what lies in its place and is not of this root is not used', async () => {
  const strange = join(top, 'strange')
  await mkdir(strange, { mode: 0o700 })
  await writeFile(join(strange, 'root-id'), 'of another root')
  await symlink(strange, join(root, 'run'))
  const { path } = await open()
  expect(path).toBe(join(parent, 'pouch-sdk', id))
  expect(await readlink(join(root, 'run'))).toBe(path)
  expect(await readdir(strange)).toEqual(['root-id'])
})

it('is a directory of the root where there is no memory for it, and then it stays', async () => {
  const locks = await another()
  const first = await openRunDirectory({ root, id, locks, parent: join(top, 'no-such-place') })
  expect(first.path).toBe(join(root, 'run'))
  await first.close()
  expect((await open(locks)).path).toBe(first.path)
})
