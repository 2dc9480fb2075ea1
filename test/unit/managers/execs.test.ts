import { expect, it } from 'vitest'
import { startContainer } from '../../../src/managers/container/start.js'
import { ExecManager } from '../../../src/managers/execs.js'
import { id, Root } from './container/root.js'

it('an exec whose container has ended is forgotten also where that end has not been told yet', async () => {
  const root = await Root.with()
  await startContainer(root.process('A'), id)
  const { tasks } = root
  const execs = new ExecManager({
    records: root.records,
    tasks: {
      find: (ref, options) => tasks.find(ref, options),
      exec: (request, options) => tasks.exec(request, options),
      kill: (ref, signal, options) => tasks.kill(ref, signal, options),
      delete: (ref, options) => tasks.delete(ref, options),
      io: tasks.io,
      // Of the container itself: never.
      wait: (ref, options) => (ref.execId === undefined ? new Promise(() => {}) : tasks.wait(ref, options)),
    },
    buildProcess: async (_, { command }) => ({ args: command }),
    failed: () => {},
  })
  const exec = await execs.create(id, { command: ['sleep', '1000'] })
  await execs.start(exec)
  expect((await execs.get(exec)).state.status).toBe('running')
  await tasks.kill({ containerId: id }, 'SIGKILL')
  await expect(execs.get(exec)).rejects.toMatchObject({ code: 'not_found' })
})
