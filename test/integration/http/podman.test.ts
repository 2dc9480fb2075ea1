import { connectHttp } from '../../../src/backends/http/connect.js'
import { daemonSuite } from '../../setup/daemon-suite.js'
import { startTestPodman } from '../../setup/podman.js'

daemonSuite({
  name: 'podman',
  start: startTestPodman,
  connect: ({ socketPath }) => connectHttp({ socketPath }),
  features: [
    'build',
    'changes',
    'commit',
    'disk_usage',
    'event_history',
    'exit_status_survives_restart',
    'export',
    'files',
    'image_history',
    'image_import',
    'image_prune',
    'image_push',
    'image_save',
    'init',
    'kill',
    'log_rotation',
    'network_connect',
    'networks',
    'pause',
    'rename',
    'restart_on_failure',
    'restart_policy',
    'shared_attach',
    'stats',
    'stop_signal',
    'tmpfs',

    'volume_usage',
    'volumes',
    'commands',
    'host',
    'registry',
  ],
  async remains({ podman }) {
    return {
      containers: await podman('ps', '--all', '--quiet'),
      volumes: await podman('volume', 'ls', '--quiet'),
      networks: await podman('network', 'ls', '--format', '{{.Name}}'),
    }
  },
})
