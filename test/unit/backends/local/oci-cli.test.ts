import { describe, expect, it } from 'vitest'
import {
  complaints,
  containerOfState,
  deleteArguments,
  execArguments,
  killArguments,
  pidIn,
  pidsIn,
  psArguments,
  runArguments,
  stateIn,
  stateNames,
  updateArguments,
  verbArguments,
} from '../../../../src/backends/local/oci-cli.js'

const program = { binary: '/usr/bin/crun', globalArgs: ['--debug'], env: {}, root: '/state dir' }

describe('arguments', () => {
  it('put global ones before the verb and the container last', () => {
    const run = { id: 'c-1', bundle: '/b', pidFile: '/b/pid', log: '/b/log', keep: false }
    const before = ['--debug', '--root', '/state dir']
    expect(runArguments(program, run)).toEqual([
      ...before,
      ...['--log', '/b/log', '--log-format', 'json', 'run', '--bundle', '/b', '--pid-file', '/b/pid', 'c-1'],
    ])
    expect(runArguments(program, { ...run, keep: true }).slice(-2)).toEqual(['--keep', 'c-1'])
    expect(execArguments(program, { id: 'c-1', processFile: '/p', pidFile: '/pid', log: '/l' })).toEqual([
      ...before,
      ...['--log', '/l', '--log-format', 'json', 'exec', '--process', '/p', '--pid-file', '/pid', 'c-1'],
    ])
    expect(verbArguments(program, 'pause', 'c-1')).toEqual([...before, 'pause', 'c-1'])
    expect(killArguments(program, 'c-1', 15)).toEqual([...before, 'kill', 'c-1', '15'])
    expect(deleteArguments(program, 'c-1')).toEqual([...before, 'delete', '--force', 'c-1'])
    expect(updateArguments(program, 'c-1', '/r')).toEqual([...before, 'update', '--resources', '/r', 'c-1'])
    expect(psArguments(program, 'c-1')).toEqual([...before, 'ps', '--format', 'json', 'c-1'])
  })
})

describe('complaints', () => {
  it('are the errors of a log, not its warnings', () => {
    const crun =
      '{"msg":"executable file `x` not found in $PATH: No such file or directory","level":"error","time":"2026-11-24T15:37:46Z"}\n'
    const runc =
      '{"level":"warning","msg":"lstat: no such file","time":"t"}\n{"level":"error","msg":"runc run failed: exec: \\"/x\\"","time":"t"}\n'
    expect(complaints(crun)).toBe('executable file `x` not found in $PATH: No such file or directory')
    expect(complaints(runc)).toBe('runc run failed: exec: "/x"')
  })
  it('are what a line says that is no JSON, and nothing of an empty log', () => {
    expect(complaints('panic: oh\n\n{"level":"error","msg":"second"}\n{"level":"err')).toBe('panic: oh; second; {"level":"err')
    expect(complaints('')).toBe('')
    expect(complaints('{"level":"info","msg":"x"}\n')).toBe('')
  })
})

describe('what runtimes print', () => {
  it('a pid file counts when it is whole', () => {
    expect([pidIn('42'), pidIn('42\n'), pidIn(''), pidIn(undefined), pidIn('0'), pidIn('4x')]).toEqual([
      42,
      42,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
  it('lists of pids', () => {
    expect([pidsIn('[1,22]'), pidsIn(''), pidsIn('null')]).toEqual([[1, 22], [], []])
  })
  it('states, whatever else stands there', () => {
    expect(stateIn('{\n "id": "x", "pid": 7,\n "status": "running"}')).toEqual({ status: 'running', pid: 7 })
    expect(stateIn('{"status":"creating"}')).toEqual({ status: 'created', pid: 0 })
    expect([stateIn('nonsense'), stateIn('{"status":"flying"}')]).toEqual([undefined, undefined])
  })
})

describe('what runtimes keep', () => {
  it('a container is found by every name that its state may have, and what lies beside it is none', () => {
    expect(stateNames('id').map(containerOfState)).toEqual(['id', 'id'])
    expect(containerOfState('id_sandbox:id.lock')).not.toBe('id')
    expect(containerOfState('stray.state')).toBe('')
  })
})
