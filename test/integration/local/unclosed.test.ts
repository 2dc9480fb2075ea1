import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openLocal } from '../../../src/backends/local/open.js'
import { bundleProgram } from '../../setup/child-program.js'
import { processesLeft } from '../../setup/outside.js'
import { busyboxRoot } from '../../setup/task-subject.js'

it('a program that forgets to close its engine ends when it has nothing else to do, and leaves no process', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-unclosed-'))
  const root = join(directory, 'root')
  await using programs = await bundleProgram('unclosed')
  const child = programs.start([root, await busyboxRoot(directory)])
  expect(await child.next()).toBe(0)
  expect(await child.exited).toBe(0)
  expect(await processesLeft(directory)).toEqual([])
  await (await openLocal({ root })).close()
  await rm(directory, { recursive: true })
})
