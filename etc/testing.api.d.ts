// The types of "pouch-sdk/testing", as built. Written by `npm run api:update`.

import { Writable } from 'node:stream';

/** Every asynchronous method takes this, or something that extends it, last. */
interface CallOptions {
    /**
     * Aborts the call. The promise rejects with `signal.reason`, unwrapped, when what the call has made so far is undone; of an `Engine`, ten seconds
     * later at the latest, whatever hangs in that.
     */
    readonly signal?: AbortSignal | undefined;
}
/**
 * What was opened and can be closed. `close` is for programs that cannot write `await using`; both do the same.
 * Twice is success. Neither takes a signal: closing has its own deadline. Neither rejects, so that `await using` never
 * hides an error behind another: what could not be closed is traced and left for `repair`.
 */
interface Closeable extends AsyncDisposable {
    close(): Promise<void>;
}
type JsonValue = null | boolean | number | string | readonly JsonValue[] | {
    readonly [key: string]: JsonValue;
};
type Labels = Readonly<Record<string, string>>;
/** A driver's options as a user writes them: `{ maxBytes: 10 << 20 }`. Checked by the driver. */
type DriverOptions = Readonly<Record<string, string | number | boolean>>;
type Digest = `sha256:${string}` | `sha512:${string}`;
interface Descriptor {
    readonly mediaType: string;
    readonly digest: Digest;
    /** Bytes. */
    readonly size: number;
    readonly annotations?: Labels | undefined;
}
/** Opaque to all but the driver that made it; the manager stores it and hands it back. */
interface DriverState {
    readonly version: number;
    readonly data: JsonValue;
}

type Signal = `SIG${string}`;
/** How a process ended. What cannot be known is `undefined`, never guessed. */
interface ExitStatus {
    /** 0-255: the process's own, 128 + n when the kernel ended it by signal n (a program may also just say so), 255 when `lost`. */
    readonly exitCode: number;
    /** Set only when the engine itself sent it and the process ended by it, or the kernel's OOM killer is proved: 128 + n alone is just an exit code. */
    readonly signal?: Signal | undefined;
    readonly exitedAt: Date;
    /** `undefined` where the cgroup's counters were gone before anyone could read them, or a daemon may have heard of the end first. */
    readonly oomKilled: boolean | undefined;
    /** The process is gone and nobody saw how. */
    readonly lost: boolean;
}
/** One line of `top`. */
interface ProcessEntry {
    /** As the host counts; absent where the runtime shows no host pids (`RuntimeFeatures.hostPid`). */
    readonly pid?: number | undefined;
    /** As the container counts. */
    readonly containerPid?: number | undefined;
    readonly parentPid?: number | undefined;
    readonly uid: number;
    readonly command: readonly string[];
    readonly startedAt?: Date | undefined;
    readonly cpuNanos?: number | undefined;
}
interface TerminalSize {
    readonly columns: number;
    readonly rows: number;
}
/** Which runtime. Each backend looks the name up in its own table; drivers know nothing of tables. */
interface RuntimeRef {
    /** E.g. `runc`, `crun`, `kata`. */
    readonly name: string;
    readonly options?: JsonValue | undefined;
}

interface VolumeSpec {
    /** Absent: one is made up. */
    readonly name?: string | undefined;
    /** Default `directory`. */
    readonly driver?: string | undefined;
    readonly labels?: Labels | undefined;
    readonly options?: Labels | undefined;
}
/** A volume as stored by the manager and handed to its driver. */
interface VolumeRecord {
    readonly name: string;
    readonly driver: string;
    readonly labels: Labels;
    readonly options: Labels;
    readonly createdAt: Date;
    /** Absent when `create` never returned. */
    readonly driverState?: DriverState | undefined;
}
/** A volume as users see it. */
interface VolumeInfo extends Omit<VolumeRecord, 'driverState'> {
    /** Ids of the containers that name it. */
    readonly usedBy: readonly string[];
}
interface VolumeUsage {
    readonly usedBytes: number;
    readonly limitBytes?: number | undefined;
}
interface VolumeMount {
    readonly type: 'volume';
    /** A volume's name; a volume that is not there is created. */
    readonly source: string;
    readonly target: string;
    readonly readOnly?: boolean | undefined;
    /** A directory within the volume; links in it cannot lead out. */
    readonly subPath?: string | undefined;
    /** Do not fill a new volume with what the image has at `target`. */
    readonly noCopy?: boolean | undefined;
}
interface BindMount {
    readonly type: 'bind';
    /**
     * An absolute path of the host; absent there: `invalid_argument`, unless `createSource`. Podman's compatible API and pouchd look for nothing and
     * make it as an empty directory, asked or not.
     */
    readonly source: string;
    readonly target: string;
    readonly readOnly?: boolean | undefined;
    readonly createSource?: boolean | undefined;
    /** Default `private`. */
    readonly propagation?: 'private' | 'slave' | 'shared' | undefined;
}
interface TmpfsMount {
    readonly type: 'tmpfs';
    readonly target: string;
    readonly sizeBytes?: number | undefined;
    /** Permission bits. Default 0o1777. Over a directory that is there already, runc 1.1 keeps that one's. */
    readonly mode?: number | undefined;
}

type Protocol = 'tcp' | 'udp' | 'sctp';
interface PortRequest {
    readonly containerPort: number;
    /** Absent: a free one is chosen, and held until the container stops. */
    readonly hostPort?: number | undefined;
    /** Default: every address of the host, IPv4 and IPv6. */
    readonly hostIp?: string | undefined;
    /** Default `tcp`. */
    readonly protocol?: Protocol | undefined;
}
interface PortMapping extends Required<PortRequest> {
    readonly hostPort: number;
    readonly hostIp: string;
    readonly protocol: Protocol;
}
interface Bandwidth {
    /** Bytes a second towards the container. */
    readonly ingressBytesPerSecond?: number | undefined;
    readonly egressBytesPerSecond?: number | undefined;
}
/** What a user says of one container on one network. */
interface EndpointSpec {
    readonly aliases?: readonly string[] | undefined;
    readonly ipv4?: string | undefined;
    readonly ipv6?: string | undefined;
    readonly mac?: string | undefined;
    readonly bandwidth?: Bandwidth | undefined;
    readonly sysctls?: Labels | undefined;
    /** The highest gives the default route. Default 0; then the order of connecting. */
    readonly priority?: number | undefined;
    readonly options?: Labels | undefined;
}
interface NetworkAttachment extends EndpointSpec {
    readonly name: string;
}
interface IpamSubnet {
    /** CIDR, e.g. `10.4.0.0/24`. */
    readonly subnet: string;
    /** A part of it to hand out from. */
    readonly range?: string | undefined;
    readonly gateway?: string | undefined;
    readonly reserved?: readonly string[] | undefined;
}
interface NetworkSpec {
    readonly name: string;
    /** Default `bridge`. */
    readonly driver?: string | undefined;
    /** CIDR; absent: a free one is chosen. */
    readonly subnets?: readonly string[] | undefined;
    /** In place of `subnets`, for ranges and gateways. */
    readonly ipam?: readonly IpamSubnet[] | undefined;
    /** No way out to the host's networks. */
    readonly internal?: boolean | undefined;
    readonly labels?: Labels | undefined;
    readonly options?: Labels | undefined;
}
/** A network as stored by the manager and handed to its driver. */
interface NetworkRecord {
    readonly id: string;
    readonly name: string;
    readonly driver: string;
    readonly ipam: readonly IpamSubnet[];
    readonly internal: boolean;
    readonly labels: Labels;
    readonly options: Labels;
    readonly createdAt: Date;
    readonly driverState?: DriverState | undefined;
}
/** A network as users see it. */
interface NetworkInfo extends Omit<NetworkRecord, 'driverState'> {
    readonly subnets: readonly string[];
    readonly endpoints: readonly EndpointInfo[];
}
interface EndpointInfo {
    readonly containerId: string;
    readonly network: string;
    readonly interfaceName?: string | undefined;
    readonly mac?: string | undefined;
    /** CIDR. Empty while the container does not run. */
    readonly addresses: readonly string[];
    readonly gateways: readonly string[];
    readonly aliases: readonly string[];
}

/** Limits. Absent is unlimited, or unchanged in an update. */
interface Resources {
    readonly memoryBytes?: number | undefined;
    /** Memory and swap together; -1 is unlimited swap. */
    readonly memorySwapBytes?: number | undefined;
    readonly memoryReservationBytes?: number | undefined;
    /** Fractions of a core; 1.5 is a core and a half. */
    readonly cpus?: number | undefined;
    /** Relative weight, 2-262144; 1024 is one part. */
    readonly cpuShares?: number | undefined;
    /** E.g. `0-2,4`. */
    readonly cpuset?: string | undefined;
    readonly cpusetMems?: string | undefined;
    readonly pids?: number | undefined;
    readonly blockIo?: BlockIo | undefined;
    readonly intelRdt?: IntelRdt | undefined;
}
/** A share of what all processors of a socket have in common (Intel RDT, resctrl). Fixed once a container is made. */
interface IntelRdt {
    /** Of the third-level cache, in the words of the kernel's `schemata`: `L3:0=f0;1=f`. */
    readonly l3CacheSchema: string;
}
interface BlockIo {
    /** 10-1000. */
    readonly weight?: number | undefined;
    readonly devices?: readonly BlockIoDevice[] | undefined;
}
interface BlockIoDevice {
    /** A device node of the host, e.g. `/dev/sda`. */
    readonly path: string;
    readonly weight?: number | undefined;
    readonly readBytesPerSecond?: number | undefined;
    readonly writeBytesPerSecond?: number | undefined;
    readonly readOpsPerSecond?: number | undefined;
    readonly writeOpsPerSecond?: number | undefined;
}
interface Ulimit {
    /** -1 is unlimited. */
    readonly soft: number;
    readonly hard: number;
}
/** One reading. Counters grow from the container's start. A figure the runtime does not give is absent, never 0. */
interface StatsSample {
    readonly time: Date;
    readonly cpu: {
        /** Cores in use since the sample before: 1.5 is a core and a half. The first sample waits one interval to know it. */
        readonly fraction: number;
        readonly usedNanos: number;
        readonly throttledNanos?: number | undefined;
    };
    readonly memory: {
        /** Without page cache that the kernel may drop. */
        readonly usedBytes: number;
        readonly cacheBytes?: number | undefined;
        readonly limitBytes?: number | undefined;
    };
    readonly pids?: {
        readonly current: number;
        readonly limit?: number | undefined;
    } | undefined;
    readonly blockIo?: {
        readonly readBytes: number;
        readonly writtenBytes: number;
    } | undefined;
    /** By interface name. */
    readonly networks?: Readonly<Record<string, {
        readonly receivedBytes: number;
        readonly sentBytes: number;
    }>> | undefined;
}

/** The root is an image or a directory of this host, never both. */
type ContainerSpec = ContainerSettings & ({
    readonly image: string;
    readonly rootfs?: undefined;
} | {
    readonly rootfs: string;
    readonly image?: undefined;
});
interface ContainerSettings {
    /** Taken by another: `already_exists`. Absent: one is made up. */
    readonly name?: string | undefined;
    /** 64 hexadecimal digits, in lower case. Taken by another: `already_exists`. Absent: one is made up. */
    readonly id?: string | undefined;
    /** Fetch the image first? Default `missing` for `run`, `never` for `create`. */
    readonly pull?: 'missing' | 'always' | 'never' | undefined;
    /** `os/arch[/variant]`, e.g. `linux/amd64`. Default: this host's. */
    readonly platform?: string | undefined;
    /** `owned` ends with the engine that made it, SIGKILL included; `detached`, its log and its exit outlive it. Default `detached`. */
    readonly lifetime?: 'owned' | 'detached' | undefined;
    /** Replaces the image's; an empty list clears it. */
    readonly entrypoint?: readonly string[] | undefined;
    /** Replaces the image's. */
    readonly command?: readonly string[] | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly workingDir?: string | undefined;
    /** `user[:group]`, names or numbers, looked up inside the root. */
    readonly user?: string | undefined;
    /** Further groups, names or numbers. */
    readonly groups?: readonly string[] | undefined;
    /** A terminal: one output stream, and `resize`. */
    readonly tty?: boolean | undefined;
    /** Keeps stdin open for `attach`. Default false: /dev/null. */
    readonly stdin?: boolean | undefined;
    /** A small init as process 1 that forwards signals and reaps. */
    readonly init?: boolean | undefined;
    readonly stopSignal?: Signal | undefined;
    /** Milliseconds from the stop signal to SIGKILL where `stop` says nothing. Default 10 000. */
    readonly stopGraceMs?: number | undefined;
    readonly labels?: Labels | undefined;
    /** Go into the OCI spec as they are; labels do not. */
    readonly annotations?: Labels | undefined;
    readonly hostname?: string | undefined;
    readonly networks?: readonly NetworkAttachment[] | undefined;
    /** Instead of `networks`; with both, `invalid_argument`. */
    readonly networkMode?: NetworkMode | undefined;
    readonly ports?: readonly PortRequest[] | undefined;
    /** Name to address; `host-gateway` stands for the host as seen from the container. */
    readonly extraHosts?: Readonly<Record<string, string>> | undefined;
    readonly dns?: readonly string[] | undefined;
    readonly dnsSearch?: readonly string[] | undefined;
    readonly mounts?: readonly (VolumeMount | BindMount | TmpfsMount)[] | undefined;
    /** A path of the host, or one mapped to another path and access. */
    readonly devices?: readonly (string | DeviceRequest)[] | undefined;
    /** Bytes of /dev/shm. Default 64 MiB. */
    readonly shmBytes?: number | undefined;
    /** Path in the container to a size in bytes; `/` is the root itself, a path with a mount on it what is mounted there. */
    readonly diskQuota?: Readonly<Record<string, number>> | undefined;
    /** /proc and /sys files that tell the container's limits, served by a running lxcfs. */
    readonly lxcfs?: boolean | undefined;
    readonly resources?: (Resources & {
        readonly ulimits?: Readonly<Record<string, Ulimit>> | undefined;
    }) | undefined;
    readonly cgroupParent?: string | undefined;
    readonly sysctls?: Labels | undefined;
    readonly security?: SecuritySpec | undefined;
    /** Default `private`. */
    readonly pidMode?: 'private' | 'host' | {
        readonly container: string;
    } | undefined;
    /** Default `private`; `shareable` lets others join. */
    readonly ipcMode?: 'private' | 'shareable' | 'host' | 'none' | {
        readonly container: string;
    } | undefined;
    readonly restart?: RestartPolicy | undefined;
    readonly health?: HealthSpec | undefined;
    readonly runtime?: RuntimeRef | undefined;
    readonly log?: {
        readonly driver: string;
        readonly options?: DriverOptions | undefined;
    } | undefined;
    readonly rich?: RichSpec | undefined;
    readonly hooks?: OciHooks | undefined;
}
/** `netns`: a network namespace of the backend's host that somebody else has made, e.g. `/run/netns/blue`; nothing in it is set up or undone. */
type NetworkMode = 'none' | 'host' | {
    readonly container: string;
} | {
    readonly netns: string;
};
interface DeviceRequest {
    readonly hostPath: string;
    /** Default: the same. */
    readonly path?: string | undefined;
    /** Any of `r`, `w`, `m`. Default `rwm`. */
    readonly access?: string | undefined;
}
interface SecuritySpec {
    readonly privileged?: boolean | undefined;
    /** With or without `CAP_`; `ALL` is all. */
    readonly capAdd?: readonly string[] | undefined;
    readonly capDrop?: readonly string[] | undefined;
    readonly readOnlyRoot?: boolean | undefined;
    readonly noNewPrivileges?: boolean | undefined;
    /** A profile's JSON text stands in its own field, so that a path is never mistaken for one. */
    readonly seccomp?: 'default' | 'unconfined' | {
        readonly profile: string;
    } | undefined;
    readonly apparmor?: string | undefined;
    readonly selinuxLabel?: string | undefined;
    /** Default: the usual masked and read-only paths of /proc and /sys. */
    readonly maskedPaths?: readonly string[] | undefined;
    readonly readOnlyPaths?: readonly string[] | undefined;
}
type RestartPolicy = {
    readonly policy: 'no' | 'always' | 'unless-stopped';
} | {
    readonly policy: 'on-failure';
    readonly maxRetries?: number | undefined;
};
interface HealthSpec {
    /** Exit 0 is healthy. Empty switches the image's check off. */
    readonly command: readonly string[];
    /** Default 30 000. */
    readonly intervalMs?: number | undefined;
    /** Default 30 000. */
    readonly timeoutMs?: number | undefined;
    /** Failures in here do not count. Default 0. */
    readonly startPeriodMs?: number | undefined;
    /** Failures in a row that make it unhealthy. Default 3. */
    readonly retries?: number | undefined;
}
/**
 * A container that is looked after like a machine: an init is process 1, and the command is a service of it. `dumb-init` and `tini` are taken
 * from the host; `sbin-init` and `systemd` are the image's own, and `systemd` needs `privileged`.
 */
interface RichSpec {
    readonly mode: 'dumb-init' | 'tini' | 'sbin-init' | 'systemd';
    /**
     * A program of the backend's host and its arguments, blanks between them, no quotes. The runtime runs it as a hook once the container's
     * namespaces are there, before its network and its first process; its failure fails the start.
     */
    readonly initScript?: string | undefined;
}
/** As in the OCI runtime spec; executed by the runtime on the host, so never taken from an image. */
interface OciHooks {
    readonly createRuntime?: readonly OciHook[] | undefined;
    readonly createContainer?: readonly OciHook[] | undefined;
    readonly startContainer?: readonly OciHook[] | undefined;
    readonly poststart?: readonly OciHook[] | undefined;
    readonly poststop?: readonly OciHook[] | undefined;
}
interface OciHook {
    readonly path: string;
    readonly args?: readonly string[] | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly timeoutMs?: number | undefined;
}

/** Derived from live facts when asked; never stored. */
type ContainerState = {
    readonly status: 'created';
} | {
    readonly status: 'running' | 'paused';
    readonly pid?: number | undefined;
    readonly startedAt: Date;
} | {
    readonly status: 'exited';
    readonly exit: ExitStatus;
    readonly startedAt?: Date | undefined;
};
type ContainerStatus = ContainerState['status'];
interface HealthState {
    readonly status: 'starting' | 'healthy' | 'unhealthy';
    readonly failingStreak: number;
    /** The last five, newest last. */
    readonly checks: readonly {
        readonly time: Date;
        readonly exitCode: number;
        readonly output: string;
    }[];
}
interface ContainerInfo {
    readonly id: string;
    readonly name: string;
    /** As it was asked for; absent when the root is a directory. */
    readonly image?: string | undefined;
    readonly imageId?: string | undefined;
    readonly labels: Labels;
    readonly createdAt: Date;
    readonly state: ContainerState;
    /** Present when a check is set. */
    readonly health?: HealthState | undefined;
    /** With what the image and the defaults filled in; complete enough to create it again. */
    readonly spec: ContainerSpec;
    readonly networks: readonly EndpointInfo[];
    /** With the host ports that were chosen; empty while it does not run. */
    readonly ports: readonly PortMapping[];
    readonly mounts: readonly ContainerMount[];
    /** By the restart policy, since the last start that somebody asked for. */
    readonly restartCount: number;
    /** What keeps `/` and quotas, e.g. `overlay`, `loop`. */
    readonly rootDrivers: readonly string[];
}
interface ContainerMount {
    readonly type: 'volume' | 'bind' | 'tmpfs';
    readonly source?: string | undefined;
    readonly target: string;
    readonly readOnly: boolean;
}
/**
 * Absent is unchanged. Each has a capability: `live_resource_update`, `restart_update`, `label_update`, `env_update`, `quota_update`. Without
 * that of one of them the whole change is `unsupported`.
 */
interface ContainerChange {
    readonly resources?: Omit<NonNullable<ContainerSettings['resources']>, 'intelRdt'> | undefined;
    readonly restart?: ContainerSettings['restart'];
    /** Key by key over those it has; `null` takes one away. */
    readonly labels?: Readonly<Record<string, string | null>> | undefined;
    /** Variable by variable over those it has; `null` takes one away. Processes that run keep theirs: execs and the next start have the new ones. */
    readonly env?: Readonly<Record<string, string | null>> | undefined;
    /** Path by path over those it has. */
    readonly diskQuota?: ContainerSettings['diskQuota'];
}
/** One path of a container's root against its image. */
interface FileChange {
    readonly path: string;
    readonly kind: 'added' | 'modified' | 'deleted';
}
interface FileStat {
    readonly name: string;
    readonly type: 'file' | 'directory' | 'symlink' | 'device' | 'fifo' | 'socket';
    readonly sizeBytes: number;
    /** Permission bits, set-id and sticky included; without the type. */
    readonly mode: number;
    readonly uid?: number | undefined;
    readonly gid?: number | undefined;
    readonly modifiedAt: Date;
    /** The text of a link, or the whole path inside that it leads to where a daemon tells only that. */
    readonly linkTarget?: string | undefined;
}

interface ImageConfig {
    readonly entrypoint?: readonly string[] | undefined;
    readonly command?: readonly string[] | undefined;
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly workingDir?: string | undefined;
    readonly user?: string | undefined;
    readonly labels?: Labels | undefined;
    readonly stopSignal?: string | undefined;
    readonly exposedPorts?: readonly string[] | undefined;
    readonly volumes?: readonly string[] | undefined;
}
interface ImageInfo {
    /** The digest of the config, as `docker images` shows. */
    readonly id: Digest;
    readonly names: readonly string[];
    /** What the names point at: a manifest or an index. Absent where a daemon does not tell. */
    readonly target?: Descriptor | undefined;
    readonly platform: string;
    readonly createdAt?: Date | undefined;
    /** Unpacked, shared layers included. */
    readonly sizeBytes: number;
    /** Of which other images have, too. */
    readonly sharedBytes?: number | undefined;
    readonly layers: readonly Digest[];
    readonly config: ImageConfig;
    /** Ids of the containers made from it. */
    readonly usedBy: readonly string[];
}
interface ImageHistoryEntry {
    readonly createdAt?: Date | undefined;
    readonly createdBy: string;
    readonly comment?: string | undefined;
    /** Absent: a step without a layer. */
    readonly layer?: Digest | undefined;
    readonly sizeBytes?: number | undefined;
}
/** One instruction of a Dockerfile as it is carried out. */
interface BuildStep {
    /** From 1. */
    readonly number: number;
    readonly total: number;
    /** As the builder tells it, e.g. `RUN make`. */
    readonly instruction: string;
}
/** Never in messages, traces or records. */
type RegistryAuth = {
    readonly username: string;
    readonly password: string;
} | {
    readonly identityToken: string;
} | {
    readonly registryToken: string;
};
interface TransferProgress {
    readonly phase: 'resolve' | 'download' | 'verify' | 'unpack' | 'upload' | 'done';
    /** A layer's digest, or what the daemon calls it. */
    readonly layer?: string | undefined;
    readonly doneBytes: number;
    /** Absent while nobody has told. */
    readonly totalBytes?: number | undefined;
}

interface CommitOptions extends CallOptions {
    readonly author?: string | undefined;
    readonly comment?: string | undefined;
    /** Over the container's own. Needs `commit_config`. */
    readonly config?: ImageConfig | undefined;
    /** Freeze it meanwhile. Default true where it can be paused. */
    readonly pause?: boolean | undefined;
}
interface UpgradeOptions extends CallOptions {
    /** Wait for the health check that long before the old one is given up. Default 0: running is enough. */
    readonly healthyWithinMs?: number | undefined;
    /** Replaces the container's own. Absent: as it was made, where the spec said one, else the new image's. */
    readonly entrypoint?: readonly string[] | undefined;
    /** Likewise. */
    readonly command?: readonly string[] | undefined;
}
interface CheckpointOptions extends CallOptions {
    /** Default false: it stops. */
    readonly leaveRunning?: boolean | undefined;
    readonly labels?: Labels | undefined;
}
/** Where a container's root meets images and archives. Works on stopped containers too. */
interface ContainerImages {
    /** What the container changed becomes a layer over its image, under the name `reference`. */
    commit(id: string, reference: string, options?: CommitOptions): Promise<ImageInfo>;
    /**
     * Same id, name, networks, volumes; the root of another image. A running container is stopped and started again.
     * When the new one does not start, or not get healthy in time, the old one runs again and this rejects with why.
     */
    upgrade(id: string, reference: string, options?: UpgradeOptions): Promise<void>;
    /** The whole root as a tar: no volumes, no /proc. Deleted files of lower layers do not appear. */
    export(id: string, options?: CallOptions): AsyncIterable<Uint8Array>;
    changes(id: string, options?: CallOptions): AsyncIterable<FileChange>;
    /** Writes to a directory of the backend's host that is empty or not there. On failure the container runs on and the directory is as before. */
    checkpoint(id: string, directory: string, options?: CheckpointOptions): Promise<void>;
    /** Starts a created or exited container from what `checkpoint` wrote. */
    restore(id: string, directory: string, options?: CallOptions): Promise<void>;
}

interface OutputChunk {
    /** Always `stdout` with a terminal, and of an attached container where the backend cannot tell (capability `separate_streams`). */
    readonly stream: 'stdout' | 'stderr';
    readonly bytes: Uint8Array;
}
/** A live connection to one process. Closing it detaches; the process goes on. */
interface Attachment extends Closeable {
    /** Can be read once. Ends when the process exits. Nothing is dropped; whether a slow reader holds the process up is the backend's affair. */
    readonly output: AsyncIterable<OutputChunk>;
    /** Resolves when the bytes have been handed on. Throws `failed_precondition` without stdin or after `closeStdin`. */
    write(bytes: Uint8Array, options?: CallOptions): Promise<void>;
    /** The process reads an end of file. Output goes on. Twice is success. */
    closeStdin(options?: CallOptions): Promise<void>;
    /** Without a terminal: `failed_precondition`. */
    resize(size: TerminalSize, options?: CallOptions): Promise<void>;
}
/** One line. `bytes` end without the newline; a line beyond 16 KiB comes in several entries, of which only the last is not `partial`. */
interface LogEntry extends OutputChunk {
    /** When the line was read from the process; where nobody recorded it (capability `log_timestamps`), when it was read here. */
    readonly time: Date;
    /** `bytes` as UTF-8; what is not becomes U+FFFD, in `bytes` too where the log keeps text only (Docker). */
    readonly text: string;
    readonly partial?: boolean | undefined;
}
interface LogOptions extends CallOptions {
    /** Go on until the process exits. Default false. */
    readonly follow?: boolean | undefined;
    readonly since?: Date | undefined;
    readonly until?: Date | undefined;
    /** Only the last so many lines. */
    readonly tail?: number | undefined;
    /** Default both. */
    readonly streams?: readonly ('stdout' | 'stderr')[] | undefined;
}

interface ListContainersOptions extends CallOptions {
    /** Stopped ones too. Default false, unless `status` names what to list. */
    readonly all?: boolean | undefined;
    /** All of these. */
    readonly labels?: Labels | undefined;
    /** Any of these, whole. */
    readonly names?: readonly string[] | undefined;
    readonly status?: readonly ContainerStatus[] | undefined;
}
interface AttachOptions extends CallOptions {
    /** Default false. The spec must have `stdin`, else `failed_precondition`. */
    readonly stdin?: boolean | undefined;
}
interface StartOptions extends CallOptions {
    /** Connect to the streams before the first instruction runs, so that no output is missed. Of one that has run before: `attach_again`. */
    readonly attach?: {
        readonly stdin: boolean;
    } | undefined;
}
interface StopOptions extends CallOptions {
    /** Milliseconds between the stop signal and SIGKILL, by the monotonic clock. Default: the spec's `stopGraceMs`; 0 kills at once. */
    readonly graceMs?: number | undefined;
}
interface WaitOptions extends CallOptions {
    /**
     * `exit` (default): it has exited and the restart policy will not start it again; at once if that is so already.
     * `next-exit`: its next end after this call, restarted or not.
     * `removed`: it is gone; the status is that of its last end.
     */
    readonly until?: 'exit' | 'next-exit' | 'removed' | undefined;
}
interface RemoveOptions extends CallOptions {
    /** Kill first if it runs. Default false, and then a running container is `failed_precondition`. */
    readonly force?: boolean | undefined;
    /** Its unnamed volumes too. Default false. */
    readonly volumes?: boolean | undefined;
}
/** Every method throws `not_found` for a container that is not there. */
interface ContainerService {
    /** Resolves with the new id; on failure nothing is left. Pulls as `spec.pull` says; an absent image is `not_found`, a taken name `already_exists`. */
    create(spec: ContainerSpec, options?: CallOptions): Promise<string>;
    /** `ref` is an id, an unambiguous beginning of one, or a name. Ambiguous: `invalid_argument`. */
    get(ref: string, options?: CallOptions): Promise<ContainerInfo>;
    /** A snapshot: one that goes away meanwhile is left out, never an error. */
    list(options?: ListContainersOptions): AsyncIterable<ContainerInfo>;
    /**
     * Resolves when the runtime has released init. A running container is success, a paused one `failed_precondition`.
     * A command not found or not executable is `failed_precondition` with `exitCode` 127 or 126. On failure it is as
     * it was before. Resolves with an attachment when one was asked for; on a running container that joins late.
     */
    start(id: string, options?: StartOptions): Promise<Attachment | undefined>;
    /** Resolves when it has exited. A container that does not run is success. The restart policy rests until the next start. */
    stop(id: string, options?: StopOptions): Promise<void>;
    /**
     * `stop` and `start` as one verb: nobody comes between. Starts a stopped one. Aborted, or without its process, in the middle, it is
     * left running, stopped, or to the daemon, which goes on with it.
     */
    restart(id: string, options?: StopOptions): Promise<void>;
    /** Resolves when the signal is sent. A container that does not run is `failed_precondition`. */
    kill(id: string, signal: Signal, options?: CallOptions): Promise<void>;
    /** One that was never started is waited for. Removed meanwhile, with another `until` than `removed`: `not_found`. */
    wait(id: string, options?: WaitOptions): Promise<ExitStatus>;
    /** Its log, its execs and its root go with it. A second removal is `not_found`. */
    remove(id: string, options?: RemoveOptions): Promise<void>;
    /** Throws `already_exists`; then the old name stands. */
    rename(id: string, name: string, options?: CallOptions): Promise<void>;
}
interface StatsOptions extends CallOptions {
    /** Between samples. Default 1 000. */
    readonly intervalMs?: number | undefined;
}
interface ContainerControl {
    /** A paused container is success; one that does not run is `failed_precondition`. */
    pause(id: string, options?: CallOptions): Promise<void>;
    /** A container that is not paused is success; one that does not run is `failed_precondition`. */
    resume(id: string, options?: CallOptions): Promise<void>;
    /** All of it or, on failure, none. Also for a stopped container; then it holds from the next start. */
    update(id: string, change: ContainerChange, options?: CallOptions): Promise<void>;
    /** Ends when the container does. Before it runs: `failed_precondition`. */
    stats(id: string, options?: StatsOptions): AsyncIterable<StatsSample>;
    /** All processes inside, execs included. */
    top(id: string, options?: CallOptions): Promise<readonly ProcessEntry[]>;
}
interface ContainerStreams {
    /** From now on. Throws `failed_precondition` when it does not run, `unavailable` when the streams are taken and cannot be shared. */
    attach(id: string, options?: AttachOptions): Promise<Attachment>;
    /** Without a terminal: `failed_precondition`. */
    resize(id: string, size: TerminalSize, options?: CallOptions): Promise<void>;
    /** Oldest first, of all its runs. With a log driver that cannot be read: `unsupported`. */
    logs(id: string, options?: LogOptions): AsyncIterable<LogEntry>;
}

interface ExecSpec {
    readonly command: readonly string[];
    /** Over the container's. */
    readonly env?: Readonly<Record<string, string>> | undefined;
    readonly user?: string | undefined;
    readonly workingDir?: string | undefined;
    readonly tty?: boolean | undefined;
    readonly stdin?: boolean | undefined;
    readonly privileged?: boolean | undefined;
}
type ExecState = {
    readonly status: 'created';
} | {
    readonly status: 'running';
    readonly pid?: number | undefined;
} | {
    readonly status: 'exited';
    readonly exit: ExitStatus;
};
interface ExecInfo {
    readonly id: string;
    readonly containerId: string;
    readonly spec: ExecSpec;
    readonly state: ExecState;
}

interface StartExecOptions extends CallOptions {
    /** Connect to the streams before the first instruction. Default: detached, output is thrown away. */
    readonly attach?: {
        readonly stdin: boolean;
    } | undefined;
}
/**
 * Further processes of running containers. Ids are unique over the backend. One is forgotten when its container stops,
 * or some minutes after its exit; then `not_found`.
 */
interface ExecService {
    /** Resolves with the exec's id; nothing runs yet. A container that does not run is `failed_precondition`. */
    create(containerId: string, spec: ExecSpec, options?: CallOptions): Promise<string>;
    /** A second start is `failed_precondition`. A command not found or not executable resolves all the same, and exits with 127 or 126. */
    start(execId: string, options?: StartExecOptions): Promise<Attachment | undefined>;
    get(execId: string, options?: CallOptions): Promise<ExecInfo>;
    /** Resolves when it exits; at once if it has. */
    wait(execId: string, options?: CallOptions): Promise<ExitStatus>;
    /** A process already gone is success. */
    kill(execId: string, signal: Signal, options?: CallOptions): Promise<void>;
    /** Without a terminal: `failed_precondition`. */
    resize(execId: string, size: TerminalSize, options?: CallOptions): Promise<void>;
}

interface StatOptions extends CallOptions {
    /** What a link points at, not the link. Default false. */
    readonly followLinks?: boolean | undefined;
}
interface WriteFilesOptions extends CallOptions {
    /** Give everything to this `uid[:gid]`. Default: as the tar says; Podman 4.3 gives all to root, and refuses any other with `unsupported`. */
    readonly owner?: string | undefined;
    /** Refuse to put a directory over a file or the other way round, with `failed_precondition`. Default true. */
    readonly keepTypes?: boolean | undefined;
}
/**
 * A container's root, volumes and binds included, running or stopped. Paths are absolute and inside; links are
 * followed within the root and never lead out. A path that is not there is `not_found`.
 *
 * pouchd up to 1.3.1 does not keep that promise by itself: it joins the path to the root and opens it on its host. Links that are there are followed from here,
 * inside; one that a process puts there in the same moment leads to files of the host. There, read and write only what you would trust with the host while it runs.
 */
interface FileService {
    stat(id: string, path: string, options?: StatOptions): Promise<FileStat>;
    /**
     * A tar whose first entry is `path` itself by its last name. Where `path` is a link, what it points at, which may then go by its own name. A tar that
     * ends early is `data_loss`.
     */
    read(id: string, path: string, options?: CallOptions): AsyncIterable<Uint8Array>;
    /**
     * Unpacks a tar into the directory `path`. An entry that would lead out is `invalid_argument`; what came before
     * it stays. A read-only root is `failed_precondition`.
     */
    write(id: string, path: string, tar: AsyncIterable<Uint8Array>, options?: WriteFilesOptions): Promise<void>;
}

interface EngineInfo {
    /** E.g. `docker`, `pouchd`, `podman`, `containerd`, `local`. */
    readonly backend: string;
    readonly version: string;
    readonly apiVersion?: string | undefined;
    /** Of the machine that runs the containers. */
    readonly kernel: string;
    readonly architecture: string;
    readonly cpus: number;
    readonly memoryBytes: number;
    readonly cgroups?: 'v1' | 'hybrid' | 'v2' | undefined;
    readonly runtimes: readonly string[];
    readonly networkDrivers: readonly string[];
    readonly volumeDrivers: readonly string[];
    readonly logDrivers: readonly string[];
    /** Of the daemon itself, where daemons have some. */
    readonly labels?: Labels | undefined;
}
/** What a running daemon can be told about itself. Absent is unchanged. It forgets all of it when it ends: what stays stands in its configuration. */
interface DaemonChange {
    /** Key by key over those it has. */
    readonly labels?: Labels | undefined;
}
/** One thing that this machine or daemon can or cannot do. */
interface CheckItem {
    /** E.g. `overlay`, `seccomp`, `project_quota`. */
    readonly name: string;
    readonly answer: 'yes' | 'limited' | 'no';
    /** What was asked and what came back. */
    readonly why: string;
    /** What to do about it, if that is known. */
    readonly remedy?: string | undefined;
}
interface UsageItem {
    readonly count: number;
    readonly sizeBytes: number;
    /** What `prune` or removal of unused ones would free. */
    readonly reclaimableBytes: number;
}
interface DiskUsage {
    readonly images: UsageItem;
    readonly containers: UsageItem;
    readonly volumes: UsageItem;
    /** Blobs, caches and parts of interrupted pulls. Absent where a daemon does not tell. */
    readonly cache?: UsageItem | undefined;
}
interface PruneReport {
    /** Ids or names. */
    readonly removed: readonly string[];
    readonly freedBytes: number;
}
interface RepairReport {
    /** One line each: what was found and put right. */
    readonly repaired: readonly string[];
    /** What could not be; found again by the next repair. */
    readonly failed: readonly {
        readonly what: string;
        readonly error: unknown;
    }[];
}

interface ProgressOptions extends CallOptions {
    /** Called synchronously and often; what it returns or throws is ignored. */
    readonly onProgress?: ((progress: TransferProgress) => void) | undefined;
}
interface PullOptions extends ProgressOptions {
    /** `os/arch[/variant]`. Default: the host's. */
    readonly platform?: string | undefined;
    /** Default: what the Docker configuration of this user says. */
    readonly auth?: RegistryAuth | undefined;
}
interface PushOptions extends ProgressOptions {
    readonly auth?: RegistryAuth | undefined;
    /** Default: every platform that is here. */
    readonly platform?: string | undefined;
}
interface ListImagesOptions extends CallOptions {
    readonly labels?: Labels | undefined;
    /** With `*`, matched against whole names. */
    readonly names?: readonly string[] | undefined;
    /** Only those without a name. Default false. */
    readonly dangling?: boolean | undefined;
}
interface RemoveImageOptions extends CallOptions {
    /** Take every name of an id; without it several names are `failed_precondition`. A container's image is never removed. */
    readonly force?: boolean | undefined;
}
interface SaveOptions extends CallOptions {
    /** Default: what the backend writes, `oci` where it has the choice. One that it does not write is `unsupported`; all of them load both. */
    readonly format?: 'oci' | 'docker' | undefined;
}
interface ImportOptions extends ProgressOptions {
    /** Absent: an image without a name. */
    readonly reference?: string | undefined;
    readonly config?: ImageConfig | undefined;
    readonly platform?: string | undefined;
}
interface PruneImagesOptions extends CallOptions {
    /** Those that have names, too, if no container uses them. Default false: only dangling ones. */
    readonly all?: boolean | undefined;
    readonly olderThanMs?: number | undefined;
    readonly labels?: Labels | undefined;
    /** Stop when no more than this remains; least recently used first. */
    readonly keepBytes?: number | undefined;
}
interface BuildRequest {
    /** A tar of the context. */
    readonly context: AsyncIterable<Uint8Array>;
    /** Within the context. Default `Dockerfile`. */
    readonly dockerfile?: string | undefined;
    readonly target?: string | undefined;
    readonly args?: Readonly<Record<string, string>> | undefined;
    readonly tags?: readonly string[] | undefined;
    readonly platform?: string | undefined;
    /** Use what earlier builds left. Default true. */
    readonly cache?: boolean | undefined;
    readonly labels?: Labels | undefined;
    /** Pull the images that it begins with also where they are here. Default false. */
    readonly pull?: boolean | undefined;
    /** By registry, e.g. `docker.io`. Default: all that the Docker configuration of this user says. */
    readonly auth?: Readonly<Record<string, RegistryAuth>> | undefined;
}
interface BuildOptions extends CallOptions {
    /** Called synchronously as each step begins; what it returns or throws is ignored. */
    readonly onStep?: ((step: BuildStep) => void) | undefined;
    /** One line of the build's own output, without colours, and the step that said it. Likewise. */
    readonly onOutput?: ((line: string, step: BuildStep | undefined) => void) | undefined;
}
/** `ref` is a name with tag or digest, an id, or an unambiguous beginning of one. A missing one is `not_found`. */
interface ImageService {
    /**
     * Resolves when every blob is verified, unpacked and named. The name then stands for what the registry said now.
     * `unauthenticated`, `permission_denied`, `not_found` as the registry says; a wrong digest is `data_loss`.
     * On failure the old image stands under its name; parts of blobs may stay for the next pull.
     */
    pull(reference: string, options?: PullOptions): Promise<ImageInfo>;
    /** Sends the image under the name `target`, which need not exist here, and is not made here. */
    push(ref: string, target: string, options?: PushOptions): Promise<void>;
    get(ref: string, options?: CallOptions): Promise<ImageInfo>;
    list(options?: ListImagesOptions): AsyncIterable<ImageInfo>;
    /** Moves the name if another image has it. */
    tag(ref: string, name: string, options?: CallOptions): Promise<void>;
    /** A name takes the name away, and the image with the last one. In use by a container: `failed_precondition`. */
    remove(ref: string, options?: RemoveImageOptions): Promise<void>;
    /** A Docker or OCI archive, compressed or not, told apart by its content. All of its images or none. */
    load(tar: AsyncIterable<Uint8Array>, options?: ProgressOptions): Promise<readonly ImageInfo[]>;
    /** The same images give the same bytes. */
    save(refs: readonly string[], options?: SaveOptions): AsyncIterable<Uint8Array>;
    /** A tar of a root file system becomes an image of one layer. */
    import(rootfs: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ImageInfo>;
    /** Newest first. */
    history(ref: string, options?: CallOptions): Promise<readonly ImageHistoryEntry[]>;
    prune(options?: PruneImagesOptions): Promise<PruneReport>;
    /**
     * Without the capability `build`: `unsupported`. A failed build never resolves: it is a `BuildError`, with the step and the last of the output, and
     * `exitCode` where a command failed. An abort ends it; Podman leaves the process of a step that was under way to itself. The names stand as they were then; layers of steps that went well may stay.
     */
    build(request: BuildRequest, options?: BuildOptions): Promise<ImageInfo>;
}

interface ListNetworksOptions extends CallOptions {
    readonly labels?: Labels | undefined;
    readonly names?: readonly string[] | undefined;
}
interface ConnectOptions extends EndpointSpec, CallOptions {
}
interface DisconnectOptions extends CallOptions {
    /** Also when the driver fails; what it left is then for `repair`. Default false. */
    readonly force?: boolean | undefined;
}
interface PruneOptions extends CallOptions {
    readonly labels?: Labels | undefined;
}
/** `ref` is an id, an unambiguous beginning of one, or a name. */
interface NetworkService {
    /** A taken name is `already_exists`, a subnet that overlaps `failed_precondition`, no free one `resource_exhausted`. On failure nothing is left. */
    create(spec: NetworkSpec, options?: CallOptions): Promise<NetworkInfo>;
    get(ref: string, options?: CallOptions): Promise<NetworkInfo>;
    list(options?: ListNetworksOptions): AsyncIterable<NetworkInfo>;
    /** Running: at once. Stopped: with the next start. A second connect is `already_exists`, a taken address `failed_precondition`. */
    connect(ref: string, containerId: string, options?: ConnectOptions): Promise<EndpointInfo>;
    /** A container that is not connected is success. */
    disconnect(ref: string, containerId: string, options?: DisconnectOptions): Promise<void>;
    /** With containers connected, or predefined: `failed_precondition`. */
    remove(ref: string, options?: CallOptions): Promise<void>;
    /** Those that no container names. */
    prune(options?: PruneOptions): Promise<PruneReport>;
}

/** A place in one backend's history. Opaque; sorts only by asking. */
type Cursor = string;
type EventType = 'container' | 'exec' | 'image' | 'network' | 'volume' | 'engine';
interface EngineEvent {
    readonly cursor: Cursor;
    /** `gap`: what came between the event before and this one is lost; list again. Delivered whatever `types` asks for. */
    readonly type: EventType | 'gap';
    /** E.g. `create`, `start`, `exit`, `oom`, `kill`, `stop`, `pause`, `rename`, `remove`, `pull`. For `gap`: `gap`. */
    readonly action: string;
    readonly subject: {
        readonly kind: EventType;
        /** For `gap`: the engine's own. */
        readonly id: string;
        readonly name?: string | undefined;
    };
    /** Wall clock of whoever saw it. */
    readonly time: Date;
    /** With the labels of the container that it is about. */
    readonly attributes: Labels;
}

interface EventsOptions extends CallOptions {
    /** Default all. A `gap` comes whatever stands here. */
    readonly types?: readonly EventType[] | undefined;
    /** Any of these. */
    readonly actions?: readonly string[] | undefined;
    /** Ids or names of subjects. */
    readonly subjects?: readonly string[] | undefined;
    /** Of the container; all of these. */
    readonly labels?: Labels | undefined;
    /** Begin after this event, or at this time. Default: now. Older than what is kept: the first event is a `gap`. */
    readonly since?: Cursor | Date | undefined;
    /** End with what is known now. Default true: never end. */
    readonly follow?: boolean | undefined;
}
interface SystemService {
    info(options?: CallOptions): Promise<EngineInfo>;
    /** Asks anew; changes nothing. */
    check(options?: CallOptions): Promise<readonly CheckItem[]>;
    /** May walk the disk. */
    diskUsage(options?: CallOptions): Promise<DiskUsage>;
    /**
     * Of every process that uses the engine, in order for one subject, none twice. Survives a daemon that restarts.
     * To miss nothing, take `cursor`, act or list, then read `since` it. A reader too slow gets one `gap`.
     */
    events(options?: EventsOptions): AsyncIterable<EngineEvent>;
    /** Resolves when the daemon has taken all of it over; `info` tells it then. Without the capability `daemon_update`: `unsupported`. */
    updateDaemon(change: DaemonChange, options?: CallOptions): Promise<void>;
    /** Where the history ends now. */
    cursor(options?: CallOptions): Promise<Cursor>;
    /** What opening does: brings down what a crash left, and what a failed undo left. Touches only what carries this root's mark. Idempotent. */
    repair(options?: CallOptions): Promise<RepairReport>;
}

interface ListVolumesOptions extends CallOptions {
    readonly labels?: Labels | undefined;
    readonly names?: readonly string[] | undefined;
}
interface PruneVolumesOptions extends CallOptions {
    /** Those with a name that a user gave, too. Default false. */
    readonly all?: boolean | undefined;
    readonly labels?: Labels | undefined;
}
interface VolumeService {
    /** The same name, driver and options again is success; others are `already_exists`. On failure nothing is left. */
    create(spec: VolumeSpec, options?: CallOptions): Promise<VolumeInfo>;
    get(name: string, options?: CallOptions): Promise<VolumeInfo>;
    list(options?: ListVolumesOptions): AsyncIterable<VolumeInfo>;
    /** May walk the disk. A driver that cannot tell: `unsupported`. */
    usage(name: string, options?: CallOptions): Promise<VolumeUsage>;
    /** Named by a container, running or not: `failed_precondition`. */
    remove(name: string, options?: CallOptions): Promise<void>;
    prune(options?: PruneVolumesOptions): Promise<PruneReport>;
}

type Capability = 'annotations' | 'attach_again' | 'bandwidth' | 'build' | 'changes' | 'checkpoint' | 'chosen_id' | 'commit' | 'commit_config' | 'daemon_update' | 'disk_quota' | 'disk_usage' | 'env_update' | 'event_history' | 'exec_kill' | 'exec_working_dir' | 'exit_status_survives_restart' | 'export' | 'files' | 'health' | 'hooks' | 'image_history' | 'image_import' | 'image_prune' | 'image_push' | 'image_save' | 'init' | 'intel_rdt' | 'kill' | 'label_update' | 'live_resource_update' | 'log_rotation' | 'log_timestamps' | 'lxcfs' | 'netns_path' | 'network_connect' | 'networks' | 'pause' | 'platform' | 'quota_update' | 'rename' | 'restart_on_failure' | 'restart_policy' | 'restart_update' | 'rich' | 'rootfs_directory' | 'separate_streams' | 'shared_attach' | 'stats' | 'stop_signal' | 'tmpfs' | 'top' | 'upgrade' | 'volume_usage' | 'volumes';
/** One way of running containers. The facade knows this interface and nothing below it. Closing it stops no container that is not owned. */
interface Backend extends Closeable {
    /** For messages. Code that wants to branch asks `supports`. */
    readonly name: string;
    /**
     * Answers from what the daemon or machine said while connecting; does no I/O. A method whose capability is
     * missing throws `unsupported` and has changed nothing; so does `create` for a field of the spec (`needs.ts` says which needs what).
     */
    supports(capability: Capability): boolean;
    readonly containers: ContainerService;
    readonly control: ContainerControl;
    readonly streams: ContainerStreams;
    readonly containerImages: ContainerImages;
    readonly execs: ExecService;
    readonly files: FileService;
    readonly images: ImageService;
    readonly networks: NetworkService;
    readonly volumes: VolumeService;
    readonly system: SystemService;
}

/** A whole text or its pieces; a Node `Readable` is one of these. */
type CommandInput = string | Uint8Array | AsyncIterable<string | Uint8Array>;
interface RunOptions extends CallOptions {
    /** A non-zero exit rejects with a `CommandError` that carries the output. Default false. */
    readonly check?: boolean | undefined;
    /** What the command reads, and then an end of file. Read no faster than the command does. Default: nothing to read. */
    readonly stdin?: CommandInput | undefined;
    /** Each piece of output as it comes. Awaited: a slow one slows the command. What it throws ends the command and rejects the call. */
    readonly onOutput?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
    /** Of both streams together. More than that ends the command, and the call rejects with `resource_exhausted`. Default 64 MiB. */
    readonly maxOutputBytes?: number | undefined;
    /** Collect nothing: `onOutput` alone sees it, and there is no limit. Default false. */
    readonly discardOutput?: boolean | undefined;
}
interface CommandResult {
    /** The command's own, whatever it is. */
    readonly exitCode: number;
    readonly stdout: Buffer;
    /** Empty with a terminal: it has one stream. */
    readonly stderr: Buffer;
}

interface ReadFileOptions extends CallOptions {
    /** A larger file is `resource_exhausted`. Default 64 MiB. */
    readonly maxBytes?: number | undefined;
}
interface WriteFileOptions extends CallOptions {
    /** Permission bits. Default 0o644. */
    readonly mode?: number | undefined;
    /** `uid[:gid]`. Default root. */
    readonly owner?: string | undefined;
}

/** The files of one container, running or stopped. Paths in it are absolute; links in it are followed inside and never lead out. Needs `files`. */
declare class ContainerFiles {
    #private;
    /** @internal */
    constructor(backend: Backend, id: string);
    stat(path: string, options?: StatOptions): Promise<FileStat>;
    /** One regular file, whole; anything else is `failed_precondition`. */
    read(path: string, options?: ReadFileOptions): Promise<Buffer>;
    /** Creates or replaces one file. Its directory must be there. */
    write(path: string, data: string | Uint8Array, options?: WriteFileOptions): Promise<void>;
    /**
     * As `docker cp` does: the file or directory `from` of this machine comes into `to`, where `to` is a directory, else becomes `to`, whose directory must
     * be there. Of a `from` that ends in `/.` only what is in it comes. A `to` that ends in a slash must be a directory, unless one is to become it.
     * What is there already is merged with. Links are copied as links; what is neither file, directory nor link is left out. Belongs to root unless
     * `owner` says else.
     */
    copyIn(from: string, to: string, options?: WriteFilesOptions): Promise<void>;
    /**
     * As `docker cp` does, by the same rules as `copyIn`: the file or directory `from` of the container comes into `to` on this machine, or becomes it. A link
     * in the last place of `from` is followed. All of it belongs to this user, without set-id bits, and stays within `to` whatever the container says;
     * devices, fifos and sockets are left out. On failure what was copied before stays.
     */
    copyOut(from: string, to: string, options?: CallOptions): Promise<void>;
    /** A tar whose first entry is `path` itself by its last name. */
    readTar(path: string, options?: CallOptions): AsyncIterable<Uint8Array>;
    /** Unpacks a tar into the directory `path`. */
    writeTar(path: string, tar: AsyncIterable<Uint8Array>, options?: WriteFilesOptions): Promise<void>;
}

interface SpawnOptions extends Omit<ExecSpec, 'command'>, CallOptions {
}
/** A further process of a container, with its streams. Closing it kills the process if it still runs, where the backend can (`exec_kill`). */
declare class Exec implements Closeable {
    #private;
    readonly id: string;
    private constructor();
    /** @internal */
    static spawn(backend: Backend, containerId: string, spec: ExecSpec, { signal }: CallOptions): Promise<Exec>;
    /** Can be read once. Ends when the process exits. */
    get output(): AsyncIterable<OutputChunk>;
    /** The same way in as `write` and `closeStdin`, for `pipeline`. */
    get stdin(): Writable;
    /** Resolves when the bytes have been handed on. */
    write(bytes: Uint8Array | string, options?: CallOptions): Promise<void>;
    /** The process reads an end of file; its output goes on. */
    closeStdin(options?: CallOptions): Promise<void>;
    /** Without a terminal: `failed_precondition`. */
    resize(size: TerminalSize, options?: CallOptions): Promise<void>;
    /** A process already gone is success. */
    kill(signal?: Signal, options?: CallOptions): Promise<void>;
    inspect(options?: CallOptions): Promise<ExecInfo>;
    wait(options?: CallOptions): Promise<ExitStatus>;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

/** A reference to an image by its id: names may move, this does not. */
declare class Image {
    /** The digest of its config. */
    readonly id: string;
    protected readonly backend: Backend;
    /** @internal */
    constructor(backend: Backend, id: string);
    inspect(options?: CallOptions): Promise<ImageInfo>;
    /** Moves the name if another image has it. */
    tag(name: string, options?: CallOptions): Promise<void>;
    /** With several names it needs `force`. In use by a container: `failed_precondition`. */
    remove(options?: RemoveImageOptions): Promise<void>;
    /** To `target`, a whole reference, which need not be a name here. */
    push(target: string, options?: PushOptions): Promise<void>;
    /** As a tar, to the end of `target`, which is destroyed if this fails. The bytes themselves: `images.save`. */
    save(target: Writable, options?: SaveOptions): Promise<void>;
    /** Newest first. */
    history(options?: CallOptions): Promise<readonly ImageHistoryEntry[]>;
}
/** As `list`, `pull`, `load` and `import` give it: with what was known then. */
declare class ListedImage extends Image {
    readonly info: ImageInfo;
    /** @internal */
    constructor(backend: Backend, info: ImageInfo);
}

interface ExecOptions extends Omit<ExecSpec, 'command' | 'stdin'>, RunOptions {
}
interface PublishedPortOptions extends CallOptions {
    /** Default `tcp`. */
    readonly protocol?: Protocol | undefined;
}
/** Where a published port is reached from this machine. */
interface PublishedPort {
    /** An address, never a name that could mean another. */
    readonly host: string;
    readonly port: number;
}
/** A reference to a container: asks anew each time, and disposing the engine does not stop it. Every verb throws `not_found` when it is gone. */
declare class Container {
    readonly id: string;
    readonly files: ContainerFiles;
    protected readonly backend: Backend;
    /** @internal */
    constructor(backend: Backend, id: string);
    inspect(options?: CallOptions): Promise<ContainerInfo>;
    /** Resolves when its process runs. A command not found or not executable: `failed_precondition` with `exitCode` 127 or 126. */
    start(options?: CallOptions): Promise<void>;
    /** `start`, connected before the first instruction runs, so that no output is missed. */
    startAttached(options?: AttachOptions): Promise<Attachment>;
    stop(options?: StopOptions): Promise<void>;
    restart(options?: StopOptions): Promise<void>;
    /** Resolves when the signal is sent. */
    kill(signal?: Signal, options?: CallOptions): Promise<void>;
    wait(options?: WaitOptions): Promise<ExitStatus>;
    remove(options?: RemoveOptions): Promise<void>;
    rename(name: string, options?: CallOptions): Promise<void>;
    /** A further process to its end. Resolves with its exit code, whatever it is; 127 or 126 when there is no such command. */
    exec(argv: readonly string[], options?: ExecOptions): Promise<CommandResult>;
    /** A further process with its streams. */
    spawn(argv: readonly string[], options?: SpawnOptions): Promise<Exec>;
    /** Joins the streams of the running process, from now on. */
    attach(options?: AttachOptions): Promise<Attachment>;
    resize(size: TerminalSize, options?: CallOptions): Promise<void>;
    logs(options?: LogOptions): AsyncIterable<LogEntry>;
    stats(options?: StatsOptions): AsyncIterable<StatsSample>;
    top(options?: CallOptions): Promise<readonly ProcessEntry[]>;
    pause(options?: CallOptions): Promise<void>;
    resume(options?: CallOptions): Promise<void>;
    update(change: ContainerChange, options?: CallOptions): Promise<void>;
    commit(reference: string, options?: CommitOptions): Promise<Image>;
    upgrade(reference: string, options?: UpgradeOptions): Promise<void>;
    export(options?: CallOptions): AsyncIterable<Uint8Array>;
    changes(options?: CallOptions): AsyncIterable<FileChange>;
    checkpoint(directory: string, options?: CheckpointOptions): Promise<void>;
    restore(directory: string, options?: CallOptions): Promise<void>;
    /** Rejects with `failed_precondition` when it has no health check, is found unhealthy, or ends before. */
    waitUntilHealthy(options?: CallOptions): Promise<void>;
    /** Where to reach a port of the container; `failed_precondition` when it is not published now. */
    publishedPort(containerPort: number, options?: PublishedPortOptions): Promise<PublishedPort>;
}
/** As `list` gives it: with what was known then. */
declare class ListedContainer extends Container {
    readonly info: ContainerInfo;
    /** @internal */
    constructor(backend: Backend, info: ContainerInfo);
}
/** Ends with its block of code: disposing it removes it, running or not. */
declare class OwnedContainer extends Container implements AsyncDisposable {
    #private;
    /** @internal */
    constructor(backend: Backend, id: string, remove: () => Promise<void>);
    /** Twice is success; never rejects. */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

declare class Containers {
    #private;
    /** @internal */
    constructor(backend: Backend);
    /**
     * A detached container, unless `lifetime` says otherwise: it outlives this process. Nothing runs yet. Throws `not_found` where the image is not here and
     * `pull` does not say that it may be pulled.
     */
    create(spec: ContainerSpec, options?: CallOptions): Promise<Container>;
    /** One that is removed at the end of its block, or else with this process. */
    createOwned(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer>;
    /**
     * Pulls the image if it is missing, runs the container to its end, and removes it, however this settles; where the engine is closed meanwhile, by the end of that,
     * and where an abort meets a daemon that hangs, with the engine or by `repair`.
     * Resolves with the exit code, whatever it is. A command not found or not executable rejects with `failed_precondition` and `exitCode` 127 or 126.
     */
    run(spec: ContainerSpec, options?: RunOptions): Promise<CommandResult>;
    /** `ref` is an id, an unambiguous beginning of one, or a name. Throws `not_found`. */
    get(ref: string, options?: CallOptions): Promise<Container>;
    /** `undefined` where `get` throws `not_found`. */
    find(ref: string, options?: CallOptions): Promise<Container | undefined>;
    list(options?: ListContainersOptions): AsyncGenerator<ListedContainer, void, undefined>;
}

/** `container.exit`, `image.pull` ...; `gap`: events were lost, list again. */
type EventName = `${EventType}.${string}` | 'gap';
type EventListener = (event: EngineEvent) => void;

/** Of `images.build`. */
interface BuildImageOptions extends Omit<BuildRequest, 'context'>, BuildOptions {
}

declare class Images {
    #private;
    /** @internal */
    constructor(backend: Backend);
    /** Resolves when every blob is verified and unpacked, and the name stands for it. */
    pull(reference: string, options?: PullOptions): Promise<ListedImage>;
    /** A Docker or OCI archive, compressed or not: bytes as they come, e.g. a Node `Readable`. All of its images or none. */
    load(archive: AsyncIterable<Uint8Array>, options?: ProgressOptions): Promise<readonly ListedImage[]>;
    /** A tar of a root file system becomes an image of one layer. */
    import(rootfs: AsyncIterable<Uint8Array>, options?: ImportOptions): Promise<ListedImage>;
    /**
     * `context` is a directory, sent without what its `.dockerignore` says, or a tar. A failed build rejects with a `BuildError`, which has the step and
     * the last of the output.
     */
    build(context: string | AsyncIterable<Uint8Array>, options?: BuildImageOptions): Promise<ListedImage>;
    /** Several images in one archive. The same images give the same bytes. */
    save(refs: readonly string[], options?: SaveOptions): AsyncIterable<Uint8Array>;
    /** `ref` is a name with tag or digest, an id, or an unambiguous beginning of one. Throws `not_found`. */
    get(ref: string, options?: CallOptions): Promise<ListedImage>;
    /** `undefined` where `get` throws `not_found`. */
    find(ref: string, options?: CallOptions): Promise<ListedImage | undefined>;
    list(options?: ListImagesOptions): AsyncGenerator<ListedImage, void, undefined>;
    /** By name: that name goes, and the image with its last one. */
    remove(ref: string, options?: RemoveImageOptions): Promise<void>;
    prune(options?: PruneImagesOptions): Promise<PruneReport>;
}

/** A reference to a network. */
declare class Network {
    #private;
    readonly id: string;
    /** @internal */
    constructor(backend: Backend, id: string);
    inspect(options?: CallOptions): Promise<NetworkInfo>;
    /** At once when the container runs, else with its next start. */
    connect(container: Pick<Container, 'id'>, options?: ConnectOptions): Promise<EndpointInfo>;
    disconnect(container: Pick<Container, 'id'>, options?: DisconnectOptions): Promise<void>;
    remove(options?: CallOptions): Promise<void>;
}
declare class Networks {
    #private;
    /** @internal */
    constructor(backend: Backend);
    create(spec: NetworkSpec, options?: CallOptions): Promise<Network>;
    /** `ref` is an id, an unambiguous beginning of one, or a name. Throws `not_found`. */
    get(ref: string, options?: CallOptions): Promise<Network>;
    /** `undefined` where `get` throws `not_found`. */
    find(ref: string, options?: CallOptions): Promise<Network | undefined>;
    list(options?: ListNetworksOptions): AsyncIterable<NetworkInfo>;
    prune(options?: PruneOptions): Promise<PruneReport>;
}

/** A reference to a volume. */
declare class Volume {
    #private;
    readonly name: string;
    /** @internal */
    constructor(backend: Backend, name: string);
    inspect(options?: CallOptions): Promise<VolumeInfo>;
    /** May walk the disk. */
    usage(options?: CallOptions): Promise<VolumeUsage>;
    /** Named by a container, running or not: `failed_precondition`. */
    remove(options?: CallOptions): Promise<void>;
}
declare class Volumes {
    #private;
    /** @internal */
    constructor(backend: Backend);
    create(spec?: VolumeSpec, options?: CallOptions): Promise<Volume>;
    /** Throws `not_found`. */
    get(name: string, options?: CallOptions): Promise<Volume>;
    /** `undefined` where `get` throws `not_found`. */
    find(name: string, options?: CallOptions): Promise<Volume | undefined>;
    list(options?: ListVolumesOptions): AsyncIterable<VolumeInfo>;
    prune(options?: PruneVolumesOptions): Promise<PruneReport>;
}

/** A way of running containers, whichever it is. Closing it ends what it owns (`run`, `createOwned`), and no other container. */
declare class Engine implements Closeable {
    #private;
    readonly containers: Containers;
    readonly images: Images;
    readonly networks: Networks;
    readonly volumes: Volumes;
    /** Takes the backend over: closing the engine closes it. */
    constructor(backend: Backend);
    /** Of the backend, for messages. Code that wants to branch asks `supports`. */
    get name(): string;
    /** No I/O. What is missing throws `unsupported` when it is called. */
    supports(capability: Capability): boolean;
    info(options?: CallOptions): Promise<EngineInfo>;
    /** What this machine and daemon can and cannot do, and why. Without a daemon each runtime is tried once: one that hangs is ended after 10 seconds, one that fails is tried anew by the next call. */
    check(options?: CallOptions): Promise<readonly CheckItem[]>;
    diskUsage(options?: CallOptions): Promise<DiskUsage>;
    /** Puts right what a crash left. Opening does the same. */
    repair(options?: CallOptions): Promise<RepairReport>;
    /** Tells the daemon something about itself, such as its labels; it forgets it when it ends. With the capability `daemon_update`. */
    updateDaemon(change: DaemonChange, options?: CallOptions): Promise<void>;
    events(options?: EventsOptions): AsyncIterable<EngineEvent>;
    /** Where the history ends now: to miss nothing, take it, act, then read `events({ since })`. */
    cursor(options?: CallOptions): Promise<Cursor>;
    /** From soon after the call on; who must miss nothing uses `events`. */
    on(name: EventName, listener: EventListener): this;
    off(name: EventName, listener: EventListener): this;
    /**
     * Ends what is owned and cuts off what is being made. What is under way, or called afterwards on any handle, is `failed_precondition`. Twice is success;
     * never rejects.
     */
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
}

/** What one test, or one file of tests, makes in an engine. Closing it removes every container that it made, running or not, and leaves the engine open. */
interface Session extends Closeable {
    readonly engine: Engine;
    /** An owned container: were this process killed, the next to open the engine removes it. After `close`: `failed_precondition`. */
    create(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer>;
    /** `create` and start. One that does not start is removed at once. */
    start(spec: ContainerSpec, options?: CallOptions): Promise<OwnedContainer>;
}
declare function session(engine: Engine): Session;

interface ReadyLogOptions extends CallOptions {
    /** Default both. */
    readonly streams?: readonly ('stdout' | 'stderr')[] | undefined;
}
interface ReadyCommandOptions extends Pick<ExecOptions, 'env' | 'user' | 'workingDir' | 'signal'> {
    /** Between two tries. Default 100. */
    readonly intervalMs?: number | undefined;
}
/** Each waits for a container that is created or running, and rejects with `failed_precondition` and the last lines of the log when it exits before. */
declare const ready: {
    /** Resolves with the first line that contains or matches `pattern`, of those before the call, too. A line beyond 16 KiB is matched in pieces. */
    log(container: Container, pattern: string | RegExp, options?: ReadyLogOptions): Promise<LogEntry>;
    /** Resolves when the command exits with 0 inside. One that cannot be run (126, 127) rejects at once. */
    command(container: Container, argv: readonly string[], options?: ReadyCommandOptions): Promise<void>;
};

export {
    type ReadyCommandOptions,
    type ReadyLogOptions,
    type Session,
    ready,
    session,
};
