/** The inventory that `xynctl init` writes. */
export const TARGETS_TEMPLATE = `# The machines that actions work on; blueprints name them in \`host\`.
# The key of the target below is the secret ssh/ops: the variable XYN_SECRET_SSH_OPS of the worker.
# Its host key is what \`ssh-keyscan -t ed25519 192.0.2.10\` prints after the address.
targets: []
#  - name: web-1
#    address: 192.0.2.10
#    user: ops
#    key: { secret: ssh/ops }
#    host_key: SHA256:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/AbCdE
#    labels: { role: web }
`;

/** The blueprint that \`xynctl init\` writes: it needs neither a model nor a target. */
export const BLUEPRINT_TEMPLATE = `# yaml-language-server: $schema=../schemas/blueprint.schema.json
# Asks Xyn itself how it is, once a person agreed. Start it with
#   xynctl runs start bp.check_health --wait
# or by the event ops.check:
#   xynctl events emit ops.check --wait
id: bp.check_health
name: Check the health of Xyn
trigger:
  event_type: ops.check
plan:
  - kind: gate
    id: approve
    mode: manual
  - kind: action_task
    id: ask
    action: http.call
    with:
      url: http://127.0.0.1:7420/api/v1/health
`;
