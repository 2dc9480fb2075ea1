import assert from 'node:assert/strict'
import { isEngineError } from '../errors.js'
import type { ContainerDirectories } from '../ports/engine/directories.js'
import { type Case, collect, defineSuite, type Implementation, type TestApi } from './suite.js'

/** Two views of one root, as two processes have them. */
export interface DirectoriesSubject {
  readonly mine: ContainerDirectories
  readonly theirs: ContainerDirectories
  /** What is in the file at a path that `write` gave; `undefined` when it is not there. */
  read(path: string): Promise<string | undefined>
  /** Something that stays the same as long as it is the same file. */
  identity(path: string): Promise<string>
}

const id = 'ab'.repeat(32)
const other = 'cd'.repeat(32)
const invalid = (error: unknown): boolean => isEngineError(error, 'invalid_argument')

async function ids(directories: ContainerDirectories): Promise<string[]> {
  const found: string[] = []
  for await (const one of directories.list()) found.push(one)
  return found.sort()
}

const cases: readonly Case<DirectoriesSubject, never>[] = [
  {
    title: 'write makes the directory and answers with the path of the file in it',
    async run({ mine, theirs, read }) {
      assert.deepEqual(await ids(mine), [])
      const path = await mine.write(id, 'etc/hosts', '127.0.0.1 localhost\n')
      assert.equal(path, `${theirs.path(id)}/etc/hosts`)
      assert.equal(path.startsWith('/'), true)
      assert.equal(await read(path), '127.0.0.1 localhost\n')
      assert.deepEqual(await ids(theirs), [id])
    },
  },
  {
    title: 'a second write leaves nothing of the first and is the same file',
    async run({ mine, theirs, read, identity }) {
      const path = await mine.write(id, 'etc/hosts', 'a long text\n')
      const before = await identity(path)
      await theirs.write(id, 'etc/hosts', 'short\n')
      assert.equal(await read(path), 'short\n')
      assert.equal(await identity(path), before)
      await mine.write(id, 'etc/hosts', '')
      assert.equal(await read(path), '')
    },
  },
  {
    title: 'remove takes all of one container and nothing of another; absent is success',
    async run({ mine, theirs, read }) {
      const gone = await mine.write(id, 'etc/hosts', 'x')
      await mine.write(id, 'log/000001.stdout', 'x')
      const kept = await mine.write(other, 'etc/hosts', 'y')
      await theirs.remove(id)
      await theirs.remove(id)
      assert.equal(await read(gone), undefined)
      assert.equal(await read(kept), 'y')
      assert.deepEqual(await ids(mine), [other])
    },
  },
  {
    title: 'ids and names that lead elsewhere are invalid_argument',
    async run({ mine }) {
      for (const bad of ['', '.', '..', 'a/b', '/a', '.hidden']) {
        assert.throws(() => mine.path(bad), invalid, bad)
        await assert.rejects(mine.write(bad, 'x', ''), invalid, bad)
        await assert.rejects(mine.remove(bad), invalid, bad)
      }
      for (const bad of ['', '.', '..', '../x', 'a/../../x', '/etc/hosts', 'a//b', 'a/']) {
        await assert.rejects(mine.write(id, bad, ''), invalid, bad)
      }
      assert.deepEqual(await ids(mine), [])
    },
  },
  {
    title: 'an aborted call rejects with the reason and has changed nothing',
    async run({ mine }) {
      await mine.write(id, 'x', '')
      const signal = AbortSignal.abort(new Error('enough'))
      await assert.rejects(mine.write(other, 'x', '', { signal }), { message: 'enough' })
      await assert.rejects(mine.remove(id, { signal }), { message: 'enough' })
      await assert.rejects(collect(mine.list({ signal })), { message: 'enough' })
      assert.deepEqual(await ids(mine), [id])
    },
  },
]

export function directoriesSuite(implementation: Implementation<DirectoriesSubject, never>, api: TestApi): void {
  defineSuite('ContainerDirectories', cases, implementation, api)
}
