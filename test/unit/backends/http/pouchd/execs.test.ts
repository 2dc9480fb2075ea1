// Further processes on pouchd, as they were recorded.
import { describe, expect, it } from 'vitest'
import { readAll } from '../../../../../src/conformance/tasks/subject.js'
import type { ExecSpec } from '../../../../../src/model/exec.js'
import { type PouchdReplay, withPouchd } from '../../../../setup/pouchd.js'
import { type Expected, recordings } from '../../../../setup/replay.js'

const exec = await recordings('pouchd-1.3.0-exec')
const life = await recordings('pouchd-1.3.0-life')
const attach = await recordings('pouchd-1.3.0-attach')
const container = '6229333de4f5cd6f52968af5e5d4affc069277417bb95116125659b9c396ca5e'
const plain = { Env: [], Tty: false, Privileged: false, AttachStdin: false, AttachStdout: true, AttachStderr: true }
const upgrade = { connection: 'Upgrade', upgrade: 'tcp' }

/** Asks for an exec that the daemon calls by the recorded id, which is given back. */
async function create({ backend, expect: asks }: PouchdReplay, recorded: string, spec: ExecSpec, body: object = {}): Promise<string> {
  asks(`POST /containers/${container}/exec`, exec(recorded), { body: { ...plain, Cmd: spec.command, ...body } })
  const id = await backend.execs.create(container, spec)
  expect(id).toBe((exec(recorded).body as { readonly Id: string }).Id)
  return id
}
function starts({ expect: asks }: PouchdReplay, id: string, recorded: string, request: Omit<Expected, 'method' | 'path'> = {}): void {
  asks(`POST /exec/${id}/start`, exec(recorded), { body: { Detach: false, Tty: false }, headers: upgrade, ...request })
}

/** An exec is forgotten with the run of its container in which it ended. */
function lives({ expect: asks }: PouchdReplay): void {
  asks(`GET /containers/${container}/json`, exec('container running'), { repeats: true })
}

describe.each([
  { answer: 'started, 200', created: 'created', after: 'inspect exited 5', exitCode: 5 },
  { answer: 'started, 101', created: 'created for 101', after: 'inspect exited 0', exitCode: 0 },
])('an exec that is answered as "$answer"', ({ answer, created, after, exitCode }) => {
  it('tells its streams apart, and its exit code when they have ended', () =>
    withPouchd('1.3.0', async (daemon) => {
      const { backend, expect: asks } = daemon
      const id = await create(daemon, created, { command: ['sh', '-c', 'script'] })
      starts(daemon, id, answer)
      asks(`GET /exec/${id}/json`, exec(after), { repeats: true })
      const attachment = await backend.execs.start(id, { attach: { stdin: false } })
      expect(await readAll(attachment)).toEqual({ stdout: 'out\n', stderr: 'err\n' })
      lives(daemon)
      expect(await backend.execs.wait(id)).toMatchObject({ exitCode, lost: false })
    }))
})

it('an exec that has not begun is not taken for one that ended well, of which the daemon says the same', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created', { command: ['sh'] })
    // Silent, as the connection to a container before its start.
    asks(`POST /exec/${id}/start`, attach('before start'), { body: { Detach: false, Tty: false } })
    asks(`GET /exec/${id}/json`, exec('inspect created'))
    asks(`GET /exec/${id}/json`, exec('inspect created'))
    asks(`GET /exec/${id}/json`, exec('inspect running'))
    const attachment = await backend.execs.start(id, { attach: { stdin: false } })
    asks(`GET /exec/${id}/json`, exec('inspect running'))
    asks(`GET /exec/${id}/json`, exec('inspect exited 5'), { repeats: true })
    expect(await backend.execs.wait(id)).toMatchObject({ exitCode: 5 })
    await attachment?.close()
  }))

it('input goes to its end, and the output comes after it', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created for stdin', { command: ['cat'], stdin: true }, { AttachStdin: true })
    starts(daemon, id, 'started for stdin', { input: 'hello\n' })
    asks(`GET /exec/${id}/json`, exec('inspect running'), { repeats: true })
    const attachment = await backend.execs.start(id, { attach: { stdin: true } })
    await attachment?.write(Buffer.from('hello\n'))
    await attachment?.closeStdin()
    asks(`GET /exec/${id}/json`, exec('inspect for stdin'), { repeats: true })
    expect(await readAll(attachment)).toEqual({ stdout: 'hello\n', stderr: '' })
    lives(daemon)
    expect(await backend.execs.wait(id)).toMatchObject({ exitCode: 0 })
  }))

it('a terminal has no frames, and its size is set when there is a process to have it', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created with a terminal', { command: ['sh'], tty: true }, { Tty: true })
    starts(daemon, id, 'started with a terminal', { body: { Detach: false, Tty: true } })
    asks(`GET /exec/${id}/json`, exec('inspect running'))
    const begun = performance.now()
    const attachment = await backend.execs.start(id, { attach: { stdin: false } })
    asks(`POST /exec/${id}/resize`, exec('resized early'), { query: { w: '77', h: '33' } })
    asks(`GET /exec/${id}/json`, exec('inspect running'))
    // Until it cannot be lost any more: a size may be taken for a terminal that is not there yet.
    asks(`POST /exec/${id}/resize`, exec('started detached'), { query: { w: '77', h: '33' }, repeats: true })
    await backend.execs.resize(id, { columns: 77, rows: 33 })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(300)
    asks(`GET /exec/${id}/json`, exec('inspect with a terminal'), { repeats: true })
    expect((await readAll(attachment)).stdout).toBe('out\r\n/dev/pts/0\r\nstty: standard input: No child processes\r\n')
  }))

it('a detached exec runs when its start has resolved', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created detached', { command: ['sh', '-c', 'sleep 1; exit 3'] })
    asks(`POST /exec/${id}/start`, exec('started detached'), { body: { Detach: true, Tty: false } })
    expect(await backend.execs.start(id)).toBeUndefined()
    asks(`GET /exec/${id}/json`, exec('inspect running'), { repeats: true })
    expect((await backend.execs.get(id)).state.status).toBe('running')
    await expect(backend.execs.start(id)).rejects.toMatchObject({ code: 'failed_precondition' })
  }))

it("a command that is not there exits with 127, and the daemon's word of it is no output", () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created missing', { command: ['/nonexistent'] })
    starts(daemon, id, 'started missing')
    asks(`GET /exec/${id}/json`, exec('inspect missing'), { repeats: true })
    const attachment = await backend.execs.start(id, { attach: { stdin: false } })
    expect(await readAll(attachment)).toEqual({ stdout: '', stderr: '' })
    lives(daemon)
    expect(await backend.execs.wait(id)).toMatchObject({ exitCode: 127 })

    const other = await create(daemon, 'created missing, detached', { command: ['/nonexistent'] })
    asks(`POST /exec/${other}/start`, exec('started missing, detached'), { body: { Detach: true, Tty: false } })
    await backend.execs.start(other)
    expect(await backend.execs.wait(other)).toMatchObject({ exitCode: 127 })
  }))

it('the end of an exec that nobody saw, since its container ended, is lost, though the daemon has a number for it', () =>
  withPouchd('1.3.0', async (daemon) => {
    const { backend, expect: asks } = daemon
    const id = await create(daemon, 'created missing', { command: ['sleep', '60'] })
    asks(`POST /exec/${id}/start`, attach('ended'), { body: { Detach: false, Tty: false } })
    asks(`GET /exec/${id}/json`, exec('inspect running'))
    const attachment = await backend.execs.start(id, { attach: { stdin: false } })
    asks(`GET /exec/${id}/json`, exec('inspect missing'), { repeats: true })
    asks(`GET /containers/${container}/json`, life('inspect stopped'), { repeats: true })
    expect(await backend.execs.wait(id)).toMatchObject({ exitCode: 255, lost: true })
    await attachment?.close()
  }))

it('a container that is not there, or is paused, and an exec that is not there have their codes', () =>
  withPouchd('1.3.0', async ({ backend: { execs }, expect: asks }) => {
    const body = { ...plain, Cmd: ['true'] }
    asks('POST /containers/nope/exec', exec('container absent'), { body })
    await expect(execs.create('nope', { command: ['true'] })).rejects.toMatchObject({ code: 'not_found' })
    asks('POST /containers/c1/exec', exec('container paused'), { body })
    await expect(execs.create('c1', { command: ['true'] })).rejects.toMatchObject({ code: 'failed_precondition' })
    asks('GET /exec/nope/json', exec('absent'), { repeats: true })
    await expect(execs.get('nope')).rejects.toMatchObject({ code: 'not_found' })
    await expect(execs.start('nope', { attach: { stdin: false } })).rejects.toMatchObject({ code: 'not_found' })
  }))

it('a working directory and a signal are unsupported, and nothing is asked', () =>
  withPouchd('1.3.0', async ({ backend: { execs } }) => {
    await expect(execs.create('c1', { command: ['pwd'], workingDir: '/tmp' })).rejects.toMatchObject({ code: 'unsupported' })
    await expect(execs.kill('e1', 'SIGTERM')).rejects.toMatchObject({ code: 'unsupported' })
  }))
