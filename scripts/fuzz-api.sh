#!/usr/bin/env bash
# Sends what schemathesis makes of the API's description to a running Xyn, and fails on a 5xx, an answer outside of its
# schema, or an invalid request that is taken. Wants `schemathesis` on the path: `pip install schemathesis==4.32.5` in an
# environment of its own. Usage: fuzz-api.sh [URL] [SECONDS]; see docs/api.md.
set -euo pipefail
url=${1:-http://127.0.0.1:7420}
seconds=${2:-600}

post() { curl --silent --show-error --fail-with-body --output /dev/null --request POST "$@"; }

# Something to find: a blueprint whose runs wait at a gate, and some of them.
post "$url/api/v1/blueprints" --header 'Content-Type: text/yaml' --data-binary @- <<'YAML'
id: bp.fuzz
name: Fuzz
trigger:
  event_type: fuzz.event
plan:
  - id: ok
    kind: gate
    mode: manual
YAML
for _ in 1 2 3 4 5; do
  post "$url/api/v1/events" --header 'Content-Type: application/json' --data '{"event_name": "fuzz.event"}'
done

# Left out: `ignored_auth`, since nothing asks who calls, and `positive_data_acceptance`, since requests that fit the schema
# are refused for what a schema cannot say (a cursor that nobody gave, a document that does not compile).
# Headers over 16 KiB are refused before any route is asked.
settings=$(mktemp --suffix .toml)
trap 'rm -f "$settings"' EXIT
cat >"$settings" <<'TOML'
[checks.negative_data_rejection]
expected-statuses = ["400", "404", "405", "409", "413", "415", "416", "422", "431"]
TOML
schemathesis --config-file "$settings" run "$url/api/v1/openapi.json" --max-time "$seconds" --continue-on-failure --no-color \
  --suppress-health-check all --exclude-checks positive_data_acceptance,ignored_auth
