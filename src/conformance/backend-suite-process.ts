// Who a container's process is, where it stands and what surrounds it: users, directories, environment, files of /etc.
import assert from 'node:assert/strict'
import { readlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { isEngineError } from '../errors.js'
import { type BackendCase, run, say, sayAs, statusOf, uniqueName, withContainer } from './backend-suite-subject.js'
import { collect } from './suite.js'
import { shell } from './tasks/subject.js'

const whoAmI = 'id -u; id -g; id -G | tr " " "\\n" | sort -n | tr "\\n" " "'

export const processCases: readonly BackendCase[] = [
  ...[
    { what: 'is not there', command: ['/no/such/command'], exitCode: 127 },
    { what: 'is not on PATH', command: ['no-such-command'], exitCode: 127 },
    { what: 'is a directory', command: ['/etc'], exitCode: 126 },
    { what: 'is not executable', command: ['/etc/passwd'], exitCode: 126 },
  ].map(
    ({ what, command, exitCode }): BackendCase => ({
      place: exitCode === 126 ? 'refusals' : undefined,
      title: `start of a command that ${what} is failed_precondition with exit code ${exitCode}, and the container stays created`,
      async run(subject) {
        const { containers, streams } = subject.backend
        await withContainer(subject, command, {}, async (id) => {
          for (const attach of [undefined, { stdin: false }]) {
            const starting = containers.start(id, { attach })
            await assert.rejects(starting, (error) => isEngineError(error, 'failed_precondition') && error.exitCode === exitCode)
          }
          assert.equal(await statusOf(subject, id), 'created')
          assert.deepEqual(await collect(streams.logs(id)), [])
          await containers.remove(id)
        })
      },
    }),
  ),
  {
    title: 'a working directory that is a file is failed_precondition with exit code 126',
    place: 'refusals',
    async run(subject) {
      const asked = run(subject, ['true'], { workingDir: '/etc/passwd' })
      await assert.rejects(asked, (error) => isEngineError(error, 'failed_precondition') && error.exitCode === 126)
    },
  },
  {
    title: 'a working directory that is missing is made, also for a user without rights',
    needs: 'commands',
    async run(subject) {
      assert.equal(await sayAs(subject, ['pwd'], { workingDir: '/made/by/us' }), '/made/by/us')
      assert.equal(await sayAs(subject, ['pwd'], { workingDir: '/made/for/app', user: 'app' }), '/made/for/app')
      assert.equal(await sayAs(subject, ['pwd']), '/')
    },
  },
  ...[
    { user: undefined, told: '0\n0\n0' },
    { user: 'app', told: '1000\n1000\n44 100 1000' },
    { user: '1000', told: '1000\n1000\n44 100 1000' },
    { user: 'app:users', told: '1000\n100\n100' },
    { user: '1000:44', told: '1000\n44\n44' },
    { user: '4242', told: '4242\n0\n0' },
    { user: '4242:4243', told: '4242\n4243\n4243' },
  ].map(
    ({ user, told }): BackendCase => ({
      title: `the user "${user ?? ''}" is looked up in the image`,
      needs: 'commands',
      async run(subject) {
        assert.equal((await say(subject, whoAmI, { user })).trim(), told)
      },
    }),
  ),
  {
    title: 'further groups are added by number',
    needs: 'commands',
    async run(subject) {
      assert.equal((await say(subject, whoAmI, { user: 'daemon', groups: ['44', '777'] })).trim(), '1\n1\n1 44 777')
    },
  },
  {
    title: 'further groups are found by their names, and one that is not there keeps the container from starting',
    needs: 'group_names',
    async run(subject) {
      if (!subject.real) return
      assert.equal((await say(subject, whoAmI, { user: 'daemon', groups: ['video', '777'] })).trim(), '1\n1\n1 44 777')
      await assert.rejects(run(subject, ['true'], { user: 'app', groups: ['no-group'] }), { code: 'failed_precondition' })
    },
    async otherwise(subject) {
      const create = subject.backend.containers.create(subject.spec(['true'], { groups: ['video'] }))
      await assert.rejects(create, { code: 'unsupported' })
    },
  },
  ...[{ user: 'nobody-here' }, { user: 'app:no-group' }].map(
    (extra): BackendCase => ({
      place: 'refusals',
      title: `a user or group that is not there keeps the container from starting: ${JSON.stringify(extra)}`,
      async run(subject) {
        await assert.rejects(run(subject, ['true'], extra), { code: 'failed_precondition' })
      },
    }),
  ),
  {
    title: "the environment is the image's, then the spec's; HOME is the user's",
    needs: 'commands',
    async run(subject) {
      const lines = (await sayAs(subject, ['env'], { env: { OWN: 'with = and space', EMPTY: '' }, user: 'app' })).split('\n')
      for (const line of ['OWN=with = and space', 'EMPTY=', 'HOME=/home/app']) assert(lines.includes(line), line)
      assert(lines.some((line) => /^PATH=.*\/bin/.test(line)))
      assert.equal(await say(subject, 'echo $PATH $HOME', { env: { PATH: '/own:/bin', HOME: '/there' } }), '/own:/bin /there')
    },
  },
  {
    title: "HOSTNAME is the container's",
    needs: 'hostname_variable',
    async run(subject) {
      assert.match(await sayAs(subject, ['env'], { hostname: 'own' }), /^HOSTNAME=own$/m)
    },
  },
  {
    title: 'without a terminal the environment names none',
    needs: 'plain_environment',
    async run(subject) {
      assert.doesNotMatch(await sayAs(subject, ['env']), /^TERM=/m)
    },
  },
  {
    title: 'an entry point stands before the command, and an empty one clears that of the image',
    async run(subject) {
      assert.equal(await sayAs(subject, ['b', 'c'], { entrypoint: ['echo', 'a'] }), 'a b c')
      assert.equal(await sayAs(subject, ['echo', 'bare'], { entrypoint: [] }), 'bare')
    },
  },
  {
    title: 'arguments reach the command as they are',
    needs: 'commands',
    async run(subject) {
      const args = ['$HOME', 'a b', '"', "'", '\\', '*', '', 'ü\n', '-n']
      assert.equal(
        (await run(subject, ['sh', '-c', 'for one; do printf "<%s>" "$one"; done', 'sh', ...args])).stdout,
        args.map((arg) => `<${arg}>`).join(''),
      )
    },
  },
  {
    title: 'the hostname is the asked one, else the beginning of the id',
    needs: 'commands',
    async run(subject) {
      assert.equal(await say(subject, 'hostname; cat /etc/hostname', { hostname: 'own.example' }), 'own.example\nown.example')
      await withContainer(subject, ['hostname'], {}, async (id) => {
        const { containers, streams } = subject.backend
        await containers.start(id)
        await containers.wait(id)
        assert.deepEqual(
          (await collect(streams.logs(id))).map(({ text }) => text),
          [id.slice(0, 12)],
        )
      })
    },
  },
  {
    title: '/etc/hosts knows localhost and the further hosts',
    needs: 'commands',
    async run(subject) {
      const text = await say(subject, 'cat /etc/hosts', { extraHosts: { db: '198.18.7.2', six: '2001:db8::1' } })
      const known = new Set<string>(
        text.split('\n').flatMap((line) => {
          const [address = '', ...names] = line.split(/\s+/)
          return names.map((name) => `${name} ${address}`)
        }),
      )
      for (const one of ['localhost 127.0.0.1', 'db 198.18.7.2', 'six 2001:db8::1']) assert(known.has(one), `${one} in ${text}`)
    },
  },
  {
    title: '/etc/resolv.conf has the name servers and domains that were asked for',
    needs: 'resolver_files',
    async run(subject) {
      const text = await say(subject, 'cat /etc/resolv.conf', {
        dns: ['198.18.7.1', '198.18.7.3'],
        dnsSearch: ['one.example', 'two.example'],
      })
      const lines = text
        .split('\n')
        .filter((line) => !line.startsWith('#'))
        .map((line) => line.trim())
      assert.deepEqual(
        lines.filter((line) => line.startsWith('nameserver')),
        ['nameserver 198.18.7.1', 'nameserver 198.18.7.3'],
      )
      assert(lines.includes('search one.example two.example'))
    },
  },
  {
    title: 'the files of /etc can be written, and are made anew for another container',
    needs: 'commands',
    async run(subject) {
      // By the address: a daemon may write the container's name there, and that may have any word in it.
      const script = 'echo 198.18.7.9 mine >>/etc/hosts && echo nameserver 198.18.7.8 >/etc/resolv.conf && grep -c ^198.18.7.9 /etc/hosts'
      for (let time = 0; time < 2; time += 1) assert.equal(await say(subject, script), '1')
    },
  },
  {
    title: 'with networkMode none there is loopback and nothing else',
    needs: 'commands',
    async run(subject) {
      assert.equal(
        await say(subject, 'ls /sys/class/net; cat /sys/class/net/lo/operstate >/dev/null && ping -c 1 127.0.0.1 >/dev/null && echo up'),
        'lo\nup',
      )
    },
  },
  {
    title: 'the command is process 1',
    needs: 'commands',
    async run(subject) {
      assert.equal(await say(subject, 'echo $$'), '1')
    },
  },
  {
    title: 'with init the command is not process 1, signals reach it and its exit code is told',
    needs: 'init',
    async run(subject) {
      const { stdout, exitCode } = await run(subject, shell('trap "exit 6" TERM; echo $$; kill -TERM 1; while true; do sleep 0.01; done'), {
        init: true,
      })
      assert.notEqual(stdout.trim(), '1')
      assert.equal(exitCode, 6)
      assert.equal(
        await say(subject, 'cat /proc/1/cmdline | tr "\\0" " " | grep -c "sh -c" || true; echo $PPID', { init: true }).then(
          (text) => text.split('\n')[1],
        ),
        '1',
      )
    },
  },
  {
    title: 'init reaps what its command leaves',
    needs: 'init',
    async run(subject) {
      const left = 'pidof sleep >/dev/null || grep -q "^State:.Z" /proc/[0-9]*/status 2>/dev/null'
      const script = `(sleep 0.01 &); (sleep 0.02 &); while ${left}; do usleep 10000; done; echo none`
      assert.equal(await say(subject, script, { init: true }), 'none')
    },
  },
  {
    title: "pidMode host shares the host's processes, and the container ends with all of its own",
    needs: 'host',
    async run(subject) {
      const script = `sleep 100000 & test -d /proc/${process.pid} && echo seen; readlink /proc/self/ns/pid`
      const { stdout, exitCode } = await run(subject, shell(script), { pidMode: 'host' })
      assert.deepEqual([stdout.trim(), exitCode], [`seen\n${await readlink('/proc/self/ns/pid')}`, 0])
    },
  },
  {
    title: "ipcMode host shares the host's, private has its own",
    needs: 'host',
    async run(subject) {
      const mine = await readlink('/proc/self/ns/ipc')
      assert.equal(await sayAs(subject, ['readlink', '/proc/self/ns/ipc'], { ipcMode: 'host' }), mine)
      assert.notEqual(await sayAs(subject, ['readlink', '/proc/self/ns/ipc'], { ipcMode: 'private' }), mine)
    },
  },
  {
    title: 'with ipcMode none there is no shared memory',
    needs: 'ipc_modes',
    async run(subject) {
      if (!subject.real) return
      assert.equal(await say(subject, 'grep -q " /dev/shm " /proc/mounts || echo none', { ipcMode: 'none' }), 'none')
    },
    async otherwise(subject) {
      await assert.rejects(subject.backend.containers.create(subject.spec(['true'], { ipcMode: 'none' })), { code: 'unsupported' })
    },
  },
  {
    title: "with networkMode host the hostname is the host's",
    needs: 'host',
    async run(subject) {
      assert.equal(await say(subject, 'hostname; cat /etc/hostname', { networkMode: 'host' }), `${hostname()}\n${hostname()}`)
    },
  },
  {
    title: 'two containers have their own processes, hostnames and roots',
    needs: 'commands',
    async run(subject) {
      const script = 'echo $(hostname) $$; touch /tmp/mine; ls /tmp'
      const names = [uniqueName('a'), uniqueName('b')]
      const told = await Promise.all(names.map((hostname) => say(subject, script, { hostname })))
      assert.deepEqual(
        told,
        names.map((name) => `${name} 1\nmine`),
      )
    },
  },
]
