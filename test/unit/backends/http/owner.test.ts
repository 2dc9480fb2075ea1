import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { isGone, Owner } from '../../../../src/backends/http/owner.js'

async function partsOf(owner: Owner): Promise<readonly string[]> {
  return (await owner.label()).split('/')
}
const startOf = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

describe('owners', () => {
  it('an engine that is open is alive, one that was closed is gone', async () => {
    const owner = new Owner()
    const label = await owner.label()
    expect(await isGone(label)).toBe(false)
    owner.close()
    expect(await isGone(label)).toBe(true)
  })

  it('another process is alive until it ends, and a later one with its number is not taken for it', async () => {
    const [place = '', boot = ''] = await partsOf(new Owner())
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const started = await startOf(child.pid ?? 0)
    const label = [place, boot, child.pid, started, 'engine'].join('/')
    expect(await isGone(label)).toBe(false)
    expect(await isGone([place, boot, child.pid, '1', 'engine'].join('/'))).toBe(true)
    child.kill()
    await once(child, 'exit')
    expect(await isGone(label)).toBe(true)
  })

  it('an earlier boot of this machine is gone; another machine, and what is no label, are left alone', async () => {
    const [place = '', boot = '', pid = '', started = '', engine = ''] = await partsOf(new Owner())
    expect(await isGone([place, 'earlier', pid, started, engine].join('/'))).toBe(true)
    expect(await isGone(['elsewhere', boot, '1', '1', engine].join('/'))).toBe(false)
    for (const label of ['', 'x', '////', [place, boot, 'pid', '1', engine].join('/'), [place, boot, '1'].join('/')])
      expect(await isGone(label)).toBe(false)
  })
})
