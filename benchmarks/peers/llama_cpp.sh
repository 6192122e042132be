#!/usr/bin/env bash
# Builds llama.cpp's tools from the source package of llama-cpp-python (about ten minutes on two cores).
# Usage: benchmarks/peers/llama_cpp.sh [FOLDER]; prints the folder of the binaries.
set -euo pipefail
folder=$(realpath -m "${1:-build/peers}")
version=0.3.36
source="$folder/llama_cpp_python-$version/vendor/llama.cpp"
mkdir -p "$folder"
command -v cmake >/dev/null || { echo "needs cmake (apt-get install cmake, or pip install cmake)" >&2; exit 1; }
if [ ! -d "$source" ]; then
  python3 -m pip --quiet download --no-deps --no-binary :all: --dest "$folder" "llama-cpp-python==$version" >&2
  tar -xf "$folder/llama_cpp_python-$version.tar.gz" -C "$folder"
fi
cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF \
  -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_OPENSSL=OFF >&2
cmake --build "$source/build" -j"$(nproc)" --target llama-bench llama-quantize llama-perplexity llama-imatrix >&2
echo "$source/build/bin"
