// A program that embeds an engine and is killed before its n-th step. Its one argument is JSON.
import { writeSync } from 'node:fs'
import { Engine } from '../../../src/api/engine.js'
import { openRoom, type Room } from '../open-room.js'

export interface KilledProgram {
  readonly room: Room
  readonly image: string
  readonly cgroupParent: string
  readonly work: 'pull' | 'run' | 'detached' | 'exec'
  /** The step before which it dies: the first is 1. */
  readonly dieAt: number
}

const { room, image, cgroupParent, work, dieAt } = JSON.parse(process.argv[2] ?? '') as KilledProgram
let step = 0
let counting = false
const backend = await openRoom(room, (name) => {
  if (!counting || ++step < dieAt) return
  writeSync(1, `${name}\n`)
  process.kill(process.pid, 'SIGKILL')
})
const engine = new Engine(backend)
counting = true
switch (work) {
  case 'pull':
    await engine.images.pull(image)
    break
  case 'run':
    await engine.containers.run({ image, cgroupParent, command: ['echo', 'hello'] })
    break
  case 'detached': {
    const container = await engine.containers.create({
      image,
      cgroupParent,
      name: 'detached',
      command: ['sh', '-c', 'echo begun; sleep 0.05; echo done; exit 3'],
    })
    await container.start()
    await container.wait()
    await container.remove()
    break
  }
  case 'exec': {
    const container = await engine.containers.createOwned({ image, cgroupParent, command: ['sleep', '60'] })
    await container.start()
    await container.exec(['true'])
    await container.remove({ force: true })
    break
  }
}
counting = false
await engine.close()
process.stdout.write(`finished after ${step} steps\n`)
