// The types of "pouch-sdk/conformance", as built. Written by `npm run api:update`.

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
/** What to mount; where is the caller's business. Same three fields as an OCI spec mount. */
interface Mount {
    readonly type: string;
    readonly source: string;
    readonly options: readonly string[];
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
/** Names a container's init when `execId` is absent. */
interface ProcessRef {
    readonly containerId: string;
    readonly execId?: string | undefined;
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
/** Objects of the OCI runtime specification, typed in `oci/runtime-spec.ts`. */
type RuntimeSpec = {
    readonly [key: string]: JsonValue;
};
type RuntimeProcess = {
    readonly [key: string]: JsonValue;
};
type RuntimeResources = {
    readonly [key: string]: JsonValue;
};

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

interface CommitOptions$1 extends CallOptions {
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
    commit(id: string, reference: string, options?: CommitOptions$1): Promise<ImageInfo>;
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

/** What every runner has. `skip` takes the reason, and CI prints them all. */
interface TestApi {
    describe(name: string, body: () => void): unknown;
    it(name: string, body: () => Promise<void>): unknown;
    skip(name: string, reason: string): unknown;
}
interface Case<Subject, Capability extends string> {
    /** A sentence in the present tense that can be false. */
    readonly title: string;
    /** Without it the subject must answer as `otherwise` says: a missing capability is tested, too. */
    readonly needs?: Capability | undefined;
    /** What the place of the suite must have for either answer to be seen: without it the case is skipped. */
    readonly place?: Capability | undefined;
    run(subject: Subject): Promise<void>;
    otherwise?(subject: Subject): Promise<void>;
}
interface Implementation<Subject, Capability extends string> {
    readonly name: string;
    open(): Promise<{
        readonly subject: Subject;
    } & Closeable>;
    /** The only thing that may skip a case. */
    supports(capability: Capability): boolean;
}
/** Throws when no case would run: a suite that tests nothing fails. */
declare function defineSuite<Subject, Capability extends string>(port: string, cases: readonly Case<Subject, Capability>[], { name, open, supports }: Implementation<Subject, Capability>, { describe, it, skip }: TestApi): void;

/** Which log driver keeps the output, and where it may. Data, since another process than this one may write it. */
interface LogPlan {
    readonly driver: string;
    readonly options: DriverOptions;
    /** A directory of the container's own. What is written there is the driver's affair. */
    readonly directory: string;
}
/**
 * What to do with the standard streams. The service picks pipes, FIFOs or files. Where these lie on a disk without room, a process
 * waits at its output, and nobody else: it can be killed, waited for and deleted meanwhile, which makes room. What was written stays
 * as it was. Whether it goes on when there is room is the room's affair: owned ones of `local` do and lose nothing; below containerd's
 * shim, which ends copying at the first write that fails, it waits until it is ended. Output that an ended one has left unwritten is
 * given up after some seconds.
 */
interface StdioPlan {
    readonly tty: boolean;
    readonly stdin: boolean;
    /** Connect before the first instruction, so that no output is missed. */
    readonly attach: boolean;
    /** Absent: output that nobody is attached to is thrown away. */
    readonly log?: LogPlan | undefined;
}
interface TaskRequest {
    readonly containerId: string;
    readonly runtime: RuntimeRef;
    /** Complete; the service lets the runtime adapt it and adds only what its own mechanism needs. */
    readonly spec: RuntimeSpec;
    readonly rootfs: readonly Mount[];
    readonly stdio: StdioPlan;
    readonly lifetime: 'owned' | 'detached';
    /** Tasks of one sandbox may share a shim, or a virtual machine. Absent: its own. */
    readonly sandbox?: {
        readonly id: string;
    } | undefined;
}
interface ExecRequest {
    readonly containerId: string;
    readonly execId: string;
    readonly process: RuntimeProcess;
    readonly stdio: StdioPlan;
}
interface StartedProcess {
    /** As the host counts; absent where the runtime shows none. */
    readonly pid?: number | undefined;
    /** Present when `stdio.attach` was true. */
    readonly attachment?: Attachment | undefined;
}
interface ProcessInfo {
    readonly ref: ProcessRef;
    readonly status: 'running' | 'paused' | 'exited';
    readonly pid?: number | undefined;
    /** Present when exited. */
    readonly exit?: ExitStatus | undefined;
}
interface DeleteProcessOptions extends CallOptions {
    /** SIGKILL and wait first. Default false. */
    readonly kill?: boolean | undefined;
}
type TaskEvent = {
    readonly kind: 'exited';
    readonly ref: ProcessRef;
    readonly exit: ExitStatus;
} | {
    readonly kind: 'oom';
    readonly ref: ProcessRef;
};
/** Runs processes. No policy: no restarts, no names, no images. At most one task per container. */
interface TaskService {
    /**
     * Resolves when the runtime has released init: its pid is known. An exec format error after that is an exit.
     * Throws `already_exists` and has touched nothing of the other's; `failed_precondition` with `exitCode` 127 or 126 for
     * a command not found or not executable. On any failure nothing is left, except after an abort: then `delete` tells.
     */
    run(request: TaskRequest, options?: CallOptions): Promise<StartedProcess>;
    /** A command not found or not executable exits with 127 or 126. Throws `failed_precondition` when init does not run. */
    exec(request: ExecRequest, options?: CallOptions): Promise<StartedProcess>;
    /** A process already gone is success. */
    kill(process: ProcessRef, signal: Signal, options?: CallOptions): Promise<void>;
    /** Resolves when it exits; at once if it has, until `delete`. */
    wait(process: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
    /** Frees what an exited process left; an absent one is success. Throws `failed_precondition` while it runs, unless `kill`. */
    delete(process: ProcessRef, options?: DeleteProcessOptions): Promise<void>;
    find(process: ProcessRef, options?: CallOptions): Promise<ProcessInfo | undefined>;
    /** Every task the service can still see, those of an earlier process included. */
    list(options?: CallOptions): AsyncIterable<ProcessInfo>;
    /** From now on; `list` afterwards tells the rest. Ends never: a daemon that restarts is found again. */
    events(options?: CallOptions): AsyncIterable<TaskEvent>;
    /**
     * Puts right what a crash left below this port: half-made tasks of dead processes, exits that nobody stored; a line each.
     * Ends no process that runs, and touches nothing that a live process is making. Idempotent.
     */
    repair(options?: CallOptions): Promise<readonly string[]>;
    readonly io: TaskIo;
    readonly control: TaskControl;
}
interface TaskIo {
    /** Throws `unavailable` when another client has the streams and they cannot be shared. */
    attach(process: ProcessRef, options?: CallOptions): Promise<Attachment>;
    resize(process: ProcessRef, size: TerminalSize, options?: CallOptions): Promise<void>;
    /** What the driver kept, also after `delete`. A driver without `read` is `unsupported`. */
    logs(plan: LogPlan, options?: LogOptions): AsyncIterable<LogEntry>;
}
/** Counters since the start, as the kernel or the guest tells them; absent where it does not. */
interface ResourceSample {
    readonly time: Date;
    readonly cpuNanos: number;
    readonly throttledNanos?: number | undefined;
    /** Without cache that can be dropped. */
    readonly memoryBytes: number;
    readonly cacheBytes?: number | undefined;
    readonly memoryLimitBytes?: number | undefined;
    readonly pids?: number | undefined;
    readonly readBytes?: number | undefined;
    readonly writtenBytes?: number | undefined;
}
/** What the runtime's features do not allow is `unsupported`. */
interface TaskControl {
    /** Paused already is success. */
    pause(containerId: string, options?: CallOptions): Promise<void>;
    /** Not paused is success. */
    resume(containerId: string, options?: CallOptions): Promise<void>;
    update(containerId: string, resources: RuntimeResources, options?: CallOptions): Promise<void>;
    stats(containerId: string, options?: CallOptions): Promise<ResourceSample>;
    /** Init and everything below it, execs included. */
    processes(containerId: string, options?: CallOptions): Promise<readonly ProcessEntry[]>;
    /** Writes to an empty directory. On failure the task runs on. */
    checkpoint(containerId: string, directory: string, options?: {
        readonly leaveRunning?: boolean | undefined;
    } & CallOptions): Promise<void>;
    /** `TaskService.run` from what `checkpoint` wrote. */
    restore(request: TaskRequest, directory: string, options?: CallOptions): Promise<StartedProcess>;
}

/** `working_directory`: one that is no directory is told as such. */
type TaskFeature = 'checkpoint' | 'oom' | 'pause' | 'processes' | 'shared_attach' | 'stats' | 'tty' | 'update' | 'working_directory';
interface TasksSubject {
    readonly tasks: TaskService;
    /** The same root as another process has it. */
    readonly theirs: TaskService;
    readonly runtime: RuntimeRef;
    /** What every case runs as. Default `detached`. */
    readonly lifetime?: TaskRequest['lifetime'] | undefined;
    /** Made anew or shared: nobody writes into it. Has `/bin/sh` with the applets of busybox on the PATH `/bin`, `/etc` and a file `/etc/passwd`. */
    rootfs(): Promise<readonly Mount[]>;
    /** Another for each container. */
    log(containerId: string): LogPlan;
}

/** Beside what a backend itself says it can, what the place of the suite can. */
type BackendFeature = Capability
/** Commands are real programs of a busybox, not a pretence of some. */
 | 'commands'
/** A source of a bind that is not there is refused. */
 | 'checked_bind_sources'
/** The suite runs on the machine of the containers, and may bind its files. */
 | 'host'
/** A container beyond its memory limit is killed, and that is told. */
 | 'oom'
/** What `privileged` needs is there: all capabilities, and the right to raise any limit. */
 | 'privileged'
/** There is a registry. */
 | 'registry'
/** A filter of one's own can be given with a container. */
 | 'seccomp_profile'
/** Without a filter of one's own no user namespaces can be made. */
 | 'strict_seccomp'
/** Paths can be masked and protected otherwise than by default. */
 | 'masked_paths'
/** The environment has no more than was asked for, and what every program needs. */
 | 'plain_environment'
/** Whatever cannot be is refused for the reason that it is. */
 | 'refusals'
/** Images and containers have contents: layers, roots and files that can be moved. */
 | 'contents'
/** Networks and volumes can be made. */
 | 'shared_resources'
/** What becomes of images is told by events. */
 | 'image_events'
/** A log that was rotated still has its latest lines. */
 | 'rotated_logs'
/** Programs inherit no capabilities from their container. */
 | 'clean_capabilities'
/** HOSTNAME in the environment is the container's. */
 | 'hostname_variable'
/** Further groups are found by their names. */
 | 'group_names'
/** Other modes of sharing IPC than `host` and `private`. */
 | 'ipc_modes'
/** A filter of system calls is there by default. */
 | 'seccomp'
/** How often a restart policy has started a container is counted. */
 | 'restart_count'
/** An image stays without a name for as long as a container needs it. */
 | 'nameless_images'
/** Of an end that a removal or a start follows at once the event comes first. */
 | 'ordered_events'
/** A further process that ends with its container has the exit code of its own end. */
 | 'exec_end_codes'
/** A container with a network takes aliases and addresses on a further one. */
 | 'endpoint_settings'
/** A container without a network has the files that tell of name servers, too. */
 | 'resolver_files';
/** An engine that nobody else uses: it has one image and nothing else, and must be so again after the last case. */
interface BackendSubject {
    readonly backend: Backend;
    /**
     * Of one layer: a busybox on the PATH `/bin`, an empty `/tmp`, users root, daemon (1:1) and app (1000:1000, home `/home/app`) in the
     * groups video (44) and users (100), the command `sh`.
     */
    readonly image: string;
    /** A container of that image, with `networkMode: 'none'`. */
    spec(command: readonly string[] | undefined, extra?: Partial<ContainerSettings>): ContainerSpec;
    /** The same engine as another process has it. */
    another(): Promise<Backend>;
    /** An archive of one image like `image`; another name gives another image. `config` stands over that of `image`. */
    archive(format: 'docker' | 'oci', name: string, config?: Pick<ImageConfig, 'command' | 'labels' | 'env' | 'workingDir' | 'user'>): Promise<Uint8Array>;
    /** An archive in Docker's format of two images like `image`, of which the second has another layer than its configuration says. */
    brokenArchive(whole: string, broken: string): Promise<Uint8Array>;
    /** A tar of the root of `image`. */
    rootfs(): Promise<Uint8Array>;
    /** A directory of this machine that looks like the root of `image`. */
    rootDirectory(): Promise<string>;
    /** A reference that the registry has and nobody else uses, and one that it has not. */
    readonly remote: {
        readonly present: string;
        readonly absent: string;
    };
    /** Whether `commands` are. */
    readonly real: boolean;
    /** A character device of this machine that containers do not get unless they ask. */
    readonly device: string;
}

declare function backendSuite(implementation: Implementation<BackendSubject, BackendFeature>, api: TestApi): void;

/** A directory of the host for each container: files that are bound into it, and what drivers keep. Survives a restart. */
interface ContainerDirectories {
    /** Its absolute path, whether it is there or not. No I/O. */
    path(containerId: string): string;
    /**
     * Resolves with the absolute path. Makes what is missing above it. A file that is there is written anew in place (same
     * inode), since a running container may have it bound.
     */
    write(containerId: string, name: string, text: string, options?: CallOptions): Promise<string>;
    /** With all below it. Absent is success. */
    remove(containerId: string, options?: CallOptions): Promise<void>;
    /** Ids of containers that have one, for repair. */
    list(options?: CallOptions): AsyncIterable<string>;
}

/** Two views of one root, as two processes have them. */
interface DirectoriesSubject {
    readonly mine: ContainerDirectories;
    readonly theirs: ContainerDirectories;
    /** What is in the file at a path that `write` gave; `undefined` when it is not there. */
    read(path: string): Promise<string | undefined>;
    /** Something that stays the same as long as it is the same file. */
    identity(path: string): Promise<string>;
}
declare function directoriesSuite(implementation: Implementation<DirectoriesSubject, never>, api: TestApi): void;

interface ReadEventsOptions extends CallOptions {
    /** Begin after this event. Default: the oldest that is kept. Unknown or no longer kept: a `gap`, then the oldest. */
    readonly since?: Cursor | undefined;
    /** Go on with what any process appends. Default false: end with what is there. */
    readonly follow?: boolean | undefined;
}
/** The history of one root, written and followed by every process on it. Bounded: the oldest go first. */
interface EventLog {
    /**
     * Resolves with the event's cursor once every reader can see it. Two appends of one `key` are one event: whoever
     * sees an exit may tell it, also again after a crash.
     */
    append(key: string, event: Omit<EngineEvent, 'cursor'>, options?: CallOptions): Promise<Cursor>;
    /** In the order of appending, none twice. A reader that falls behind what is kept gets one `gap`. */
    read(options?: ReadEventsOptions): AsyncIterable<EngineEvent>;
    /** The cursor of the newest; of an empty log, one before the first. */
    end(options?: CallOptions): Promise<Cursor>;
}

/** Two views of one root, as two processes have them. */
interface EventsSubject {
    readonly mine: EventLog;
    readonly theirs: EventLog;
    /** After so many appends the first event is not kept. Small, so that a case can do it twice. */
    readonly overflow: number;
}
declare function eventsSuite(implementation: Implementation<EventsSubject, never>, api: TestApi): void;

interface CommandOptions extends CallOptions {
    readonly input?: Uint8Array | undefined;
    /** Run in this network namespace instead of our own. */
    readonly netnsPath?: string | undefined;
}
/** Mounts that nobody else sees. The kernel takes them down when it is closed, or when this process dies in any way. */
interface MountedTree extends Closeable {
    /** Where this process finds the tree. Valid until closed; in no other mount namespace. */
    readonly root: string;
}
interface HostFacts {
    readonly kernel: string;
    readonly architecture: string;
    readonly cgroups: 'v1' | 'hybrid' | 'v2';
    /** Changes with every boot: what was stored under another is stale. */
    readonly bootId: string;
    /** False: ids are mapped, and what needs true root is `unsupported`. */
    readonly privileged: boolean;
    /** The file system below the engine's root, e.g. `ext4`, `overlay`, `tmpfs`. */
    readonly rootFilesystem: string;
    /** Names with `CAP_` that this process may give to others (its bounding set), in the kernel's order. */
    readonly capabilities: readonly string[];
    /** Name as in `ulimits` (`nofile`) to this process's hard limit; -1 is unlimited. Above it needs CAP_SYS_RESOURCE. */
    readonly hardLimits: Readonly<Record<string, number>>;
    readonly seccomp: boolean;
    /** Older interfaces of system calls that an amd64 kernel serves beside its own. Absent: it does not tell, so any. */
    readonly furtherAbis?: readonly ('i386' | 'x32')[] | undefined;
    readonly apparmor: boolean;
    /** A static init to be process 1 of a container (tini, catatonit, docker-init), if there is one. */
    readonly initPath?: string | undefined;
}
/**
 * Everything privileged that the SDK asks of the machine it runs on, so that a fake can stand in. Acts in the engine's
 * namespaces, which are not this process's when it is rootless: nobody else mounts, spawns tools or asks for a uid.
 */
interface Host {
    /** Asked once and kept. */
    facts(options?: CallOptions): Promise<HostFacts>;
    /** Asked anew: what this machine can and cannot do, and what to do about it. */
    checks(options?: CallOptions): Promise<readonly CheckItem[]>;
    /** Where this process finds a path of the engine's namespaces. No I/O. */
    path(inside: string): string;
    /** Resolves with stdout. A non-zero exit throws `internal` with stderr in the message; a missing program `failed_precondition`. An abort kills it. */
    run(file: string, args: readonly string[], options?: CommandOptions): Promise<Uint8Array>;
    /** Made in order on one fresh place. On failure nothing is left. */
    mountPrivately(mounts: readonly Mount[], options?: CallOptions): Promise<MountedTree>;
    /** Resolves with a path that keeps the namespace alive, visible to daemons and runtimes; loopback is up. An existing one of that name is success. */
    createNetns(name: string, options?: CallOptions): Promise<string>;
    /** Absent is success. Processes in it keep it alive, without a name. */
    removeNetns(name: string, options?: CallOptions): Promise<void>;
    /** Names of those that `createNetns` made and that are still there, for `repair`. */
    listNetns(options?: CallOptions): AsyncIterable<string>;
}

/** `mounts`: the rights to mount. `netns`: to make network namespaces where nobody minds. */
type HostCapability = 'mounts' | 'netns';
interface HostSubject {
    readonly host: Host;
    readonly programs: {
        /** Prints `hello` without a newline. */
        readonly hello: Program;
        /** Prints what it is given as input. */
        readonly copy: Program;
        /** Exits with a code other than 0 after `it broke` on stderr. */
        readonly failing: Program;
        /** Ends by itself long after the test. */
        readonly endless: Program;
    };
    /** Two trees; each has a file `name` with a text of its own. */
    readonly trees: readonly {
        readonly mounts: readonly Mount[];
        readonly text: string;
    }[];
    /** Mounts of which the last is impossible. */
    readonly brokenMounts: readonly Mount[];
    read(tree: MountedTree, name: string): Promise<string>;
    /** Mounts that others can see: nothing of ours may be among them. */
    visibleMounts(): Promise<readonly string[]>;
}
interface Program {
    readonly file: string;
    readonly args: readonly string[];
}
declare function hostSuite(implementation: Implementation<HostSubject, HostCapability>, api: TestApi): void;

/**
 * Locks between all processes on one root, by name. The kernel frees them when the holder dies, so none is ever stale.
 * Not re-entrant: the same holder waits for itself.
 */
interface Locks {
    /**
     * Resolves when the lock is held; closing it frees it. Waits as long as it takes, in no promised order.
     * An abort rejects with the reason and holds nothing.
     */
    acquire(key: string, options?: CallOptions): Promise<Closeable>;
    /** Never waits: `undefined` when somebody holds it. So repair tells what belongs to the dead. */
    tryAcquire(key: string, options?: CallOptions): Promise<Closeable | undefined>;
    /**
     * Waits until this process is the only leader for `key`, then calls `work` once; settles as `work` does, after the
     * leadership is given up. The signal that `work` gets aborts with `options.signal`: work that goes on keeps the
     * leadership. What only one process of a root may do runs in here: restart policies, health checks, name service.
     */
    lead(key: string, work: (signal: AbortSignal) => Promise<void>, options?: CallOptions): Promise<void>;
}

/** Two views of one root, as two processes have them. */
interface LocksSubject {
    readonly mine: Locks;
    readonly theirs: Locks;
}
declare function locksSuite(implementation: Implementation<LocksSubject, never>, api: TestApi): void;

interface Stored<T> {
    readonly value: T;
    readonly revision: string;
}
/**
 * Durable records of one kind, safe against other processes on the same root and against a crash: a record is whole,
 * old or new. Compare-and-swap is no lock; a verb of several steps holds one (`Locks`).
 */
interface RecordStore<T> {
    find(id: string, options?: CallOptions): Promise<Stored<T> | undefined>;
    list(options?: CallOptions): AsyncIterable<Stored<T>>;
    /** Throws `already_exists`. */
    create(id: string, value: T, options?: CallOptions): Promise<Stored<T>>;
    /** Throws `conflict` when somebody has written since `previous` was read, `not_found` when it is gone. */
    replace(id: string, previous: Stored<T>, value: T, options?: CallOptions): Promise<Stored<T>>;
    /** Absent is success. */
    delete(id: string, options?: CallOptions): Promise<void>;
}

/** What the suite stores: implementations under test keep dates as dates. */
interface SampleRecord {
    readonly text: string;
    readonly at: Date;
    readonly optional?: string | undefined;
}
/** Two views of one root, as two processes have them. */
interface RecordsSubject {
    readonly mine: RecordStore<SampleRecord>;
    readonly theirs: RecordStore<SampleRecord>;
}
declare function recordsSuite(implementation: Implementation<RecordsSubject, never>, api: TestApi): void;

interface ContentInfo {
    readonly digest: Digest;
    /** Bytes. */
    readonly size: number;
}
interface ReadOptions extends CallOptions {
    readonly offset?: number | undefined;
    readonly length?: number | undefined;
}
/** What a blob keeps from collection as long as it is kept itself. */
type ContentReference = {
    readonly kind: 'manifest' | 'config' | 'layer';
    readonly digest: Digest;
} | {
    readonly kind: 'snapshot';
    readonly snapshotter: string;
    readonly name: string;
};
interface WriteOptions extends CallOptions {
    /** Where in the blob `bytes` begins: the answer of `resumePoint`. Default 0. Of no meaning where they are a function. */
    readonly offset?: number | undefined;
    /** Added to what the blob refers to already, also when it was there before. */
    readonly references?: readonly ContentReference[] | undefined;
    /** The repository it came from, e.g. `registry.example/team/app`: a later push may mount it from there. */
    readonly source?: string | undefined;
}
/** A function is asked for the bytes from an offset on once it is this writer's turn: so it goes on where one before has died. */
type ByteSource = AsyncIterable<Uint8Array> | ((offset: number) => AsyncIterable<Uint8Array>);
/** Blobs by digest. A blob is whole and verified, or it is not there. */
interface ContentStore {
    find(digest: Digest, options?: CallOptions): Promise<ContentInfo | undefined>;
    /** Throws `not_found` at the first step. Stopping early releases the handle. */
    read(digest: Digest, options?: ReadOptions): AsyncIterable<Uint8Array>;
    /**
     * Stores `bytes`, checking size and digest before the blob can be seen.
     * Idempotent: success means the blob is there, not that this call put it there.
     * A mismatch throws `data_loss` and leaves nothing; an abort may leave a resumable part.
     * Two writers of one digest: the second waits, in this process or another, and goes on where the first one died. Bytes
     * of a blob that is there are not asked for.
     */
    write(expected: Descriptor, bytes: ByteSource, options?: WriteOptions): Promise<void>;
    /** `write` for bytes whose digest nobody knows yet; resolves with it. On failure nothing is left. */
    ingest(mediaType: string, bytes: AsyncIterable<Uint8Array>, options?: Omit<WriteOptions, 'offset'>): Promise<Descriptor>;
    /** From now on `digest` refers to `to` as well. Idempotent. `to` need not be there yet; an absent `digest` is `not_found`. */
    link(digest: Digest, to: ContentReference, options?: CallOptions): Promise<void>;
    /** How many bytes of an interrupted write are still held. */
    resumePoint(expected: Descriptor, options?: CallOptions): Promise<number>;
    /** Absent is success. Who still refers to it is not asked. */
    delete(digest: Digest, options?: CallOptions): Promise<void>;
    list(options?: CallOptions): AsyncIterable<ContentInfo>;
}

interface SnapshotInfo {
    readonly key: string;
    readonly parent?: string | undefined;
    readonly kind: 'active' | 'view' | 'committed';
    readonly labels: Labels;
}
/** The label of `prepare` that names the chain id to come: `already_exists` tells that it is here, and need not be fetched. */
declare const chainIdLabel = "containerd.io/snapshot.ref";
interface PrepareOptions extends CallOptions {
    /** Stored with it. A snapshotter reads some: id maps, a size limit, the chain id that a lazy one may already have. */
    readonly labels?: Labels | undefined;
    /**
     * The parent is told at commit, so that layers can be unpacked side by side; until then the mounts show nothing of it. Only
     * where the snapshotter says `parentLater`, and without a parent now. Default false.
     */
    readonly parentLater?: boolean | undefined;
}
interface CommitOptions extends CallOptions {
    /** Stored with it. */
    readonly labels?: Labels | undefined;
    /** Of a key that was prepared with `parentLater`, and of no other. */
    readonly parent?: string | undefined;
}
/**
 * Filesystems as parents and children. `prepare` opens a writable child of a committed parent; `commit` freezes it
 * under a name. An active snapshot is never a parent, a committed one never writable. Keys and names share one space.
 * An active snapshot or view is a root of collection until `remove`: it keeps its parents, with or without `hold`.
 */
interface Snapshotter {
    readonly name: string;
    /** Whether `prepare` takes `parentLater`. Absent: it does not. */
    readonly parentLater?: boolean | undefined;
    /**
     * Mounts that, made in order on one place, show a new writable child. No parent: empty. Throws `already_exists` for a
     * taken key, and also when the labels name a chain id that is here already: the layer need not be fetched then.
     */
    prepare(key: string, parent: string | undefined, options?: PrepareOptions): Promise<readonly Mount[]>;
    /** Like `prepare`, but read-only and never committed. */
    view(key: string, parent: string, options?: PrepareOptions): Promise<readonly Mount[]>;
    /** What `prepare` or `view` returned for `key`, also after a restart. */
    mounts(key: string, options?: CallOptions): Promise<readonly Mount[]>;
    /**
     * `key` is gone afterwards. A taken name is `already_exists`, and `key` stays. With a `parent`: what a layer needs of those
     * below is put in now, and `data_loss` tells that they have not what it links to.
     */
    commit(name: string, key: string, options?: CommitOptions): Promise<void>;
    find(key: string, options?: CallOptions): Promise<SnapshotInfo | undefined>;
    /** An absent key is success. Throws `failed_precondition` while it has children. */
    remove(key: string, options?: CallOptions): Promise<void>;
    /** Without the parents'. May walk the disk. */
    usage(key: string, options?: CallOptions): Promise<{
        readonly bytes: number;
        readonly inodes: number;
    }>;
    list(options?: CallOptions): AsyncIterable<SnapshotInfo>;
}
/** Layer blobs to filesystem changes and back, wherever blobs and mounts live. */
interface LayerService {
    /** Unpacks a stored blob over `target`; resolves with the uncompressed digest. On failure `target` holds part of it: remove the snapshot. */
    apply(layer: Descriptor, target: readonly Mount[], options?: CallOptions): Promise<Digest>;
    /**
     * `content.write` and `apply` in one pass over the bytes, where a room can. On failure the blob is not there, or is
     * there and verified. Absent: callers write, then apply.
     */
    applyStream?(layer: Descriptor, bytes: ByteSource, target: readonly Mount[], options?: WriteOptions): Promise<Digest>;
    /** Packs what `upper` changed over `lower` into the content store. Capabilities, ids and times as they are, to the bit. */
    diff(lower: readonly Mount[], upper: readonly Mount[], options?: CallOptions): Promise<Descriptor>;
}

interface ImageRecord {
    readonly name: string;
    readonly target: Descriptor;
    readonly labels: Labels;
}
/** Names. Each is a root of collection: it keeps its target and what that refers to. */
interface ImageStore {
    find(name: string, options?: CallOptions): Promise<ImageRecord | undefined>;
    list(options?: CallOptions): AsyncIterable<ImageRecord>;
    /** Creates or replaces. */
    put(image: ImageRecord, options?: CallOptions): Promise<void>;
    /** Absent is success. */
    delete(name: string, options?: CallOptions): Promise<void>;
}
/** The image side of a host: services that share one garbage collector. In a store that others use, all of ours carries our root's mark. */
interface Storage {
    readonly content: ContentStore;
    readonly images: ImageStore;
    readonly layers: LayerService;
    /** The default one when `name` is absent. Throws `not_found`. */
    snapshotter(name?: string): Snapshotter;
    /** The same storage; what is written or found through it survives collection until it is closed. A process that dies frees it, if late. */
    hold(options?: CallOptions): Promise<HeldStorage>;
    /** Resolves when what nothing keeps is gone. Never takes what a held storage of any process has written. */
    collect(options?: CallOptions): Promise<{
        readonly freedBytes: number;
    }>;
    /** Frees what holds of dead processes on this root still keep; a line each. Touches no live one's. Idempotent. */
    repair(options?: CallOptions): Promise<readonly string[]>;
}
interface HeldStorage extends Storage, Closeable {
}

/** An empty store as two processes see it. */
interface StorageSubject {
    readonly mine: Storage;
    readonly theirs: Storage;
    /** Their process ends as by SIGKILL: nothing of it is closed. */
    killTheirs(): Promise<void>;
    /** What a snapshot's mounts show, to be read and written as files. */
    tree(mounts: readonly Mount[]): Promise<MountedTree>;
}

/** `streamed_layers`: `LayerService.applyStream`, and snapshotters whose parents may be told at commit. */
type StorageCapability = 'streamed_layers';

declare function storageSuite(implementation: Implementation<StorageSubject, StorageCapability>, api: TestApi): void;

declare function tasksSuite(implementation: Implementation<TasksSubject, TaskFeature>, api: TestApi): void;

declare class KeyedMutex {
    #private;
    /** Resolves with what frees it. An abort rejects with the reason and has left the queue. */
    acquire(key: string, { signal }?: CallOptions): Promise<Disposable>;
    /** `undefined` when somebody holds it. */
    tryAcquire(key: string): Disposable | undefined;
}

interface TreeEntry {
    readonly type: 'file' | 'directory' | 'symlink' | 'character' | 'block' | 'fifo';
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly modifiedAt: Date;
    /** Of a file. The same array for two paths: a hard link. */
    readonly data?: Uint8Array | undefined;
    /** Of a link. */
    readonly target?: string | undefined;
    readonly device?: {
        readonly major: number;
        readonly minor: number;
    } | undefined;
    /** Extended attributes and what else a header of a tar file may carry. */
    readonly extra?: Readonly<Record<string, string>> | undefined;
}
/** By path without a slash at either end; the root itself is `''`. The parent of each is there, and a directory. */
type Tree = ReadonlyMap<string, TreeEntry>;

interface TreeSource {
    read(): Tree;
    write(tree: Tree): void;
}
declare class SharedTrees {
    #private;
    open(key: string, source: TreeSource, signal?: AbortSignal): Promise<MountedTree>;
}

interface Blob {
    readonly bytes: Uint8Array;
    readonly references: readonly ContentReference[];
    /** Repositories it came from. */
    readonly sources: readonly string[];
}
interface MemorySnapshot {
    readonly key: string;
    readonly parent: string | undefined;
    readonly kind: 'active' | 'view' | 'committed';
    readonly labels: Labels;
    readonly tree: Tree;
    /** Unpacked before its parent was told: to be applied over that one. */
    readonly later?: readonly Uint8Array[] | undefined;
}
/** What a held storage has written or found. */
interface Lease {
    readonly blobs: Set<Digest>;
    readonly snapshots: Set<string>;
    /** Says so when the process that holds it is gone. */
    readonly isDead: () => boolean;
}
declare class MemoryState {
    readonly blobs: Map<Digest, Blob>;
    readonly parts: Map<Digest, Uint8Array>;
    readonly snapshots: Map<string, MemorySnapshot>;
    readonly images: Map<string, ImageRecord>;
    readonly leases: Set<Lease>;
    /** One writer per digest at a time. */
    readonly writers: KeyedMutex;
    /** Snapshots that somebody has as real files. */
    readonly trees: SharedTrees;
    /** Removes what no image, active snapshot or lease keeps; returns how many bytes that were. */
    collect(bytesOf: (snapshot: MemorySnapshot) => number): number;
}

declare class MemoryContent implements ContentStore {
    #private;
    constructor(state: MemoryState, lease: Lease | undefined);
    find(digest: Digest, options?: CallOptions): Promise<ContentInfo | undefined>;
    read(digest: Digest, { offset, length, signal }?: ReadOptions): AsyncGenerator<Uint8Array, void, undefined>;
    write(expected: Descriptor, bytes: ByteSource, options?: WriteOptions): Promise<void>;
    ingest(mediaType: string, bytes: AsyncIterable<Uint8Array>, options?: Omit<WriteOptions, 'offset'>): Promise<Descriptor>;
    link(digest: Digest, to: ContentReference, options?: CallOptions): Promise<void>;
    resumePoint({ digest }: Descriptor, options?: CallOptions): Promise<number>;
    delete(digest: Digest, options?: CallOptions): Promise<void>;
    list(options?: CallOptions): AsyncGenerator<ContentInfo, void, undefined>;
}

declare class MemoryDirectories implements ContainerDirectories {
    /** By container id, then by name: what was written. */
    readonly files: Map<string, Map<string, string>>;
    path(containerId: string): string;
    write(containerId: string, name: string, text: string, options?: CallOptions): Promise<string>;
    remove(containerId: string, options?: CallOptions): Promise<void>;
    list(options?: CallOptions): AsyncGenerator<string>;
}

/** Keeps the newest `limit`. One per root; give the same one to all who stand for processes on it. */
declare class MemoryEvents implements EventLog {
    #private;
    constructor(limit?: number);
    append(key: string, event: Omit<EngineEvent, 'cursor'>, options?: CallOptions): Promise<Cursor>;
    read({ since, follow, signal }?: ReadEventsOptions): AsyncGenerator<EngineEvent>;
    end(options?: CallOptions): Promise<Cursor>;
}

interface HostPath {
    readonly type: 'file' | 'directory' | 'block' | 'character' | 'other';
    /** Of a device. */
    readonly major?: number | undefined;
    readonly minor?: number | undefined;
    /** Permission bits. */
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
}
/** What the managers ask of the host's own files: sources of binds, device nodes, the resolver's configuration. */
interface HostFiles {
    /** Links are followed. Absent: `undefined`. A relative path is `invalid_argument`. */
    inspect(path: string, options?: CallOptions): Promise<HostPath | undefined>;
    /** Paths of the device nodes below a directory, links left out. */
    devices(directory: string, options?: CallOptions): Promise<readonly string[]>;
    /** A text file as UTF-8, its first mebibyte. Absent: `undefined`. */
    readText(path: string, options?: CallOptions): Promise<string | undefined>;
    /** With its parents. One that is there is success. */
    makeDirectory(path: string, options?: CallOptions): Promise<void>;
}

/** A host whose files are what a test says. */
declare class MemoryHostFiles implements HostFiles {
    readonly paths: Map<string, HostPath & {
        readonly text?: string | undefined;
    }>;
    inspect(path: string, options?: CallOptions): Promise<HostPath | undefined>;
    devices(directory: string, options?: CallOptions): Promise<readonly string[]>;
    readText(path: string, options?: CallOptions): Promise<string | undefined>;
    makeDirectory(path: string, options?: CallOptions): Promise<void>;
}

interface MemoryHostOptions {
    readonly facts?: Partial<HostFacts> | undefined;
    /** Answers for a program, or `undefined`: there is none of that name. */
    readonly run?: ((file: string, args: readonly string[], options: CommandOptions) => Promise<Uint8Array | undefined>) | undefined;
    /** Where trees come from: usually the memory storage whose mounts these are. Absent: mounting is `unsupported`. */
    readonly trees?: ((mounts: readonly Mount[], options: CallOptions) => Promise<MountedTree>) | undefined;
}
declare class MemoryHost implements Host {
    #private;
    constructor(options?: MemoryHostOptions);
    facts(options?: CallOptions): Promise<HostFacts>;
    checks(options?: CallOptions): Promise<readonly CheckItem[]>;
    path(inside: string): string;
    run(file: string, args: readonly string[], options?: CommandOptions): Promise<Uint8Array>;
    mountPrivately(mounts: readonly Mount[], options?: CallOptions): Promise<MountedTree>;
    createNetns(name: string, options?: CallOptions): Promise<string>;
    removeNetns(name: string, options?: CallOptions): Promise<void>;
    listNetns(options?: CallOptions): AsyncGenerator<string>;
}

declare class MemoryImages implements ImageStore {
    #private;
    constructor(state: MemoryState);
    find(name: string, options?: CallOptions): Promise<ImageRecord | undefined>;
    list(options?: CallOptions): AsyncGenerator<ImageRecord, void, undefined>;
    put(image: ImageRecord, options?: CallOptions): Promise<void>;
    delete(name: string, options?: CallOptions): Promise<void>;
}

declare class MemoryLayers implements LayerService {
    #private;
    constructor(state: MemoryState, content: ContentStore);
    apply(layer: Descriptor, target: readonly Mount[], { signal }?: CallOptions): Promise<Digest>;
    applyStream(layer: Descriptor, bytes: ByteSource, target: readonly Mount[], options?: WriteOptions): Promise<Digest>;
    diff(lower: readonly Mount[], upper: readonly Mount[], options?: CallOptions): Promise<Descriptor>;
}

/** One per root; give the same one to all who stand for processes on it. */
declare class MemoryLocks implements Locks {
    #private;
    acquire(key: string, options?: CallOptions): Promise<Closeable>;
    tryAcquire(key: string, options?: CallOptions): Promise<Closeable | undefined>;
    lead(key: string, work: (signal: AbortSignal) => Promise<void>, options?: CallOptions): Promise<void>;
}

declare class MemoryRecords<T> implements RecordStore<T> {
    #private;
    find(id: string, options?: CallOptions): Promise<Stored<T> | undefined>;
    list(options?: CallOptions): AsyncGenerator<Stored<T>>;
    create(id: string, value: T, options?: CallOptions): Promise<Stored<T>>;
    replace(id: string, previous: Stored<T>, value: T, options?: CallOptions): Promise<Stored<T>>;
    delete(id: string, options?: CallOptions): Promise<void>;
}

declare class MemorySnapshotter implements Snapshotter {
    #private;
    readonly name: string;
    readonly parentLater: boolean;
    constructor(state: MemoryState, lease: Lease | undefined);
    prepare(key: string, parent: string | undefined, options?: PrepareOptions): Promise<readonly Mount[]>;
    view(key: string, parent: string, options?: PrepareOptions): Promise<readonly Mount[]>;
    mounts(key: string, options?: CallOptions): Promise<readonly Mount[]>;
    commit(name: string, key: string, options?: CommitOptions): Promise<void>;
    find(key: string, options?: CallOptions): Promise<SnapshotInfo | undefined>;
    remove(key: string, options?: CallOptions): Promise<void>;
    usage(key: string, options?: CallOptions): Promise<{
        readonly bytes: number;
        readonly inodes: number;
    }>;
    list(options?: CallOptions): AsyncGenerator<SnapshotInfo, void, undefined>;
}

/** One process's view of a store. Two views of one state stand for two processes. */
declare class MemoryStorage implements Storage {
    #private;
    readonly content: MemoryContent;
    readonly images: MemoryImages;
    readonly layers: MemoryLayers;
    constructor(state?: MemoryState, lease?: Lease, process?: {
        alive: boolean;
    });
    snapshotter(name?: string): MemorySnapshotter;
    hold({ signal }?: CallOptions): Promise<HeldStorage>;
    collect({ signal }?: CallOptions): Promise<{
        readonly freedBytes: number;
    }>;
    repair({ signal }?: CallOptions): Promise<readonly string[]>;
    /** As real files, for a `Host` that mounts nothing. What is changed there is in the snapshot when the last user has closed it. */
    tree(mounts: readonly Mount[], { signal }?: CallOptions): Promise<MountedTree>;
    /** For tests: this process is gone, without having closed anything. */
    die(): void;
}

interface MemoryTasksOptions {
    /** Names that `run` knows. Default: every one but those that begin with `no-`. */
    readonly runtimes?: readonly string[] | undefined;
}
/** One instance stands for all processes on a root. */
declare class MemoryTasks implements TaskService {
    #private;
    readonly io: TaskIo;
    readonly control: TaskControl;
    constructor(options?: MemoryTasksOptions);
    run({ containerId, runtime, spec, stdio }: TaskRequest, options?: CallOptions): Promise<StartedProcess>;
    exec({ containerId, execId, process: spec, stdio }: ExecRequest, options?: CallOptions): Promise<StartedProcess>;
    kill(ref: ProcessRef, signal: Signal, options?: CallOptions): Promise<void>;
    wait(ref: ProcessRef, options?: CallOptions): Promise<ExitStatus>;
    delete(ref: ProcessRef, options?: DeleteProcessOptions): Promise<void>;
    find(ref: ProcessRef, options?: CallOptions): Promise<ProcessInfo | undefined>;
    list(options?: CallOptions): AsyncGenerator<ProcessInfo, void, undefined>;
    events(options?: CallOptions): AsyncGenerator<TaskEvent, void, undefined>;
    repair(options?: CallOptions): Promise<readonly string[]>;
    /** For tests: the process ends by itself. One that is not there is taken for one that ran. */
    exit(containerId: string, exit: ExitStatus): void;
    /** For tests: as `control.pause`, also for one that is not there. */
    pause(containerId: string): void;
}

export {
    type BackendFeature,
    type BackendSubject,
    type Blob,
    type ByteSource,
    type Case,
    type CommandOptions,
    type CommitOptions,
    type ContainerDirectories,
    type ContentInfo,
    type ContentReference,
    type ContentStore,
    type DeleteProcessOptions,
    type DirectoriesSubject,
    type EventLog,
    type EventsSubject,
    type ExecRequest,
    type HeldStorage,
    type Host,
    type HostCapability,
    type HostFacts,
    type HostFiles,
    type HostPath,
    type HostSubject,
    type ImageRecord,
    type ImageStore,
    type Implementation,
    KeyedMutex,
    type LayerService,
    type Lease,
    type Locks,
    type LocksSubject,
    type LogPlan,
    MemoryContent,
    MemoryDirectories,
    MemoryEvents,
    MemoryHost,
    MemoryHostFiles,
    type MemoryHostOptions,
    MemoryImages,
    MemoryLayers,
    MemoryLocks,
    MemoryRecords,
    type MemorySnapshot,
    MemorySnapshotter,
    MemoryState,
    MemoryStorage,
    MemoryTasks,
    type MemoryTasksOptions,
    type MountedTree,
    type PrepareOptions,
    type ProcessInfo,
    type Program,
    type ReadEventsOptions,
    type ReadOptions,
    type RecordStore,
    type RecordsSubject,
    type ResourceSample,
    type SampleRecord,
    SharedTrees,
    type SnapshotInfo,
    type Snapshotter,
    type StartedProcess,
    type StdioPlan,
    type Storage,
    type StorageSubject,
    type Stored,
    type TaskControl,
    type TaskEvent,
    type TaskFeature,
    type TaskIo,
    type TaskRequest,
    type TaskService,
    type TasksSubject,
    type TestApi,
    type Tree,
    type TreeEntry,
    type TreeSource,
    type WriteOptions,
    backendSuite,
    chainIdLabel,
    defineSuite,
    directoriesSuite,
    eventsSuite,
    hostSuite,
    locksSuite,
    recordsSuite,
    storageSuite,
    tasksSuite,
};
