// A container and an exec that are given all of their input, its end, and go on to say something.
import type { ExitStatus } from '../../src/model/process.js'
import type { Backend } from '../../src/ports/backend/backend.js'
import type { Attachment } from '../../src/ports/streams.js'
import { type Output, readAll, shell } from '../../src/conformance/tasks/subject.js'
import { chunks } from './images.js'

export interface Fed extends Output {
  readonly exitCode: ExitStatus['exitCode']
}
/** What both say who read to the end: the md5 sum of their input, and then a line on each stream. */
export async function fedProcesses(backend: Backend, image: string, input: Uint8Array): Promise<readonly Fed[]> {
  const { containers, execs } = backend
  const command = shell('md5sum; echo after the end; echo apart >&2')
  const id = await containers.create({ image, command, networkMode: 'none', stdin: true })
  const other = await containers.create({ image, command: ['sleep', '100000'], networkMode: 'none' })
  try {
    const first = await fed(await containers.start(id, { attach: { stdin: true } }), input)
    const { exitCode } = await containers.wait(id)
    await containers.start(other)
    const exec = await execs.create(other, { command, stdin: true })
    const second = await fed(await execs.start(exec, { attach: { stdin: true } }), input)
    return [
      { ...first, exitCode },
      { ...second, exitCode: (await execs.wait(exec)).exitCode },
    ]
  } finally {
    for (const one of [id, other]) await containers.remove(one, { force: true })
  }
}

async function fed(attachment: Attachment | undefined, input: Uint8Array): Promise<Output> {
  try {
    for await (const chunk of chunks(input)) await attachment?.write(chunk)
    await attachment?.closeStdin()
    return await readAll(attachment)
  } finally {
    await attachment?.close()
  }
}
