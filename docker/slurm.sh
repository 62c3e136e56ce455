#!/usr/bin/env bash
#SBATCH --job-name=gridsweep
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@300
#
# A sweep on several nodes of a SLURM partition, with one Ray over all of them:
#
#   sbatch docker/slurm.sh sweeps/mine.yaml /shared/stores/mine [options of gridsweep run]
#
# The store is on a file system that every node mounts. Five minutes before its time is up, or when it is
# preempted, the job saves what it trains, ends, and queues itself again: the same command goes on.
#
# `ray symmetric-run` starts Ray everywhere and the command on the first node. What it does not do well is
# done here: it waits 30 s for nodes (a large job needs minutes), it exits 0 when Ray did not start at all
# and nothing was run (so the command leaves a mark with its exit code), it is deaf to a signal (so the
# command is told itself), and it takes any Ray on the node for its own (hence --exclusive).
set -euo pipefail

if (($# < 2)); then
    echo "usage: sbatch docker/slurm.sh SWEEP STORE [options of gridsweep run]" >&2
    exit 2
fi
sweep=$1 store=$2
shift 2

umask 077
# Of this user alone, and on a file system that every node sees: the secret is in it.
run=$(mktemp -d "${GRIDSWEEP_RUN_DIR:-$HOME}/.gridsweep-run-${SLURM_JOB_ID:-0}-XXXXXX")
trap 'rm -rf "$run"' EXIT
python3 -c 'import secrets; print(secrets.token_hex(32), end="")' >"$run/token"

export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$run/token"
export RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=${RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT:-900}
# A host that fell silent is given up after five questions of 5 s, 3 s apart, not of 10 s.
export RAY_health_check_timeout_ms=5000
# Ray's sockets: a path of more than 107 bytes is refused, and two jobs of a node must not meet.
export RAY_TMPDIR="/tmp/ray-${SLURM_JOB_ID:-0}"

nodes=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes%%$'\n'*}
port=$((20000 + ${SLURM_JOB_ID:-0} % 20000))

# Runs on the first node only: leaves its process id, so that it can be told to end, and its exit code.
cat >"$run/command" <<'COMMAND'
#!/usr/bin/env bash
gridsweep run "$@" --address auto &
echo $! >"$GRIDSWEEP_RUN/pid"
wait $!
code=$?
echo "$code" >"$GRIDSWEEP_RUN/code"
exit "$code"
COMMAND
chmod 700 "$run/command"
export GRIDSWEEP_RUN=$run

asked_to_end=0
# shellcheck disable=SC2329 # the trap calls it
tell() {
    asked_to_end=1
    # This script runs on the first node of the job, where the command is.
    if [[ -s $run/pid ]]; then kill -TERM "$(<"$run/pid")" 2>/dev/null || true; fi
}
trap tell TERM

srun --nodes="${SLURM_JOB_NUM_NODES:-1}" --ntasks-per-node=1 \
    ray symmetric-run --address "$head:$port" --min-nodes "${SLURM_JOB_NUM_NODES:-1}" \
    --include-dashboard=false -- "$run/command" "$sweep" --store "$store" "$@" &
steps=$!
# A signal ends `wait`, not what it waits for.
while kill -0 "$steps" 2>/dev/null; do wait "$steps" || true; done

if [[ ! -s $run/code ]]; then
    echo "Ray did not start on all nodes, so nothing was trained: the lines above say where" >&2
    exit 1
fi
code=$(<"$run/code")
if ((code == 4 && asked_to_end)) && [[ -n ${SLURM_JOB_ID:-} ]]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
