#!/usr/bin/env bash
#SBATCH --job-name=gridsweep
#SBATCH --array=0-15
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --signal=B:TERM@300
#
# The same sweep without Ray: so many tasks, each on its own, that share one store and through it the work.
#
#   sbatch docker/slurm-array.sh sweeps/mine.yaml /shared/stores/mine [options of gridsweep run]
#
# A task that dies loses the cohort it was at, another takes it a minute later. Tasks may come and go, be
# more or fewer, on any nodes: nothing counts them.
set -euo pipefail

if (($# < 2)); then
    echo "usage: sbatch docker/slurm-array.sh SWEEP STORE [options of gridsweep run]" >&2
    exit 2
fi
sweep=$1 store=$2
shift 2

gridsweep run "$sweep" --store "$store" --inline "$@" &
command=$!
asked_to_end=0
trap 'asked_to_end=1; kill -TERM "$command" 2>/dev/null || true' TERM
# A signal ends `wait`, not what it waits for; the last one is told the code of what may have ended long before.
while kill -0 "$command" 2>/dev/null; do wait "$command" || true; done
code=0
wait "$command" || code=$?
if ((code == 4 && asked_to_end)) && [[ -n ${SLURM_JOB_ID:-} ]]; then
    scontrol requeue "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
