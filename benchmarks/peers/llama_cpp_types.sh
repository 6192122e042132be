#!/usr/bin/env bash
# llama.cpp's files of one model in its own types, with an importance matrix from a text, and their KL by its own tool.
# Usage: benchmarks/peers/llama_cpp_types.sh BIN MODEL.gguf CALIBRATION_TEXT TEST_TEXT FOLDER [TYPE ...]
# Leaves FOLDER/TYPE.gguf and FOLDER/TYPE.txt (what llama-perplexity says of WINDOWS windows of 512 tokens, default 40; the
# importance matrix sees CHUNKS of them, default 60). What is there stays.
set -euo pipefail
bin=$1 model=$2 calibration=$3 test=$4 folder=$5
shift 5
types=("$@")
[ ${#types[@]} -gt 0 ] || types=(Q5_K_M Q4_K_M Q3_K_M IQ4_NL IQ3_S)
mkdir -p "$folder"
threads=${THREADS:-$(nproc)} chunks=${CHUNKS:-60} windows=${WINDOWS:-40}
[ -f "$folder/imatrix.gguf" ] || "$bin/llama-imatrix" -m "$model" -f "$calibration" -o "$folder/imatrix.gguf" -c 512 --chunks "$chunks" -t "$threads" >"$folder/imatrix.txt" 2>&1
[ -f "$folder/reference.kld" ] || "$bin/llama-perplexity" -m "$model" -f "$test" --kl-divergence-base "$folder/reference.kld" -c 512 --chunks "$windows" -t "$threads" >"$folder/reference.txt" 2>&1
for type in "${types[@]}"; do
  [ -f "$folder/$type.gguf" ] || "$bin/llama-quantize" --imatrix "$folder/imatrix.gguf" "$model" "$folder/$type.gguf" "$type" "$threads" >"$folder/$type.log" 2>&1
  [ -f "$folder/$type.txt" ] || "$bin/llama-perplexity" -m "$folder/$type.gguf" -f "$test" --kl-divergence-base "$folder/reference.kld" --kl-divergence -c 512 --chunks "$windows" -t "$threads" >"$folder/$type.txt" 2>&1
  printf '%-8s %s  %s\n' "$type" "$(stat -c %s "$folder/$type.gguf")" "$(grep -m1 'Mean    KLD' "$folder/$type.txt")"
done
