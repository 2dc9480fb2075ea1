// What is mounted in a container: binds, tmpfs, /dev/shm, devices, its root.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BackendCase, run, say, uniqueName } from './backend-suite-subject.js'
import { collect } from './suite.js'
import { shell } from './tasks/subject.js'

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'pouch-sdk-suite-'))
  try {
    await writeFile(join(directory, 'file'), 'from the host')
    await body(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

export const mountCases: readonly BackendCase[] = [
  {
    title: 'a bind shows a directory of the host, and writes go through',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (source) => {
        const mounts = [{ type: 'bind', source, target: '/deep/er/data' }] as const
        assert.equal(await say(subject, 'cat /deep/er/data/file; echo from inside >/deep/er/data/made', { mounts }), 'from the host')
        assert.equal(await readFile(join(source, 'made'), 'utf8'), 'from inside\n')
      })
    },
  },
  {
    title: 'a read-only bind refuses writes',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (source) => {
        const mounts = [{ type: 'bind', source, target: '/data', readOnly: true }] as const
        const { stdout, stderr, exitCode } = await run(subject, shell('cat /data/file; echo no >/data/file'), { mounts })
        for (const said of [/from the host/, /Read-only/]) assert.match(stdout + stderr, said)
        assert.notEqual(exitCode, 0)
        assert.equal(await readFile(join(source, 'file'), 'utf8'), 'from the host')
      })
    },
  },
  {
    title: 'a bind of one file stands over a file of the image',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (directory) => {
        const mounts = [{ type: 'bind', source: join(directory, 'file'), target: '/etc/passwd', readOnly: true }] as const
        assert.equal(await say(subject, 'cat /etc/passwd', { mounts }), 'from the host')
      })
      assert.match(await say(subject, 'cat /etc/passwd'), /^root:/)
    },
  },
  {
    title: 'a bind below a bind is mounted after it, whatever their order',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (outer) => {
        await mkdir(join(outer, 'inner'))
        await inDirectory(async (inner) => {
          await writeFile(join(inner, 'file'), 'from the inner')
          const mounts = [
            { type: 'bind', source: inner, target: '/data/inner' },
            { type: 'bind', source: outer, target: '/data' },
          ] as const
          assert.equal(await say(subject, 'cat /data/inner/file; echo; cat /data/file', { mounts }), 'from the inner\nfrom the host')
        })
      })
    },
  },
  {
    title: 'a bind source that is missing is invalid_argument, and nothing is made',
    needs: 'checked_bind_sources',
    async run(subject) {
      await inDirectory(async (directory) => {
        const [source, label] = [join(directory, 'not/there'), uniqueName()]
        // Some look for it when it is used.
        const missing = run(subject, ['true'], { mounts: [{ type: 'bind', source, target: '/data' }], labels: { [label]: '' } })
        await assert.rejects(missing, { code: 'invalid_argument' })
        await assert.rejects(stat(source), { code: 'ENOENT' })
        assert.deepEqual(await collect(subject.backend.containers.list({ all: true, labels: { [label]: '' } })), [])
      })
    },
  },
  {
    title: 'a bind source that is missing is made when asked',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (directory) => {
        const source = join(directory, 'not/there')
        await say(subject, 'echo x >/data/made', { mounts: [{ type: 'bind', source, target: '/data', createSource: true }] })
        assert.equal(await readFile(join(source, 'made'), 'utf8'), 'x\n')
      })
    },
  },
  {
    title: 'a mount target that is a link of the image stays in the container',
    needs: 'host',
    async run(subject) {
      await inDirectory(async (source) => {
        // In this image /bin/sh is a link; a bind on it lands on what it leads to, inside.
        const { exitCode, stdout } = await run(subject, ['/bin/busybox', 'cat', '/tmp/here/file'], {
          mounts: [{ type: 'bind', source, target: '/tmp/../tmp/here' }],
        })
        assert.deepEqual([exitCode, stdout], [0, 'from the host'])
      })
    },
  },
  {
    title: 'a tmpfs is empty, as large as asked, with the mode that was asked for, and gone with the container',
    needs: 'tmpfs',
    async run(subject) {
      const mounts = [
        { type: 'tmpfs', target: '/a', sizeBytes: 1 << 20 },
        { type: 'tmpfs', target: '/b', mode: 0o700 },
      ] as const
      const script =
        'stat -c %a /a; stat -c %a /b; ls /a; grep " /a " /proc/mounts | tr ", " "\\n\\n" | grep size=; head -c 2000000 /dev/zero 2>/dev/null >/a/x; wc -c </a/x'
      const { stdout } = await run(subject, shell(script), { mounts })
      assert.deepEqual(stdout.trim().split('\n'), ['1777', '700', 'size=1024k', `${1 << 20}`])
    },
  },
  {
    title: '/dev/shm has 64 MiB, or what was asked for',
    needs: 'commands',
    async run(subject) {
      const script = "df -k /dev/shm | tail -n 1 | awk '{ print $2 }'; stat -c %a /dev/shm"
      assert.equal(await say(subject, script), '65536\n1777')
      assert.equal(await say(subject, script, { shmBytes: 8 << 20 }), '8192\n1777')
    },
  },
  {
    title: 'a read-only root refuses writes; mounts in it do not',
    needs: 'commands',
    async run(subject) {
      const security = { readOnlyRoot: true }
      const script = 'touch /here 2>/dev/null || echo refused; touch /dev/shm/x && echo shm'
      assert.equal(await say(subject, script, { security }), 'refused\nshm')
      if (!subject.backend.supports('tmpfs')) return
      assert.equal(await say(subject, 'touch /home/x && echo tmpfs', { security, mounts: [{ type: 'tmpfs', target: '/home' }] }), 'tmpfs')
    },
  },
  {
    title: 'the usual devices are there, and only they',
    needs: 'commands',
    async run(subject) {
      const script =
        'for d in null zero full random urandom tty; do test -c /dev/$d || echo no $d; done; head -c 4 /dev/zero | wc -c; test -L /dev/stdout && test -e /dev/pts/ptmx && echo links'
      assert.equal(await say(subject, script), '4\nlinks')
      assert.equal(await say(subject, `test -e ${subject.device} || echo none`), 'none')
    },
  },
  {
    title: 'a device of the host is there when asked, under the path and with the access that was asked for',
    needs: 'host',
    async run(subject) {
      const numbers = `stat -c "%t %T" ${subject.device}`
      assert.match(await say(subject, numbers, { devices: [subject.device] }), /^[0-9a-f]+ [0-9a-f]+$/)
      const script = '(: </dev/own/name) && echo readable; (: >/dev/own/name) 2>/dev/null || echo not writable'
      const devices = [{ hostPath: subject.device, path: '/dev/own/name', access: 'r' }]
      assert.equal(await say(subject, script, { devices }), 'readable\nnot writable')
      const label = uniqueName()
      for (const device of ['/dev/no-such-device', '/etc/passwd']) {
        await assert.rejects(run(subject, ['true'], { devices: [device], labels: { [label]: '' } }), { code: 'invalid_argument' })
      }
      assert.deepEqual(await collect(subject.backend.containers.list({ all: true, labels: { [label]: '' } })), [])
    },
  },
  {
    title: 'a node that a container makes of a device it was not given cannot be opened',
    needs: 'host',
    async run(subject) {
      const { rdev } = await stat(subject.device)
      const [major, minor] = [(rdev >> 8) & 0xfff, (rdev & 0xff) | ((rdev >> 12) & 0xfff00)]
      assert.equal(await say(subject, `mknod /tmp/own c ${major} ${minor}; (: </tmp/own) 2>/dev/null || echo refused`), 'refused')
    },
  },
  {
    title: 'a directory of the host can be the root, and is there afterwards',
    needs: 'rootfs_directory',
    async run(subject) {
      const rootfs = await subject.rootDirectory()
      const { containers } = subject.backend
      const { image, ...rest } = subject.spec(shell('echo made >/made-inside; cat /etc/passwd | head -n 1'))
      assert.equal(image, subject.image)
      const id = await containers.create({ ...rest, rootfs })
      try {
        await containers.start(id)
        assert.equal((await containers.wait(id)).exitCode, 0)
        assert.equal((await containers.get(id)).image, undefined)
        assert.match((await collect(subject.backend.streams.logs(id)))[0]?.text ?? '', /^root:/)
      } finally {
        await containers.remove(id, { force: true })
      }
      assert.equal(await readFile(join(rootfs, 'made-inside'), 'utf8'), 'made\n')
      await rm(join(rootfs, 'made-inside'))
    },
  },
]
