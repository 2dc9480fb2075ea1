import assert from 'node:assert/strict'
import { type EngineError, isEngineError } from '../errors.js'
import type { Mount } from '../model/common.js'
import type { Host, MountedTree } from '../ports/engine/host.js'
import { type Case, collect, defineSuite, type Implementation, type TestApi } from './suite.js'

/** `mounts`: the rights to mount. `netns`: to make network namespaces where nobody minds. */
export type HostCapability = 'mounts' | 'netns'

export interface HostSubject {
  readonly host: Host
  readonly programs: {
    /** Prints `hello` without a newline. */
    readonly hello: Program
    /** Prints what it is given as input. */
    readonly copy: Program
    /** Exits with a code other than 0 after `it broke` on stderr. */
    readonly failing: Program
    /** Ends by itself long after the test. */
    readonly endless: Program
  }
  /** Two trees; each has a file `name` with a text of its own. */
  readonly trees: readonly { readonly mounts: readonly Mount[]; readonly text: string }[]
  /** Mounts of which the last is impossible. */
  readonly brokenMounts: readonly Mount[]
  read(tree: MountedTree, name: string): Promise<string>
  /** Mounts that others can see: nothing of ours may be among them. */
  visibleMounts(): Promise<readonly string[]>
}
export interface Program {
  readonly file: string
  readonly args: readonly string[]
}

const failsWith = (code: EngineError['code']) => (error: unknown) => isEngineError(error, code)

const cases: readonly Case<HostSubject, HostCapability>[] = [
  {
    title: 'facts stay as they are',
    async run({ host }) {
      assert.deepEqual(await host.facts(), await host.facts())
      for (const { name, why } of await host.checks()) assert.ok(name !== '' && why !== '')
      await assert.rejects(host.facts({ signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
    },
  },
  {
    title: 'run resolves with what the program prints, and gives it its input',
    async run({ host, programs }) {
      assert.equal(String(await host.run(programs.hello.file, programs.hello.args)), 'hello')
      const input = Buffer.alloc(300_000, 'x')
      assert.deepEqual(Buffer.from(await host.run(programs.copy.file, programs.copy.args, { input })), input)
    },
  },
  {
    title: 'run throws internal with what a failing program said, failed_precondition without a program',
    async run({ host, programs }) {
      await assert.rejects(host.run(programs.failing.file, programs.failing.args), (error: Error) => {
        return isEngineError(error, 'internal') && error.message.includes('it broke') && !error.message.includes('\n')
      })
      await assert.rejects(host.run('no-such-program-anywhere', []), failsWith('failed_precondition'))
    },
  },
  {
    title: 'run rejects with the reason of an abort, before and while it runs',
    async run({ host, programs }) {
      const abort = new AbortController()
      const running = host.run(programs.endless.file, programs.endless.args, { signal: abort.signal })
      abort.abort(new Error('enough'))
      await assert.rejects(running, { message: 'enough' })
      await assert.rejects(host.run(programs.hello.file, programs.hello.args, { signal: abort.signal }), { message: 'enough' })
    },
  },
  {
    title: 'private trees are seen by their roots and by nobody else, each for itself',
    needs: 'mounts',
    async run({ host, trees, read, visibleMounts }) {
      const before = await visibleMounts()
      const opened = await Promise.all(trees.map(({ mounts }) => host.mountPrivately(mounts)))
      assert.deepEqual(await visibleMounts(), before)
      const texts = await Promise.all(opened.map((tree) => read(tree, 'name')))
      assert.deepEqual(
        texts,
        trees.map(({ text }) => text),
      )
      const [first] = opened
      await Promise.all([first?.close(), first?.close()])
      await assert.rejects(read(first as MountedTree, 'name'))
      for (const tree of opened) await tree.close()
    },
    async otherwise({ host, trees }) {
      await assert.rejects(host.mountPrivately(trees[0]?.mounts ?? []), (error) => isEngineError(error))
    },
  },
  {
    title: 'a mount that fails or is aborted rejects and leaves nothing',
    needs: 'mounts',
    async run({ host, trees, brokenMounts, visibleMounts }) {
      const before = await visibleMounts()
      await assert.rejects(host.mountPrivately(brokenMounts), (error) => isEngineError(error))
      const abort = new AbortController()
      const mounting = host.mountPrivately(trees[0]?.mounts ?? [], { signal: abort.signal })
      abort.abort(new Error('enough'))
      await assert.rejects(mounting, { message: 'enough' })
      assert.deepEqual(await visibleMounts(), before)
    },
  },
  {
    title: 'a network namespace is there until it is removed; twice is success for both',
    needs: 'netns',
    async run({ host }) {
      const path = await host.createNetns('one')
      assert.equal(path.startsWith('/'), true)
      assert.equal(await host.createNetns('one'), path)
      await host.createNetns('two')
      assert.deepEqual((await collect(host.listNetns())).sort(), ['one', 'two'])
      for (const name of ['one', 'one', 'two', 'never']) await host.removeNetns(name)
      assert.deepEqual(await collect(host.listNetns()), [])
    },
  },
  {
    title: 'names of network namespaces that lead elsewhere are invalid_argument',
    async run({ host }) {
      for (const name of ['', '.', '..', 'a/b', '../x', 'x'.repeat(300), 'a b']) {
        await assert.rejects(host.createNetns(name), failsWith('invalid_argument'), name)
        await assert.rejects(host.removeNetns(name), failsWith('invalid_argument'), name)
      }
    },
  },
]

export function hostSuite(implementation: Implementation<HostSubject, HostCapability>, api: TestApi): void {
  defineSuite('Host', cases, implementation, api)
}
