#!/usr/bin/env bash
# Checks what lies in deploy/: just check-deploy, or with a running daemon's admin address to ask that as well:
#   IMPRESARIO_TOKEN=… deploy/check.sh http://127.0.0.1:8082
# It needs promtool and Python with PyYAML; what else is there (systemd-analyze, kubectl, hadolint) is used.
set -uo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 skipped=0

step() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then
        echo "ok      $name"
    else
        failed=$((failed + 1))
        echo "FAILED  $name"
        sed 's/^/        /' <<<"$out"
    fi
}
# A tool that is not there is said, and counts as a failure only where nothing can be told without it.
skip() {
    skipped=$((skipped + 1))
    echo "skipped $1: $2"
}

config() {
    # promtool looks for the token's file beside the config.
    cp prometheus/*.yml "$work" && touch "$work/impresario.token" && promtool check config "$work/prometheus.yml"
}
# Triton's names do not keep Prometheus' rules, and have to be what they are.
metrics() {
    local told
    told=$(promtool check metrics <"$1" 2>&1 | grep -v '^nv_')
    [ -z "$told" ] || { echo "$told"; return 1; }
}
board() {
    python3 check/check.py rules "$work/dashboard.yml" && promtool check rules "$work/dashboard.yml"
}
unit() {
    # The program need not be installed where this is run.
    sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' systemd/impresario.service >"$work/impresario.service"
    local told # it warns of what it does not know, and ends well
    told=$(systemd-analyze verify "$work/impresario.service" 2>&1) && [ -z "$told" ] || { echo "$told"; return 1; }
}
live() {
    local auth=()
    [ -z "${IMPRESARIO_TOKEN:-}" ] || auth=(-H "Authorization: Bearer $IMPRESARIO_TOKEN")
    curl -fsS "${auth[@]}" "${1%/}/metrics" >"$work/live.txt" || return 1
    python3 check/check.py live <"$work/live.txt" && metrics "$work/live.txt"
}

if command -v promtool >/dev/null; then
    step 'prometheus: configuration' config
    step 'prometheus: rules' promtool check rules prometheus/bounds.yml prometheus/recording.yml prometheus/alerts.yml
    step 'prometheus: unit tests of the rules' promtool test rules prometheus/rules_test.yml
    step 'metrics: the format and the names' metrics check/metrics.txt
    step 'grafana: every expression is PromQL' board
else
    failed=$((failed + 1))
    echo 'FAILED  promtool is missing, so rules and expressions are not checked: apt-get install prometheus'
fi
step 'series, labels, fields and messages are real' python3 check/check.py
step 'docker: the health check is a script' bash -n docker/healthcheck
if command -v systemd-analyze >/dev/null; then
    step 'systemd: the unit' unit
else
    skip 'systemd: the unit' 'no systemd-analyze'
fi
if command -v kubectl >/dev/null; then
    step 'kubernetes: the manifests are put together' kubectl kustomize kubernetes
else
    skip 'kubernetes: the manifests' 'no kubectl'
fi
if command -v hadolint >/dev/null; then
    step 'docker: the Dockerfile' hadolint docker/Dockerfile
else
    skip 'docker: the Dockerfile' 'no hadolint'
fi
if [ -n "${1:-}" ]; then
    step "metrics of $1" live "$1"
fi

echo
if [ "$failed" -gt 0 ]; then
    echo "$failed failed, $skipped skipped"
    exit 1
fi
echo "all is well, $skipped skipped"
