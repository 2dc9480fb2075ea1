import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FileDirectories } from '../../../../src/backends/host/file-directories.js'
import { abandonedIn, hide, Removals } from '../../../../src/backends/host/removals.js'

let directory: string
let removals: Removals
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-'))
  removals = new Removals()
})
afterEach(async () => {
  await removals.close()
  await rm(directory, { recursive: true })
})
async function tree(name: string): Promise<string> {
  const path = join(directory, name)
  await mkdir(join(path, 'a/b'), { recursive: true })
  await writeFile(join(path, 'a/b/file'), 'x')
  return path
}

it('what is hidden is gone from its place at once, and nothing is left when all is closed', async () => {
  const path = await tree('one')
  const hidden = hide(path)
  expect(hidden?.startsWith(directory)).toBe(true)
  expect(existsSync(path)).toBe(false)
  expect(hide(path), 'absent').toBeUndefined()
  await removals.later([hidden ?? ''])
  expect(await readdir(directory)).toHaveLength(1)
  await removals.close()
  expect(await readdir(directory)).toEqual([])
})
it('goes by itself within seconds, names that look like options included', async () => {
  await removals.later([await tree('-rf'), await tree('two words')])
  await expect.poll(() => readdir(directory), { timeout: 10_000 }).toEqual([])
})
it('what is not there is success; what cannot go is traced', async () => {
  const traced = vi.fn()
  removals = new Removals(traced)
  await removals.later([join(directory, 'nothing')])
  await removals.close()
  expect(traced).not.toHaveBeenCalled()
  await removals.later(['/proc/self/environ'])
  await removals.close()
  expect(traced).toHaveBeenCalledWith(expect.objectContaining({ kind: 'undo', name: 'remove "/proc/self/environ"' }))
})
it('only what the dead have hidden is abandoned', async () => {
  hide(await tree('mine'))
  for (const name of ['.removed-2-1-aa', '.removed-', 'removed-2-1-aa', '.new-2-1-aa']) await mkdir(join(directory, name))
  expect([...abandonedIn(directory)].sort()).toEqual([join(directory, '.removed-'), join(directory, '.removed-2-1-aa')])
  expect(abandonedIn(join(directory, 'nowhere'))).toEqual([])
})
it('directories of containers do not list what is hidden, and sweep what the dead have hidden', async () => {
  await tree('.removed-2-1-aa')
  await tree('kept')
  await tree('gone')
  const directories = new FileDirectories(directory, removals)
  await directories.remove('gone')
  const listed: string[] = []
  for await (const name of directories.list()) listed.push(name)
  expect(listed).toEqual(['kept'])
  await removals.close()
  expect(await readdir(directory)).toEqual(['kept'])
})
