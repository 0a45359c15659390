#!/usr/bin/env bash
# Rebuilds the demo model: data, tower, text model, checkpoint. Usage: build.sh WORK, a folder to keep data and checkpoints
# in; an interrupted run continues where it was. PYTHON names a Python with requirements.txt installed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=${1:?name a folder to work in}
python=${PYTHON:-python3}
mkdir -p "$work"
# Big buffers stay with the process. Threads that wait may spin: steps are short, and sleeping between their loops costs a fifth.
export THP_MEM_ALLOC_ENABLE=1 MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=1073741824 \
  MALLOC_TRIM_THRESHOLD_=4294967296 MALLOC_TOP_PAD_=67108864
"$root/medpruner" phantom --output "$work/train" --questions 6860 --seed 1
"$root/medpruner" phantom --output "$work/held-out" --questions 500 --seed 42
[ -f "$work/run/tower.pt" ] || "$python" "$here/train_vision.py" --data "$work/train" --work "$work/run"
"$python" "$here/train_language.py" --data "$work/train" --held-out "$work/held-out" \
  --tokenizer "$root/models/demo/tokenizer.json" --work "$work/run"
for file in generation_config.json tokenizer.json tokenizer_config.json preprocessor_config.json processor_config.json; do
  cp "$root/models/demo/$file" "$work/run/checkpoint/"
done
"$python" "$here/evaluate.py" --model "$work/run/checkpoint" --data "$work/held-out" --form choices closed plain open
