import { expect, it } from 'vitest'
import { Exits } from '../../../../../src/backends/host/tasks/exits.js'

type Arguments = ConstructorParameters<typeof Exits>
type Watched = Parameters<Exits['watch']>
const ended = { exitStatus: 0, exitedAt: new Date(1) }
const log = '/containers/c/log'

it('the log of a process whose end is told is waited for until its output is copied, that of another is not', async () => {
  let copied = (): void => {}
  const carrier = {
    wait: async () => ended,
    release: () =>
      new Promise<void>((resolve) => {
        copied = resolve
      }),
  } as unknown as Arguments[0]
  const files = { exit: async () => undefined, storeExit: async () => undefined, signals: async () => [] } as unknown as Watched[0]
  const cgroups = { oomKills: async () => 0 } as unknown as Arguments[1]
  const exits = new Exits(
    carrier,
    cgroups,
    async () => {},
    () => {},
  )
  const watch = exits.watch(files, { containerId: 'c', wireId: 'c-1', log } as Watched[1])
  await exits.copied(log) // its end is not told yet: nobody waits
  await watch.exit
  const told: string[] = []
  const waiting = exits.copied(log).then(() => told.push('copied'))
  await exits.copied('/containers/d/log')
  told.push('other')
  copied()
  await waiting
  expect(told).toEqual(['other', 'copied'])
  await exits.copied(log)
})
