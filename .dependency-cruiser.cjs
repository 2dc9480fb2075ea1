// The import rules of this code: api -> ports <- managers, and adapters implement ports. Type imports count.

/** A layer may import from `src` only what is listed; its own folder is listed, too. */
const layer = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: allowed },
})

const errors = '^src/errors\\.ts$'
const model = '^src/model/'
const util = '^src/util/'
const oci = '^src/oci/'
const ports = '^src/ports/'
const upperFloor = ['^src/ports/backend/', '^src/ports/streams\\.ts$']
const entries = '^src/(index|(drivers|testing|conformance)/index)\\.ts$'

/** What both rooms of the lower floor use: all ports, the managers' one door, and this machine. */
const lowerRoom = [
  model,
  errors,
  util,
  oci,
  ports,
  '^src/managers/managed-backend\\.ts$',
  '^src/backends/host/',
  '^src/registry/',
  '^src/drivers/',
]

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-packages',
      comment: 'A package of the code is a dependency, never a development one; but for zod, which is bundled.',
      severity: 'error',
      from: { path: '^src/' },
      to: { pathNot: '(^|/)node_modules/zod/', dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown', 'npm-optional'] },
    },
    {
      name: 'no-barrels',
      comment: 'Only package entries are called index.ts.',
      severity: 'error',
      from: { path: '(^|/)index\\.ts$', pathNot: entries },
      to: {},
    },
    {
      name: 'words-and-ports-are-types-only',
      comment: 'No npm package is seen through the model or a port.',
      severity: 'error',
      from: { path: [model, ports] },
      to: { dependencyTypes: ['npm'] },
    },
    {
      name: 'grpc-stays-in-its-room',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/backends/containerd/' },
      to: { path: ['@grpc/grpc-js', '@bufbuild/protobuf'] },
    },
    {
      name: 'stubs-stay-in-their-room',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/backends/containerd/' },
      to: { path: '^src/backends/containerd/gen/' },
    },
    {
      name: 'rooms-are-loaded-lazily',
      comment: 'Importing the package must not load a room: import() it.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/backends/' },
      to: { path: '^src/backends/', dependencyTypesNot: ['dynamic-import', 'type-only'] },
    },

    layer('model', model, [model], 'The words import nothing from elsewhere.'),
    layer('ports', ports, [model, ports], 'Ports know words and ports.'),
    layer('errors', errors, [model], 'The error class knows words only.'),
    layer('util', util, [util, '^src/model/common\\.ts$', errors], 'No domain words here.'),
    layer('oci', oci, [oci, model, errors, util], 'Formats, pure.'),
    layer('registry', '^src/registry/', ['^src/registry/', oci, model, ports, errors, util], 'A protocol; knows no manager and no room.'),
    layer('api', '^src/api/', ['^src/api/', model, ...upperFloor, errors, util], 'Handles see the upper floor only.'),
    layer(
      'managers',
      '^src/managers/',
      ['^src/managers/', model, ports, errors, util, oci, '^src/registry/'],
      'Managers know ports, never who implements them.',
    ),
    layer(
      'http-room',
      '^src/backends/http/',
      ['^src/backends/http/', model, ...upperFloor, errors, util, oci, '^src/registry/docker-credentials\\.ts$'],
      'Implements the upper floor directly.',
    ),
    layer('containerd-room', '^src/backends/containerd/', ['^src/backends/containerd/', ...lowerRoom], 'No room sees api or another room.'),
    layer('local-room', '^src/backends/local/', ['^src/backends/local/', ...lowerRoom], 'No room sees api or another room.'),
    layer(
      'host',
      '^src/backends/host/',
      ['^src/backends/host/', model, ports, errors, util, oci],
      'This machine: implements ports, knows no manager.',
    ),
    layer('drivers', '^src/drivers/', ['^src/drivers/', model, ports, errors, util, oci], 'Drivers import ports, never a room.'),
    layer('conformance', '^src/conformance/', ['^src/conformance/', model, ports, errors, util, oci], 'Suites import ports, never a room.'),
    layer(
      'testing',
      '^src/testing/',
      ['^src/testing/', '^src/api/', '^src/connect\\.ts$', model, ports, errors, util],
      'Harnesses use what users hold.',
    ),
    layer(
      'connect',
      '^src/connect(\\.ts$|/)',
      ['^src/connect/', '^src/api/', '^src/backends/(http/connect|containerd/connect|local/open)\\.ts$', model, ports, errors, util],
      'Knows the three rooms by their doors.',
    ),
    layer('index', '^src/index\\.ts$', ['^src/api/', '^src/connect\\.ts$', model, ports, errors, util], 'A list of exports.'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'node', 'default'] },
  },
}
