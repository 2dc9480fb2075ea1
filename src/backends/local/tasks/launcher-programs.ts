// What starts runtimes for us: a shell, or Perl where that is installed, as with Debian it always is. A shell needs three more
// programs to mount a root, unshare, another shell and mount; Perl makes the system calls itself, which is a third of a run.
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { Labels } from '../../../model/common.js'
import type { CheckItem } from '../../../model/system.js'
import { findProgram } from '../../host/programs.js'
import { hiding, type LaunchPlan, launchCommand } from './launch.js'
import { type MountCall, mountCall } from './mount-call.js'

export interface LaunchOrder {
  readonly plan: LaunchPlan
  readonly env: Labels
  /** Of this process, for the three streams. To be held until the command runs or has ended. */
  readonly descriptors: readonly (number | 'ignore')[]
}
/** It reads orders and answers each with the exit code, on a line of its own. Lines before that say why there is none. */
export interface LauncherProgram {
  readonly file: string
  readonly args: readonly string[]
  words(order: LaunchOrder): readonly string[]
}

// Words come line by line, none of them evaluated: `.` ends one, `+` a line of one that has more, `!` the list. They are the paths
// of three streams, variables, `--`, and the command. What a shell says of its child before the code is that a signal ended it.
const shellScript = `
exec 2>&1
IFS=
newline='
'
part=
while read -r line; do
  case $line in
    +*) part=$part\${line#+}$newline ;;
    .*) set -- "$@" "$part\${line#.}"; part= ;;
    *)
      (
        exec <"$1" >"$2" 2>"$3"
        shift 3
        while [ "$1" != -- ]; do export "$1"; shift; done
        shift
        exec "$@"
      )
      echo "$?"
      set -- ;;
  esac
done
`
// The same, with mounts before the command: numbers of two system calls, how many mounts, six words for each, the place to stand.
// That the namespace is another one is looked at: with wrong numbers, of a Perl for another machine, nothing would be mounted here.
const perlScript = String.raw`
$| = 1;
open STDERR, '>&', \*STDOUT;
my (@words, $part);
while (defined(my $line = <STDIN>)) {
  chomp $line;
  my $kind = substr $line, 0, 1, '';
  if ($kind eq '+') { $part .= "$line\n"; next }
  if ($kind eq '.') { push @words, $part . $line; $part = ''; next }
  my $pid = fork;
  start(@words) if defined $pid && $pid == 0;
  if (!defined $pid) { print "fork: $!\n255\n" }
  else {
    waitpid $pid, 0;
    print $? & 127 ? 'signal ' . ($? & 127) . "\n255\n" : ($? >> 8) . "\n";
  }
  @words = ();
}
sub fail { print STDERR "$_[0]: $!\n"; exit $_[1] }
sub start {
  my ($in, $out, $err, $unshare, $mount, $count, @rest) = @_;
  open STDIN, '<', $in or fail($in, 255);
  open STDOUT, '>', $out or fail($out, 255);
  open STDERR, '>', $err or fail($err, 255);
  if ($count > 0) {
    my $before = readlink '/proc/self/ns/mnt';
    syscall($unshare + 0, 0x20000) == 0 or fail('unshare', 1);
    my $now = readlink '/proc/self/ns/mnt';
    fail('/proc/self/ns/mnt', 1) unless defined $before && defined $now && $before ne $now;
    my ($none, $root) = ('none', '/');
    syscall($mount + 0, $none, $root, 0, 0x84000, 0) == 0 or fail('mount: /', 1);
  }
  while ($count-- > 0) {
    my ($type, $source, $flags, $data, $target, $place) = splice @rest, 0, 6;
    chdir $place or fail($place, 1);
    syscall($mount + 0, $source, $target, $type, $flags + 0, $data) == 0 or fail("mount: $target", 32);
  }
  my $place = shift @rest;
  chdir $place or fail($place, 1);
  while (($_ = shift @rest) ne '--') { $ENV{$1} = $2 if /^([^=]*)=(.*)\z/s }
  { exec { $rest[0] } @rest }
  fail($rest[0], $! == 2 ? 127 : 126);
}
`
/** unshare(2) and mount(2). */
const callNumbers: Readonly<Partial<Record<string, readonly [unshare: number, mount: number]>>> = {
  x64: [272, 165],
  arm64: [97, 40],
  riscv64: [97, 40],
}
const perl = '/usr/bin/perl'
/** In their command lines: for who looks at the processes of a machine. */
const launcherName = 'pouch-sdk-launcher'

export async function chooseLauncher(): Promise<LauncherProgram> {
  const [unshare, hasPerl] = await Promise.all([findProgram('unshare'), canRun(perl)])
  const numbers = callNumbers[process.arch]
  return hasPerl && numbers !== undefined ? perlLauncher(unshare, numbers) : shellLauncher(unshare)
}
export async function checkLauncher(): Promise<CheckItem> {
  const slower = 'owned containers are started by shells, some milliseconds later'
  if (!(await canRun(perl)))
    return { name: 'perl', answer: 'limited', why: `not at ${perl}: ${slower}`, remedy: 'apt-get install perl-base' }
  if (callNumbers[process.arch] === undefined)
    return { name: 'perl', answer: 'limited', why: `no system calls are known for ${process.arch}: ${slower}` }
  return { name: 'perl', answer: 'yes', why: perl }
}
export function shellLauncher(unshare: string | undefined): LauncherProgram {
  return {
    file: '/bin/sh',
    args: ['-c', shellScript, launcherName],
    words({ plan, env, descriptors }) {
      const { file, args } = launchCommand(plan, unshare)
      return [...descriptors.map(streamPath), ...variables(env), '--', file, ...args]
    },
  }
}
export function perlLauncher(unshare: string | undefined, numbers: readonly [unshare: number, mount: number]): LauncherProgram {
  return {
    file: perl,
    args: ['-e', perlScript, launcherName],
    words({ plan, env, descriptors }) {
      const calls = mountCalls(plan)
      // What is more than a system call for each mount is left to the programs for that.
      const { file, args } = calls === undefined ? launchCommand(plan, unshare) : { file: plan.program, args: plan.args }
      const mounts = calls ?? []
      const mounting = [
        ...numbers,
        mounts.length,
        ...mounts.flatMap(({ type, source, flags, data, target, place }) => [type, source, flags, data, target, place]),
      ]
      const directory = plan.directory ?? '/'
      return [...descriptors.map(streamPath), ...mounting.map(String), directory, ...variables(env), '--', file, ...args]
    },
  }
}
function mountCalls({ mounts, hiddenCgroup, mountsItself = false }: LaunchPlan): readonly MountCall[] | undefined {
  if (mountsItself) return undefined
  const calls = mounts.map(({ mount, target }) => mountCall(mount, target))
  if (hiddenCgroup !== undefined) calls.push(mountCall(hiding, hiddenCgroup))
  const possible = calls.filter((call) => call !== undefined)
  return possible.length === calls.length ? possible : undefined
}

function streamPath(descriptor: number | 'ignore'): string {
  return descriptor === 'ignore' ? '/dev/null' : `/proc/${process.pid}/fd/${descriptor}`
}
function variables(env: Labels): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`)
}
/** No word has a zero byte in it, as no argument of a program may. */
export function encodeWords(words: readonly string[]): string {
  const lines = words.flatMap((word) => {
    const pieces = word.split('\n')
    return pieces.map((piece, index) => `${index === pieces.length - 1 ? '.' : '+'}${piece}\n`)
  })
  return `${lines.join('')}!\n`
}
async function canRun(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
