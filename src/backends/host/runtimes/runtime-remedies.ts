// What helps where a runtime says that it cannot work on this machine. As runsc 20221219 words it, recorded.

const remedies: readonly { readonly text: RegExp; readonly remedy: string }[] = [
  {
    // It takes a network namespace in which net.core.rmem_default is to be seen for the machine's own: recent kernels show it in all.
    text: /cannot run with network enabled in root network namespace/,
    remedy: 'give it no network, oci(\'runsc\', { globalArgs: ["--network=none"] }), or take a later release of gVisor',
  },
  { text: /opening device file for platform "kvm"/, remedy: 'load the module kvm, or give it globalArgs ["--platform=ptrace"]' },
  { text: /cannot set up cgroup/, remedy: 'mount the cgroup controllers below /sys/fs/cgroup, or give it globalArgs ["--ignore-cgroups"]' },
]

/** Of what it said; `undefined`: nothing is known. */
export function runtimeRemedy(said: string): string | undefined {
  return remedies.find(({ text }) => text.test(said))?.remedy
}
