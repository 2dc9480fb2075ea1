// What a container may not do: capabilities, seccomp, paths of /proc and /sys, sysctls.
import assert from 'node:assert/strict'
import type { SecuritySpec } from '../model/container-spec.js'
import { type BackendCase, type BackendSubject, run, say, uniqueName } from './backend-suite-subject.js'
import { collect } from './suite.js'
import { shell } from './tasks/subject.js'

const bits = { chown: 0, kill: 5, netAdmin: 12, sysAdmin: 21, mknod: 27 } as const
async function statusLine(subject: BackendSubject, name: string, security?: SecuritySpec, user?: string): Promise<string> {
  const text = await say(subject, `grep "^${name}:" /proc/self/status`, { security, user })
  return text.slice(name.length + 1).trim()
}
async function effective(subject: BackendSubject, security?: SecuritySpec, user?: string): Promise<(bit: keyof typeof bits) => boolean> {
  const mask = BigInt(`0x${await statusLine(subject, 'CapEff', security, user)}`)
  return (bit) => (mask & (1n << BigInt(bits[bit]))) !== 0n
}
const noMkdir = JSON.stringify({
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 1 }],
})

export const securityCases: readonly BackendCase[] = [
  {
    title: 'root has few capabilities, another user none',
    needs: 'commands',
    async run(subject) {
      const has = await effective(subject)
      assert.deepEqual([has('chown'), has('kill'), has('mknod'), has('netAdmin'), has('sysAdmin')], [true, true, true, false, false])
      assert.match(await statusLine(subject, 'CapEff', undefined, 'app'), /^0+$/)
    },
  },
  {
    title: 'no capability is inherited by what a program runs',
    needs: 'clean_capabilities',
    async run(subject) {
      assert.match(await statusLine(subject, 'CapInh'), /^0+$/)
    },
  },
  {
    title: 'capabilities are added and dropped, with or without CAP_ and in any case',
    needs: 'commands',
    async run(subject) {
      for (const [add, drop] of [
        ['NET_ADMIN', 'MKNOD'],
        ['CAP_NET_ADMIN', 'cap_mknod'],
      ] as const) {
        const has = await effective(subject, { capAdd: [add], capDrop: [drop] })
        assert.deepEqual([has('netAdmin'), has('mknod'), has('chown')], [true, false, true])
      }
    },
  },
  {
    title: 'ALL dropped leaves what is added by name',
    needs: 'commands',
    async run(subject) {
      assert.match(await statusLine(subject, 'CapEff', { capDrop: ['ALL'] }), /^0+$/)
      assert.equal(BigInt(`0x${await statusLine(subject, 'CapEff', { capDrop: ['ALL'], capAdd: ['KILL'] })}`), 1n << BigInt(bits.kill))
    },
  },
  {
    title: 'ALL added adds all but what is dropped by name',
    needs: 'privileged',
    async run(subject) {
      const has = await effective(subject, { capAdd: ['ALL'], capDrop: ['SYS_ADMIN'] })
      assert.deepEqual([has('netAdmin'), has('mknod'), has('sysAdmin')], [true, true, false])
    },
  },
  {
    title: 'a capability that was dropped is not gained by a program that root may run',
    needs: 'commands',
    async run(subject) {
      const { stdout, stderr, exitCode } = await run(subject, shell('chown 1 /tmp'), { security: { capDrop: ['CHOWN'] } })
      assert.match(stdout + stderr, /not permitted/)
      assert.notEqual(exitCode, 0)
    },
  },
  {
    title: 'no new privileges are forbidden only when asked',
    needs: 'commands',
    async run(subject) {
      assert.equal(await statusLine(subject, 'NoNewPrivs'), '0')
      assert.equal(await statusLine(subject, 'NoNewPrivs', { noNewPrivileges: true }), '1')
    },
  },
  {
    title: 'system calls are filtered unless that is switched off',
    needs: 'seccomp',
    async run(subject) {
      assert.equal(await statusLine(subject, 'Seccomp'), '2')
      assert.equal(await statusLine(subject, 'Seccomp', { seccomp: 'default' }), '2')
      assert.equal(await statusLine(subject, 'Seccomp', { seccomp: 'unconfined' }), '0')
    },
  },
  {
    title: 'the filter that is there by default refuses user namespaces',
    needs: 'strict_seccomp',
    async run(subject) {
      const { stdout } = await run(subject, shell('unshare -U true 2>/dev/null || echo refused'))
      assert.equal(stdout, 'refused\n')
    },
  },
  {
    title: "a profile of one's own filters as it says, and one that is none is invalid_argument",
    needs: 'seccomp_profile',
    async run(subject) {
      const script = 'mkdir /tmp/x 2>/dev/null || echo refused; touch /tmp/y && echo allowed'
      assert.equal(await say(subject, script, { security: { seccomp: { profile: noMkdir } } }), 'refused\nallowed')
      const label = uniqueName()
      for (const profile of ['not json', '[]', '{"defaultAction":"SCMP_ACT_NONE"}']) {
        await assert.rejects(
          run(subject, ['true'], { security: { seccomp: { profile } }, labels: { [label]: '' } }),
          { code: 'invalid_argument' },
          profile,
        )
      }
      assert.deepEqual(await collect(subject.backend.containers.list({ all: true, labels: { [label]: '' } })), [])
    },
  },
  {
    title: 'paths of /proc and /sys that tell of the host are empty',
    needs: 'commands',
    async run(subject) {
      const script =
        'for f in /proc/kcore /proc/keys /proc/timer_list; do if test -e $f; then head -c 1 $f | wc -c; fi; done; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -v : || true'
      assert.deepEqual(
        (await say(subject, script)).split('\n').filter((line) => line !== '' && line !== '0'),
        [],
      )
    },
  },
  {
    title: 'paths of /proc and /sys that change the host are read-only',
    needs: 'commands',
    async run(subject) {
      const script =
        'for f in /proc/sys/kernel/domainname /proc/sysrq-trigger /sys/kernel/profiling /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do test -e $f && (echo 0 >>$f) 2>/dev/null && echo $f; done; true'
      assert.equal(await say(subject, script), '')
    },
  },
  {
    title: 'masked and read-only paths are those of the spec where it names some',
    needs: 'masked_paths',
    async run(subject) {
      const security = { maskedPaths: ['/proc/cmdline', '/etc'], readOnlyPaths: ['/tmp'] }
      const script = 'cat /proc/cmdline; ls /etc; touch /tmp/x 2>/dev/null || echo refused'
      assert.equal(await say(subject, script, { security, workingDir: '/' }), 'refused')
    },
  },
  {
    title: "a kernel setting of the container's own namespaces is set",
    needs: 'commands',
    async run(subject) {
      const sysctls = { 'net.core.somaxconn': '777', 'kernel.msgmax': '12345' }
      assert.equal(await say(subject, 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax', { sysctls }), '777\n12345')
    },
  },
  {
    title: 'a privileged container has all capabilities, all devices and no filter',
    needs: 'privileged',
    async run(subject) {
      const security = { privileged: true }
      const has = await effective(subject, security)
      assert.deepEqual([has('netAdmin'), has('sysAdmin')], [true, true])
      assert.equal(await statusLine(subject, 'Seccomp', security), '0')
      assert.equal(
        await say(subject, `test -c ${subject.device} && echo device; mount -t tmpfs tmpfs /tmp && echo mounted`, { security }),
        'device\nmounted',
      )
    },
  },
]
