import { expect, it } from 'vitest'
import { findProgram, runProgram } from '../../../../src/backends/host/programs.js'
import { isEngineError } from '../../../../src/errors.js'

it('arguments reach the program as they are', async () => {
  const args = ['$(id)', "'; true '", 'a b', '', '\n']
  expect(String(await runProgram('printf', ['[%s]', ...args]))).toBe(args.map((one) => `[${one}]`).join(''))
})

it('input that the program does not read is no error', async () => {
  expect(String(await runProgram('true', [], { input: Buffer.alloc(1 << 20) }))).toBe('')
})

it('an exit other than 0 is internal, on one line, with the code', async () => {
  await expect(runProgram('sh', ['-c', 'echo one >&2; echo two >&2; exit 3'])).rejects.toMatchObject({
    code: 'internal',
    exitCode: 3,
    message: '"sh" ended with 3: one; two',
  })
  await expect(runProgram('sh', ['-c', 'kill -9 $$'])).rejects.toThrow('"sh" ended with SIGKILL')
})

it('a program that prints without end is ended and resource_exhausted', async () => {
  await expect(runProgram('cat', ['/dev/zero'])).rejects.toSatisfy((error) => isEngineError(error, 'resource_exhausted'))
})

it('an abort ends the program, also when somebody else still holds its output', async () => {
  const abort = new AbortController()
  const running = runProgram('sh', ['-c', 'sleep 5 & echo $!; wait'], { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(running).rejects.toThrow('enough')
})

it('a program is looked up in the usual folders whatever PATH says, never relative to the working directory', async () => {
  const path = process.env['PATH']
  try {
    process.env['PATH'] = '.:relative'
    expect(await findProgram('sh')).toMatch(/^\/(usr\/)?bin\/sh$/)
    expect(await findProgram('./sh')).toBeUndefined()
    expect(await findProgram('package.json')).toBeUndefined()
  } finally {
    process.env['PATH'] = path
  }
  await expect(runProgram('no-such-program', [])).rejects.toThrow('"no-such-program" is not on PATH')
})
