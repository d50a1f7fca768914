#!/bin/bash
#SBATCH --job-name=@{name}
#SBATCH --array=@{array}
#SBATCH --cpus-per-task=@{cpus}
#SBATCH --mem=@{memory}
#SBATCH --time=@{time}
#SBATCH --output=@{logs}/%A_%a.log
#SBATCH --open-mode=append
# A preempted task goes back into the queue; near the time limit this shell is told, and puts its task back itself.
#SBATCH --requeue
#SBATCH --signal=B:USR1@@120
@{directives}
cd @{folder} || exit 2
@{setup}
@{python} -m worldwright.distributed.worker --jobs @{jobs} --index "$SLURM_ARRAY_TASK_ID" --threads "${SLURM_CPUS_PER_TASK:-@{cpus}}" &
worker=$!

put_back() {
    kill -TERM "$worker" 2>/dev/null
    wait "$worker"
    local code=$?
    # 75: it was stopped and can go on. Anything else is its own end.
    [ "$code" -eq 75 ] || exit "$code"
    if [ "${SLURM_RESTART_COUNT:-0}" -ge @{requeues} ]; then
        echo "error: put back ${SLURM_RESTART_COUNT} times already; submit the script again to go on" >&2
        exit "$code"
    fi
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"
    exit 0
}
trap put_back USR1
trap 'kill -TERM "$worker" 2>/dev/null' TERM INT

wait "$worker"
code=$?
# A signal ends wait early: the worker's own end is what counts.
while kill -0 "$worker" 2>/dev/null; do
    wait "$worker"
    code=$?
done
exit "$code"
