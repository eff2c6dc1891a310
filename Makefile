# make run     set up, build the index from seeds/, and serve the web page
# make test    set up and run the tests, by four processes
# make check   formatting, lint and types
# make bench   the benchmarks (see bench/README.md)
# make scale   the tests that start real servers, S3, Milvus and Dask (installs them first; Linux)
# make scale-short   some of them, in a minute or two; what cannot be installed or started is skipped
# make campaign  the crash, equality, damage, load and attack tests, long: 200 rounds of each
#
# Each makes .venv when it is missing, or older than what it is made from. Another Python:
# make PYTHON=python3.12 run

# the first of these that runs and is new enough (a name may be there and lead nowhere)
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check bench campaign scale scale-short format clean

run: $(READY)
	$(BIN)/qa build
	$(BIN)/python app.py

test: $(READY)
	$(BIN)/python -m pytest -q -rs -n 4 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)
	@echo "Each benchmark is a command of its own; bench/README.md lists them:"
	@ls bench/*.py bench/*/*.py 2>/dev/null || true

campaign: $(READY)
	QA_LONG=200 $(BIN)/python -m pytest -q -rs tests/test_crash.py tests/test_trust.py \
		tests/test_building.py tests/test_damage.py tests/test_hostile.py tests/test_attack.py

scale: $(READY)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dask,milvus,objects,scale]'
	QA_LONG=1 unshare --map-root-user --net $(BIN)/python tests/alone.py \
		$(BIN)/python -m pytest -q -rs tests/test_objects.py tests/test_store.py \
		tests/test_milvus.py tests/test_milvus_server.py tests/test_cluster.py

scale-short: $(READY)
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dask,milvus,objects,scale]' \
		|| echo "not installed: the servers of 'make scale'; the tests that start them are skipped" >&2
	@alone="unshare --map-root-user --net $(BIN)/python tests/alone.py"; \
	unshare --map-root-user --net true 2>/dev/null || { alone=; \
		echo "no network of its own is to be had here: Milvus is not started" >&2; }; \
	QA_LONG=1 $$alone $(BIN)/python -m pytest -q -rs tests/test_objects.py tests/test_store.py \
		tests/test_cluster.py -k "$(SHORT)"

# an S3 server; a Milvus server: what is found, and builds one after the other; files through a bucket
SHORT := test_objects or through_a_bucket or (milvus and \
	(word_for_word or nearest or by_bm25 or series_of_builds or stays_as_it_is))

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis tests/output

$(READY): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or later is needed: \
	name one by make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade -c constraints.txt -e '.[dask,dev,mcp,metrics,milvus,objects,ocr]'
	@touch $@
