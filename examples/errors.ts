// What can go wrong, told apart by its code. errors.ts [IMAGE]
import { CommandError, connect, isEngineError } from 'pouch-sdk'

const [image = 'busybox:1.36'] = process.argv.slice(2)

await using engine = await connect()
try {
  await engine.containers.get('nobody')
} catch (error) {
  if (!isEngineError(error, 'not_found')) throw error
  console.log(error.message)
}

// `run` and `exec` resolve with the exit code, whatever it is, unless they are asked to check it.
try {
  await engine.containers.run({ image, command: ['ls', '/nowhere'] }, { check: true })
} catch (error) {
  if (!(error instanceof CommandError)) throw error
  console.log(error.exitCode, error.stderr.toString().trim())
}

// A command that is not there is no exit of it: nothing ran.
try {
  await engine.containers.run({ image, entrypoint: [], command: ['no-such-command'] })
} catch (error) {
  if (!isEngineError(error, 'failed_precondition')) throw error
  console.log(error.exitCode)
}

// Options are checked: the message names what is wrong.
try {
  await engine.containers.create({ image, resources: { memoryBytes: -1 } })
} catch (error) {
  console.log((error as Error).message)
}
