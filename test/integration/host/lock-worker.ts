// A process that uses the locks of a root: `hold`, or `count` up a number in a file until its stdin ends.
import { spawn } from 'node:child_process'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openFileLocks } from '../../../src/backends/host/file-locks.js'

const [root = '', mode = 'hold'] = process.argv.slice(2)
const say = (text: string): Promise<void> => new Promise((resolve) => process.stdout.write(`${text}\n`, () => resolve()))

if (mode === 'hold') {
  const locks = await openFileLocks(root)
  await locks.acquire('k')
  await locks.acquire('other')
  // What it starts must not keep the lock when it is killed.
  const { pid } = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' })
  await say(`held ${pid}`)
  process.stdin.resume()
  await new Promise(() => {})
}

if (mode === 'count') {
  let stop = false
  process.stdin.resume().on('end', () => {
    stop = true
  })
  await using locks = await openFileLocks(root)
  const path = join(root, 'number')
  while (!stop) {
    await using _lock = await locks.acquire('k')
    // Without the lock, all of this loses counts.
    const number = Number(await readFile(path, 'utf8'))
    if (!Number.isInteger(number)) throw new Error('half a number')
    await writeFile(join(root, 'inside'), String(process.pid))
    {
      await using file = await open(path, 'r+')
      await file.write(String(number + 1).padStart(10, '0'), 0)
    }
    if ((await readFile(join(root, 'inside'), 'utf8')) !== String(process.pid)) throw new Error('not alone')
    await say('counted')
  }
}

if (mode === 'open') {
  for (;;) {
    await using locks = await openFileLocks(root)
    await using _lock = await locks.acquire(`key ${process.pid}`)
    await say('opened')
  }
}
