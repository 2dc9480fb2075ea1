import { fileURLToPath } from 'node:url'
import type { ViteUserConfig } from 'vitest/config'

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url))

/** What users import is the source here, so that tests and examples need no build. */
const alias = [
  { find: /^pouch-sdk$/, replacement: source('index.ts') },
  { find: /^pouch-sdk\/http$/, replacement: source('backends/http/connect.ts') },
  { find: /^pouch-sdk\/containerd$/, replacement: source('backends/containerd/connect.ts') },
  { find: /^pouch-sdk\/local$/, replacement: source('backends/local/open.ts') },
  { find: /^pouch-sdk\/(drivers|testing|conformance)$/, replacement: source('$1/index.ts') },
]
const shared = {
  resolve: { alias },
  // Node 20 knows no `await using`.
  esbuild: { target: 'node20' },
} as const

/** Files that each start a daemon: one after the other unless asked. */
const integrationWorkers = Number(process.env.POUCH_SDK_TEST_WORKERS ?? 1)
/** Projects of their own, to run beside the others. */
const local = 'test/integration/local/**/*.test.ts'
const containerd = 'test/integration/{containerd,host}/**/*.test.ts'

const config: ViteUserConfig = {
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: 'unit',
          allowOnly: false,
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'types',
          allowOnly: false,
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: ['test/types/**/*.{test,test-d}.ts'],
            tsconfig: 'test/setup/tsconfig.types.json',
          },
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: 'conformance',
          allowOnly: false,
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      ...[
        { name: 'integration', include: ['test/integration/**/*.test.ts'], exclude: [containerd, local] },
        { name: 'containerd', include: [containerd] },
        { name: 'local', include: [local] },
      ].map((files) => ({
        ...shared,
        test: {
          ...files,
          allowOnly: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: integrationWorkers,
          sequence: { groupOrder: 2 },
        },
      })),
    ],
  },
}

export default config
