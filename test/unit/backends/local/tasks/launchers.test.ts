import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  encodeWords,
  type LauncherProgram,
  perlLauncher,
  shellLauncher,
} from '../../../../../src/backends/local/tasks/launcher-programs.js'
import { type LaunchedCommand, type LaunchEnd, Launchers } from '../../../../../src/backends/local/tasks/launchers.js'
import { childrenHere } from '../../../../setup/outside.js'

const programs: readonly [string, LauncherProgram][] = [
  ['shells', shellLauncher(undefined)],
  // Nothing is mounted here, so no number is used.
  ['Perl', perlLauncher(undefined, [0, 0])],
]

interface Ran extends LaunchEnd {
  readonly stdout: string
}
describe.each(programs)('launchers that are %s', (_name, program) => {
  let directory: string
  let launchers: Launchers
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'launchers-'))
    launchers = new Launchers(program)
    return () => {
      rmSync(directory, { recursive: true })
    }
  })
  afterEach(() => launchers.close())

  function launch(
    descriptors: readonly (number | 'ignore')[],
    file: string,
    args: readonly string[],
    env: Record<string, string> = {},
  ): LaunchedCommand {
    return launchers.launch({ plan: { program: file, args, mounts: [], table: join(directory, 'mounts') }, env, descriptors })
  }
  async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
    const path = join(directory, 'stdout')
    const stdout = openSync(path, constants.O_CREAT | constants.O_TRUNC | constants.O_RDWR)
    try {
      const end = await launch(['ignore', stdout, 'ignore'], '/bin/sh', args, env).ended
      return { ...end, stdout: readFileSync(path, 'utf8') }
    } finally {
      closeSync(stdout)
    }
  }
  it('whose time is up get no more orders, whether they have ended or not', async () => {
    await launchers.close()
    for (const idleMs of [0, 1, 2, 5]) {
      launchers = new Launchers(program, { idleMs })
      for (let waitedMs = 0; waitedMs < 12; waitedMs += 1) {
        expect(await run(['-c', 'exit 3'])).toMatchObject({ code: 3, remark: '' })
        // Busy, so that the timer and the end of the process come in one turn of the loop, or in two.
        for (const until = performance.now() + waitedMs / 2; performance.now() < until; );
        await new Promise((resolve) => {
          setTimeout(resolve, waitedMs / 4)
        })
      }
      await launchers.close()
    }
  })
  it('hand over each word as it is', async () => {
    const words = ['', ' a  b ', 'two\nlines', '\n', 'ends with a line\n', `'"$(exit 3)\`\\n\\`, '*', '--', '.', '+', '!', 'ä\u{1f433}']
    const { stdout } = await run(['-c', String.raw`printf '%s\0' "$@"`, 'sh', ...words])
    expect(stdout.split('\0')).toEqual([...words, ''])
  })
  it('hand over variables, and nothing of their own', async () => {
    const { stdout } = await run(['-c', 'echo "$ONE|$TWO|$part|$line|$newline"; readlink /proc/$$/fd/0'], { ONE: `1 "'$x`, TWO: 'a\nb' })
    expect(stdout).toBe(`1 "'$x|a\nb|||\n/dev/null\n`)
  })
  it('tell the exit code, and that a signal ended it', async () => {
    expect(await run(['-c', 'exit 0'])).toMatchObject({ code: 0, remark: '' })
    expect(await run(['-c', 'exit 137'])).toMatchObject({ code: 137, remark: '' })
    expect(await run(['-c', 'kill -KILL $$'])).toMatchObject({ code: undefined, remark: expect.stringMatching(/^(Killed|signal 9)$/) })
    expect(await run(['-c', 'kill -TERM $$'])).toMatchObject({ code: undefined, remark: expect.stringMatching(/^(Terminated|signal 15)$/) })
  })
  it('leave no signal ignored', async () => {
    const { stdout } = await run(['-c', 'grep SigIgn /proc/$$/status'])
    const mine = /SigIgn:\s+([0-9a-f]+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
    const ignored = BigInt(`0x${/SigIgn:\s+([0-9a-f]+)/.exec(stdout)?.[1]}`)
    // Node resets what it ignores itself before it runs a child.
    expect(ignored & ~BigInt(`0x${mine}`)).toBe(0n)
    expect(ignored & 0b110n, 'SIGINT and SIGQUIT').toBe(0n)
  })
  it('a program that is not there has a code, a stream that is not there has none', async () => {
    expect(await launch(['ignore', 'ignore', 'ignore'], '/no/such/program', []).ended).toMatchObject({ code: 127, remark: '' })
    expect(await launch(['ignore', 'ignore', 'ignore'], '/etc/passwd', []).ended).toMatchObject({ code: 126, remark: '' })
    const end = await launch(['ignore', 999_999, 'ignore'], '/no/such/program', []).ended
    expect(end).toMatchObject({ code: undefined, remark: expect.stringContaining('/fd/999999') })
    expect(await run(['-c', 'exit 4']), 'goes on').toMatchObject({ code: 4 })
  })
  it('run a program for its effect, and tell that it failed', async () => {
    const path = join(directory, 'made')
    await launchers.run('mkfifo', ['-m', '600', path])
    expect(statSync(path).isFIFO()).toBe(true)
    await expect(launchers.run('mkfifo', [path])).rejects.toMatchObject({ message: '"mkfifo" ended with 1', exitCode: 1 })
    await expect(launchers.run('no-such-program', [])).rejects.toMatchObject({ exitCode: 127 })
  })
  it('kill what they run, and the next has another one', async () => {
    const launched = launch(['ignore', 'ignore', 'ignore'], '/bin/sleep', ['1000'])
    launched.kill()
    expect(await launched.ended).toMatchObject({ code: undefined })
    expect(await run(['-c', 'exit 5'])).toMatchObject({ code: 5 })
  })
  it('one serves many in turn, as many as need be serve at once, and none is left after closing', async () => {
    const before = (await childrenHere()).length
    for (let count = 0; count < 5; count += 1) await run(['-c', 'exit 0'])
    expect(await childrenHere()).toHaveLength(before + 1)
    await Promise.all(Array.from({ length: 20 }, () => run(['-c', 'sleep 0.1'])))
    expect((await childrenHere()).length).toBeLessThanOrEqual(before + 20)
    await launchers.close()
    expect(await childrenHere()).toHaveLength(before)
  })
})

it('words are lines', () => {
  expect(encodeWords(['a', '', 'b\nc'])).toBe('.a\n.\n+b\n.c\n!\n')
})
