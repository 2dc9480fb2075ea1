// The types of "pouch-sdk/drivers", as built. Written by `npm run api:update`.

type JsonValue = null | boolean | number | string | readonly JsonValue[] | {
    readonly [key: string]: JsonValue;
};
type Labels = Readonly<Record<string, string>>;
/** Objects of the OCI runtime specification, typed in `oci/runtime-spec.ts`. */
type RuntimeSpec = {
    readonly [key: string]: JsonValue;
};

type Runtime = OciRuntime | ShimRuntime;
interface RuntimeCommon {
    readonly features: RuntimeFeatures;
    /** Pure. Drops or adds what this runtime wants; `options` are those of the container's `RuntimeRef`. Throws `unsupported` for what it cannot do. */
    adaptSpec(spec: RuntimeSpec, options: JsonValue | undefined): RuntimeSpec;
}
/** A binary that speaks the OCI command line: runc, crun, youki, runsc. */
interface OciRuntime extends RuntimeCommon {
    readonly kind: 'oci';
    /** Absolute, or a name that the room looks up on PATH when it opens: missing is `failed_precondition` then, not at the first start. */
    readonly path: string;
    /** Before the verb. A supervisor that cannot pass them on gets a wrapper from its room. */
    readonly globalArgs: readonly string[];
    readonly env: Labels;
}
/** A containerd shim, by its name there: Kata, gVisor. */
interface ShimRuntime extends RuntimeCommon {
    readonly kind: 'shim';
    /** E.g. `io.containerd.kata.v2`. */
    readonly name: string;
    /** The shim's own message, encoded. */
    readonly options?: {
        readonly typeUrl: string;
        readonly value: Uint8Array;
    } | undefined;
}
/** What callers may branch on. Of a runtime of the OCI kind, found by asking it (`features`), where it can tell. */
interface RuntimeFeatures {
    readonly pause: boolean;
    readonly update: boolean;
    readonly checkpoint: boolean;
    readonly exec: boolean;
    readonly tty: boolean;
    /** Processes inside are processes of the host: `top` and `/proc/<pid>/root` work. */
    readonly hostPid: boolean;
    readonly rootfs: 'mounts' | 'block';
    /** `path`: joins the namespace it is given. `own`: makes its own network. */
    readonly netns: 'path' | 'own';
    /** One cgroup for a container, or one for all of a sandbox. */
    readonly cgroup: 'container' | 'sandbox';
    readonly stats: 'cgroup' | 'runtime';
    /**
     * An annotation that takes a compiled seccomp filter, base64 of its BPF; the runtime keeps the one that it compiles itself in
     * `seccomp.bpf` of the container's state. crun: `run.oci.seccomp_bpf_data`, since 0.19. Absent: it knows none.
     */
    readonly filterAnnotation?: string | undefined;
}

interface OciOptions {
    /** Before the verb, e.g. `['--debug']`. */
    readonly globalArgs?: readonly string[] | undefined;
    /** For the runtime itself, not for the container. */
    readonly env?: Labels | undefined;
    /** What differs from runc's. */
    readonly features?: Partial<RuntimeFeatures> | undefined;
}
interface ShimOptions {
    /** The shim's own options message: its type and its encoded value. Both or none. */
    readonly typeUrl?: string | undefined;
    readonly value?: Uint8Array | undefined;
    /** What differs from runc's. */
    readonly features?: Partial<RuntimeFeatures> | undefined;
}
/** A runtime of the OCI command line, by name on PATH or by absolute path: `oci('runc')`, `oci('/opt/youki/youki')`. */
declare function oci(nameOrPath: string, options?: OciOptions): OciRuntime;
/** A containerd shim by its name there: `shim('io.containerd.kata.v2')`, or by the absolute path of its binary. */
declare function shim(name: string, options?: ShimOptions): ShimRuntime;

export {
    type OciOptions,
    type OciRuntime,
    type Runtime,
    type RuntimeFeatures,
    type ShimOptions,
    type ShimRuntime,
    oci,
    shim,
};
